/**
 * Bytes of a connection → lines. A chunk is not a line: it may hold half of one or hundreds. Ends of line are `\n` and `\r\n`.
 */
import { limits } from '../base/limits.ts';

export type Line =
  | { readonly kind: 'line'; readonly text: string }
  /** Not UTF-8, or with a NUL: this line is refused, the next may be fine. */
  | { readonly kind: 'bad-encoding' }
  /** Longer than the limit, its end seen or not. Nothing follows it: the connection is to be closed. */
  | { readonly kind: 'too-long' };

const lineFeed = 10;
const carriageReturn = 13;
const nul = 0;

// A byte-order mark is part of its line: without `ignoreBOM` the decoder would eat it.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class LineSplitter {
  /** The started line; its length never exceeds a line and its carriage return. */
  readonly #started: Uint8Array;
  #startedBytes = 0;
  readonly #maxBytes: number;
  #closed = false;

  /** `maxBytes` without the end of line. */
  constructor(maxBytes: number = limits.lineBytes) {
    this.#maxBytes = maxBytes;
    this.#started = new Uint8Array(maxBytes + 1);
  }

  /** Bytes of the line that has begun and not ended: such a line is never a request, it may have been cut. */
  get startedBytes(): number {
    return this.#startedBytes;
  }

  /** The lines that `chunk` completes, in order; none after one that was too long. */
  push(chunk: Uint8Array): readonly Line[] {
    const lines: Line[] = [];
    let from = 0;
    while (!this.#closed) {
      const end = chunk.indexOf(lineFeed, from);
      if (end < 0) break;
      lines.push(this.#complete(chunk.subarray(from, end)));
      from = end + 1;
    }
    if (!this.#closed && !this.#keep(chunk.subarray(from))) lines.push(this.#refuse());
    return lines;
  }

  #complete(last: Uint8Array): Line {
    if (this.#startedBytes === 0) return this.#decode(last);
    if (!this.#keep(last)) return this.#refuse();
    const whole = this.#started.subarray(0, this.#startedBytes);
    this.#startedBytes = 0;
    return this.#decode(whole);
  }

  /** False when the line cannot become one any more. */
  #keep(part: Uint8Array): boolean {
    const length = this.#startedBytes + part.length;
    if (length > this.#maxBytes + 1) return false;
    this.#started.set(part, this.#startedBytes);
    this.#startedBytes = length;
    // One more than the limit is well only as a carriage return whose line feed is under way.
    return length <= this.#maxBytes || this.#started[length - 1] === carriageReturn;
  }

  #decode(bytes: Uint8Array): Line {
    const line = bytes.at(-1) === carriageReturn ? bytes.subarray(0, -1) : bytes;
    if (line.length > this.#maxBytes) return this.#refuse();
    if (line.includes(nul)) return { kind: 'bad-encoding' };
    try {
      return { kind: 'line', text: decoder.decode(line) };
    } catch {
      return { kind: 'bad-encoding' };
    }
  }

  #refuse(): Line {
    this.#closed = true;
    this.#startedBytes = 0;
    return { kind: 'too-long' };
  }
}
