/**
 * Bytes in and out for the codecs of this folder: unsigned integers in base 128 (low group first, so that small ones are
 * short), texts as UTF-8 behind their byte length. Reading is bounds-checked: anything else than what a writer makes ends in
 * `MalformedBytes`, which each codec turns into its own answer.
 */

import { KIB } from '../../base/limits.ts';

/** Internal to the codecs; never leaves `apply`. */
export class MalformedBytes extends Error {
  constructor(text: string) {
    super(text);
    this.name = 'MalformedBytes';
  }
}

const encoder = new TextEncoder();
// A byte-order mark is part of a text: without `ignoreBOM` the decoder would eat it.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Below this many characters a loop beats the platform's coders (measured: their call costs about 150 ns). */
const shortTextChars = 24;

/** Encodings share buffers of this size: a buffer of its own for each costs more than writing it (measured: a fifth of `apply`). */
const slabBytes = 32 * KIB;

/** Reusable: `begin`, then write, then `take`. What was taken stays as it is; it is a view of a larger buffer. */
export class ByteWriter {
  #slab = new Uint8Array(0);
  /** Where the encoding under way starts. */
  #start = 0;
  #at = 0;

  /** Starts afresh: what an encoder that threw left behind is gone. */
  begin(version: number): void {
    this.#at = this.#start;
    this.byte(version);
  }

  take(): Uint8Array {
    const taken = this.#slab.subarray(this.#start, this.#at);
    this.#start = this.#at;
    return taken;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#slab[this.#at++] = value;
  }

  /** A non-negative safe integer. */
  integer(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= 2 ** 31) {
      this.#slab[this.#at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    while (rest >= 128) {
      this.#slab[this.#at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#slab[this.#at++] = rest;
  }

  /** A lone surrogate becomes U+FFFD: bytes always hold valid UTF-8. */
  text(value: string): void {
    if (value.length < shortTextChars && this.#asciiText(value)) return;
    // UTF-8 needs at most three bytes for a UTF-16 unit. The length goes before the text, so its place is guessed
    // for the likely case (all ASCII) and the text is moved when the guess was wrong.
    this.#reserve(value.length * 3 + 16);
    const guess = integerBytes(value.length);
    const start = this.#at + guess;
    const { written } = encoder.encodeInto(value, this.#slab.subarray(start));
    const prefix = integerBytes(written);
    if (prefix !== guess) this.#slab.copyWithin(this.#at + prefix, start, start + written);
    this.integer(written);
    this.#at += written;
  }

  #asciiText(value: string): boolean {
    this.#reserve(shortTextChars + 1);
    const start = this.#at + 1;
    for (let at = 0; at < value.length; at++) {
      const unit = value.charCodeAt(at);
      if (unit > 127) return false;
      this.#slab[start + at] = unit;
    }
    this.#slab[this.#at] = value.length;
    this.#at = start + value.length;
    return true;
  }

  #reserve(more: number): void {
    if (this.#at + more <= this.#slab.length) return;
    const written = this.#slab.subarray(this.#start, this.#at);
    this.#slab = new Uint8Array(Math.max(slabBytes, 2 * (written.length + more)));
    this.#slab.set(written);
    this.#start = 0;
    this.#at = written.length;
  }
}

function integerBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

/** Whether a text takes more bytes in UTF-8. Three times its length is the most it can take: most texts need no counting. */
export function exceedsBytes(text: string, limit: number): boolean {
  return text.length * 3 > limit && utf8Bytes(text) > limit;
}

/** Bytes of a text as `ByteWriter.text` writes it, without its length. */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) continue;
    bytes += unit < 0x800 ? 1 : 2;
    // A pair of surrogates is four bytes, two for each unit; a lone one becomes U+FFFD, three.
    if (unit >= 0xd800 && unit <= 0xdbff && isLowSurrogate(text.charCodeAt(at + 1))) at++;
  }
  return bytes;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  byte(): number {
    const value = this.#bytes[this.#at++];
    if (value === undefined) throw new MalformedBytes('bytes end early');
    return value;
  }

  integer(): number {
    let value = 0;
    let weight = 1;
    for (;;) {
      const group = this.byte();
      value += (group & 127) * weight;
      if (value > Number.MAX_SAFE_INTEGER) throw new MalformedBytes('integer too large');
      if (group < 128) return value;
      weight *= 128;
      if (weight > 2 ** 56) throw new MalformedBytes('integer too long');
    }
  }

  /** A count of things of which each takes at least one byte: so a lie about it cannot make a reader allocate. */
  count(): number {
    const value = this.integer();
    if (value > this.#bytes.length - this.#at) throw new MalformedBytes('count beyond the end');
    return value;
  }

  text(): string {
    const length = this.count();
    const start = this.#at;
    const end = start + length;
    this.#at = end;
    if (length < shortTextChars) {
      const short = this.#asciiText(start, end);
      if (short !== null) return short;
    }
    try {
      return decoder.decode(this.#bytes.subarray(start, end));
    } catch (cause) {
      throw new MalformedBytes(`text is not UTF-8: ${String(cause)}`);
    }
  }

  /** Nothing may follow: two different byte strings never mean the same. */
  end(): void {
    if (this.#at !== this.#bytes.length) throw new MalformedBytes('bytes left over');
  }

  #asciiText(start: number, end: number): string | null {
    let text = '';
    for (let at = start; at < end; at++) {
      const byte = this.#bytes[at];
      if (byte === undefined || byte > 127) return null;
      text += String.fromCharCode(byte);
    }
    return text;
  }
}

/** Runs a reader over all of `bytes`; null when they are not what the reader expects. */
export function readAll<T>(bytes: Uint8Array, read: (reader: ByteReader) => T): T | null {
  const reader = new ByteReader(bytes);
  try {
    const value = read(reader);
    reader.end();
    return value;
  } catch (error) {
    if (error instanceof MalformedBytes) return null;
    throw error;
  }
}
