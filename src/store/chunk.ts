import { KIB } from '../base/limits.ts';
import { StateDamage } from './damage.ts';
import type { StreamRecord } from './state-store.ts';
import { plain, sealValue, VALUE_HEADER_BYTES } from './value.ts';

export const CHUNK_RECORDS = 256;
export const CHUNK_BYTES = 64 * KIB;

const COUNT_BYTES = 4;
const LENGTH_BYTES = 4;

/** How many of `records` from `from` on go into one chunk: at least one, however large it is. */
export function chunkLength(records: readonly Uint8Array[], from: number): number {
  const last = Math.min(records.length, from + CHUNK_RECORDS);
  let bytes = 0;
  let end = from;
  while (end < last) {
    bytes += LENGTH_BYTES + (records[end]?.length ?? 0);
    if (bytes > CHUNK_BYTES && end > from) break;
    end++;
  }
  return end - from;
}

/** Consecutive records as one value of `level`. */
export function encodeChunk(key: string, records: readonly Uint8Array[]): Buffer {
  let bytes = VALUE_HEADER_BYTES + COUNT_BYTES;
  for (const record of records) bytes += LENGTH_BYTES + record.length;
  const value = Buffer.allocUnsafe(bytes);
  let at = value.writeUInt32LE(records.length, VALUE_HEADER_BYTES);
  for (const record of records) {
    at = value.writeUInt32LE(record.length, at);
    value.set(record, at);
    at += record.length;
  }
  return sealValue(key, value);
}

/** Of an unwrapped value. The records share its memory. */
export function decodeChunk(content: Buffer, firstSequence: number): StreamRecord[] {
  const records: StreamRecord[] = [];
  const bytes = plain(content);
  const count = content.length < COUNT_BYTES ? -1 : content.readUInt32LE(0);
  let at = COUNT_BYTES;
  while (records.length < count && at + LENGTH_BYTES <= content.length) {
    const end = at + LENGTH_BYTES + content.readUInt32LE(at);
    if (end > content.length) break;
    records.push({
      sequence: firstSequence + records.length,
      record: bytes.subarray(at + LENGTH_BYTES, end),
    });
    at = end;
  }
  if (records.length !== count) throw new StateDamage('value', 'A chunk of records is shorter than it says.');
  return records;
}
