import { crc32c } from '../base/crc.ts';
import { StateDamage } from './damage.ts';
import type { RowDigest } from './head.ts';
import { streamHeadKey } from './keys.ts';
import { RunningDigest } from './row-index.ts';
import { keyChecksum, sealUnder, VALUE_HEADER_BYTES, valueChecksum } from './value.ts';

/** How far a stream goes, and a checksum of all its records in order, however they are cut into chunks. */
export interface StreamHead {
  /** Sequence of the last record. */
  readonly last: number;
  readonly chain: number;
}

export const noRecords: StreamHead = { last: 0, chain: 0 };

const HEAD_BYTES = 12;

export function chainRecord({ last, chain }: StreamHead, record: Uint8Array): StreamHead {
  return { last: last + 1, chain: crc32c(record, (chain ^ record.length) >>> 0) };
}

export function encodeStreamHead({ last, chain }: StreamHead): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES);
  bytes.writeDoubleLE(last, 0);
  bytes.writeUInt32LE(chain, 8);
  return bytes;
}

export function decodeStreamHead(bytes: Buffer): StreamHead {
  if (bytes.length < HEAD_BYTES) throw new StateDamage('value', 'The head of a stream is too short.');
  return { last: bytes.readDoubleLE(0), chain: bytes.readUInt32LE(8) };
}

/** As held in memory: changed in place, since a busy stream gets records in every batch. */
interface Known {
  last: number;
  chain: number;
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

  /** The head with these records behind it, as it is to be written. */
  extend(stream: string, records: readonly Uint8Array[]): { readonly key: string; readonly value: Buffer } {
    const known = this.#heads.get(stream);
    const head = known ?? this.#make(stream);
    for (const record of records) head.chain = crc32c(record, (head.chain ^ record.length) >>> 0);
    head.last += records.length;
    const value = Buffer.allocUnsafe(VALUE_HEADER_BYTES + HEAD_BYTES);
    value.writeDoubleLE(head.last, VALUE_HEADER_BYTES);
    value.writeUInt32LE(head.chain, VALUE_HEADER_BYTES + 8);
    sealUnder(head.keySum, value);
    if (known !== undefined) this.#digest.remove(known.checksum);
    head.checksum = valueChecksum(value);
    this.#digest.add(head.checksum);
    return { key: head.key, value };
  }

  put(stream: string, { last, chain }: StreamHead, checksum: number): void {
    this.drop(stream);
    Object.assign(this.#make(stream), { last, chain, checksum });
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
