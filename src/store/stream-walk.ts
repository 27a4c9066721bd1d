import { decodeChunk } from './chunk.ts';
import { StateDamage } from './damage.ts';
import { type Database, type Snapshot, scan } from './database.ts';
import { DROP_RANGE, firstSequenceOf, STREAM_HEAD_RANGE, streamOfChunk, withoutPrefix } from './keys.ts';
import { beginningOf, chainRecord, decodeStreamHead, noRecords, type StreamHead } from './stream-index.ts';
import { unwrapValue } from './value.ts';

/**
 * Goes over the chunks of all streams in key order and finds whatever is missing or changed: a value, a chunk, the end of a stream, a whole
 * stream. Throws `StateDamage`.
 */
export class StreamWalk {
  readonly #heads: ReadonlyMap<string, StreamHead>;
  /** Streams on their way out: nothing is expected of them. */
  readonly #dropped: ReadonlySet<string>;
  #stream: string | null = null;
  #reached: StreamHead = noRecords;
  #whole = 0;

  private constructor(heads: ReadonlyMap<string, StreamHead>, dropped: ReadonlySet<string>) {
    this.#heads = heads;
    this.#dropped = dropped;
  }

  static async begin(database: Database, snapshot: Snapshot): Promise<StreamWalk> {
    const dropped = new Set<string>();
    for await (const [key] of scan(database, { ...DROP_RANGE, snapshot })) dropped.add(withoutPrefix(key));
    const heads = new Map<string, StreamHead>();
    for await (const [key, value] of scan(database, { ...STREAM_HEAD_RANGE, snapshot }, 1_000)) {
      const stream = withoutPrefix(key);
      if (!dropped.has(stream)) heads.set(stream, decodeStreamHead(unwrapValue(key, value)));
    }
    return new StreamWalk(heads, dropped);
  }

  /** The chunk's content, checked; null when its stream is being dropped. */
  take(key: string, value: Buffer): Buffer | null {
    const stream = streamOfChunk(key);
    if (this.#dropped.has(stream)) return null;
    if (stream !== this.#stream) this.#next(stream);
    const content = unwrapValue(key, value);
    this.#reached = extendByChunk(stream, this.#reached, key, content);
    return content;
  }

  /** Heads of the streams that lost their front. */
  *trimmed(): Iterable<readonly [stream: string, head: StreamHead]> {
    for (const [stream, head] of this.#heads) if (head.first > 1) yield [stream, head];
  }

  end(): void {
    this.#next(null);
    const expected = [...this.#heads.values()].filter(({ first, last }) => first <= last).length;
    if (this.#whole < expected) {
      throw new StateDamage('gap', `${expected - this.#whole} streams are missing.`);
    }
  }

  #next(stream: string | null): void {
    if (this.#stream !== null) {
      checkEnd(this.#stream, this.#reached, this.#heads.get(this.#stream) ?? noRecords);
      this.#whole++;
    }
    this.#stream = stream;
    this.#reached = beginningOf(this.#heads.get(stream ?? '') ?? noRecords);
  }
}

/** `reached` with the records of the chunk behind it. Throws when the chunk is not the next one. */
export function extendByChunk(stream: string, reached: StreamHead, key: string, content: Buffer): StreamHead {
  const first = firstSequenceOf(key);
  if (first !== reached.last + 1) {
    throw new StateDamage(
      'gap',
      `Stream ${stream} has record ${first} where record ${reached.last + 1} should be.`,
    );
  }
  let head = reached;
  for (const { record } of decodeChunk(content, first)) head = chainRecord(head, record);
  return head;
}

export function checkEnd(stream: string, reached: StreamHead, expected: StreamHead): void {
  if (reached.last !== expected.last) {
    throw new StateDamage(
      'gap',
      `Stream ${stream} ends at record ${reached.last}, and not at ${expected.last}.`,
    );
  }
  if (reached.chain !== expected.chain) {
    throw new StateDamage('value', `Stream ${stream} holds other records than were written.`);
  }
}
