import { crc32c } from '../base/crc.ts';
import { StateDamage } from './damage.ts';
import type { RowDigest } from './head.ts';
import { streamHeadKey } from './keys.ts';
import { RowIndex } from './row-index.ts';
import { valueChecksum, wrapValue } from './value.ts';

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

/**
 * The head of every stream, held in memory: without it the loss of a stream's last chunks would look like its end. Its digest does not
 * depend on how often the state was written, so it is the same on every node that applied the same entries.
 */
export class StreamIndex {
  readonly #heads = new Map<string, StreamHead>();
  readonly #values = new RowIndex();

  get digest(): RowDigest {
    return this.#values.digest;
  }

  headOf(stream: string): StreamHead {
    return this.#heads.get(stream) ?? noRecords;
  }

  /** The value to be written under the stream's head key. */
  extend(stream: string, records: readonly Uint8Array[]): Buffer {
    let head = this.headOf(stream);
    for (const record of records) head = chainRecord(head, record);
    const value = wrapValue(streamHeadKey(stream), encodeStreamHead(head));
    this.put(stream, head, valueChecksum(value));
    return value;
  }

  put(stream: string, head: StreamHead, checksum: number): void {
    this.#heads.set(stream, head);
    this.#values.put(stream, checksum);
  }

  drop(stream: string): void {
    this.#heads.delete(stream);
    this.#values.delete(stream);
  }
}
