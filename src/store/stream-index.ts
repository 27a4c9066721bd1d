import { crc32c } from '../base/crc.ts';
import { StateDamage } from './damage.ts';
import type { RowDigest } from './head.ts';
import { streamHeadKey } from './keys.ts';
import { RunningDigest } from './row-index.ts';
import { keyChecksum, sealUnder, VALUE_HEADER_BYTES, valueChecksum } from './value.ts';

/** From where to where a stream goes, and a checksum of all its records in order, however they are cut into chunks. */
export interface StreamHead {
  /** Sequence of the last record. */
  readonly last: number;
  readonly chain: number;
  /** Sequence of the first record that was not trimmed, and the checksum of all those before it. */
  readonly first: number;
  readonly base: number;
}

/** What is left where a stream loses its front. */
export type StreamFront = Pick<StreamHead, 'first' | 'base'>;

const untrimmed: StreamFront = { first: 1, base: 0 };
export const noRecords: StreamHead = { last: 0, chain: 0, ...untrimmed };

const HEAD_BYTES = 12;
/** Of a stream that lost its front. */
const TRIMMED_HEAD_BYTES = 24;

/** Before the first record that is left. */
export function beginningOf({ first, base }: StreamFront): StreamHead {
  return { last: first - 1, chain: base, first, base };
}

export function chainRecord(head: StreamHead, record: Uint8Array): StreamHead {
  return { ...head, last: head.last + 1, chain: chained(head.chain, record) };
}

function chained(chain: number, record: Uint8Array): number {
  return crc32c(record, (chain ^ record.length) >>> 0);
}

export function encodeStreamHead(head: StreamHead): Buffer {
  const bytes = Buffer.allocUnsafe(headBytes(head));
  writeHead(bytes, 0, head);
  return bytes;
}

function headBytes({ first }: StreamFront): number {
  return first === untrimmed.first ? HEAD_BYTES : TRIMMED_HEAD_BYTES;
}

function writeHead(bytes: Buffer, at: number, { last, chain, first, base }: StreamHead): void {
  bytes.writeDoubleLE(last, at);
  bytes.writeUInt32LE(chain, at + 8);
  if (first === untrimmed.first) return;
  bytes.writeDoubleLE(first, at + HEAD_BYTES);
  bytes.writeUInt32LE(base, at + HEAD_BYTES + 8);
}

export function decodeStreamHead(bytes: Buffer): StreamHead {
  if (bytes.length !== HEAD_BYTES && bytes.length !== TRIMMED_HEAD_BYTES)
    throw new StateDamage('value', 'The head of a stream has the wrong length.');
  const front =
    bytes.length === HEAD_BYTES
      ? untrimmed
      : { first: bytes.readDoubleLE(HEAD_BYTES), base: bytes.readUInt32LE(HEAD_BYTES + 8) };
  return { last: bytes.readDoubleLE(0), chain: bytes.readUInt32LE(8), ...front };
}

/** As held in memory: changed in place, since a busy stream gets records in every batch. */
interface Known {
  last: number;
  chain: number;
  first: number;
  base: number;
  /** Of the value under the stream's head key. */
  checksum: number;
  readonly key: string;
  readonly keySum: number;
}

/**
 * The head of every stream, held in memory: without it the loss of a stream's last chunks would look like its end. Its digest does not
 * depend on how often the state was written, so it is the same on every node that applied the same entries.
 */
export class StreamIndex {
  readonly #heads = new Map<string, Known>();
  readonly #digest = new RunningDigest();

  get digest(): RowDigest {
    return this.#digest.value;
  }

  headOf(stream: string): StreamHead {
    return this.#heads.get(stream) ?? noRecords;
  }

  /** The head with these records behind it, and with that front, as it is to be written. */
  extend(
    stream: string,
    records: readonly Uint8Array[],
    cut: { readonly front: StreamFront; readonly begins: number | null } | null = null,
  ): { readonly key: string; readonly value: Buffer } {
    const known = this.#heads.get(stream);
    const head = known ?? this.#make(stream);
    if (cut !== null && cut.begins !== null) head.last = cut.begins - 1;
    for (const record of records) head.chain = chained(head.chain, record);
    head.last += records.length;
    if (cut !== null) Object.assign(head, cut.front);
    const value = Buffer.allocUnsafe(VALUE_HEADER_BYTES + headBytes(head));
    writeHead(value, VALUE_HEADER_BYTES, head);
    sealUnder(head.keySum, value);
    if (known !== undefined) this.#digest.remove(known.checksum);
    head.checksum = valueChecksum(value);
    this.#digest.add(head.checksum);
    return { key: head.key, value };
  }

  put(stream: string, { last, chain, first, base }: StreamHead, checksum: number): void {
    this.drop(stream);
    Object.assign(this.#make(stream), { last, chain, first, base, checksum });
    this.#digest.add(checksum);
  }

  drop(stream: string): void {
    const known = this.#heads.get(stream);
    if (known === undefined) return;
    this.#heads.delete(stream);
    this.#digest.remove(known.checksum);
  }

  #make(stream: string): Known {
    const key = streamHeadKey(stream);
    const made = { ...noRecords, checksum: 0, key, keySum: keyChecksum(key) };
    this.#heads.set(stream, made);
    return made;
  }
}
