import { assert } from '../base/assert.ts';
import { crc32c } from '../base/crc.ts';
import { chunkLength, encodeChunk } from './chunk.ts';
import type { Operation } from './database.ts';
import { encodeDigest, encodeHead, encodeLink, encodeMark, type Head } from './head.ts';
import { chunkKey, dropKey, HEAD_KEY, linkKey, rowKey, STREAMS_KEY, streamHeadKey } from './keys.ts';
import type { Pending } from './pending.ts';
import type { RowIndex } from './row-index.ts';
import type { StreamIndex } from './stream-index.ts';
import type { Trim } from './stream-trim.ts';
import { keyChecksum, valueChecksum, wrapValue } from './value.ts';

/** Links kept: many times what `level` holds in the journals that it would lose first. */
const LINKS_KEPT = 1_024;

export interface Batch {
  readonly operations: readonly Operation[];
  readonly head: Head;
}

/** What is in force, in memory. */
export interface Indexes {
  readonly rows: RowIndex;
  readonly streams: StreamIndex;
}

/** The one batch that writes `pending` after `before`. Brings the indexes up to date: it must be written, or nothing after it. */
export function makeBatch(
  pending: Pending,
  before: Head | null,
  { rows, streams }: Indexes,
  trims: ReadonlyMap<string, Trim>,
): Batch {
  const operations: Operation[] = [];
  for (const key of pending.deletes) {
    operations.push({ type: 'del', key: rowKey(key) });
    rows.delete(key);
  }
  for (const [key, content] of pending.puts) {
    const fullKey = rowKey(key);
    const value = wrapValue(fullKey, content);
    operations.push({ type: 'put', key: fullKey, value });
    rows.put(key, valueChecksum(value));
  }
  for (const stream of pending.drops) {
    operations.push({ type: 'del', key: streamHeadKey(stream) }, { type: 'del', key: dropKey(stream) });
    streams.drop(stream);
  }
  for (const [stream, { firstSequence, records }] of pending.streams) {
    const { skipped = 0, begins = null } = trims.get(stream) ?? {};
    assert(firstSequence === (begins ?? streams.headOf(stream).last + 1), 'records continue their stream');
    operations.push(...chunksOf(stream, firstSequence + skipped, records.slice(skipped)));
    if (!trims.has(stream)) operations.push({ type: 'put', ...streams.extend(stream, records) });
  }
  for (const [stream, trim] of trims) {
    const { front, deletes, rest } = trim;
    for (const key of deletes) operations.push({ type: 'del', key });
    operations.push(...chunksOf(stream, front.first, rest));
    const records = pending.streams.get(stream)?.records ?? [];
    operations.push({ type: 'put', ...streams.extend(stream, records, trim) });
  }
  const digest = wrapValue(STREAMS_KEY, encodeDigest(streams.digest));
  operations.push({ type: 'put', key: STREAMS_KEY, value: digest });
  return closeBatch(operations, pending, before, rows);
}

function chunksOf(stream: string, firstSequence: number, records: readonly Uint8Array[]): Operation[] {
  const operations: Operation[] = [];
  for (let from = 0; from < records.length; ) {
    const count = chunkLength(records, from);
    const key = chunkKey(stream, firstSequence + from);
    operations.push({ type: 'put', key, value: encodeChunk(key, records.slice(from, from + count)) });
    from += count;
  }
  return operations;
}

function closeBatch(
  operations: Operation[],
  { mark, drops }: Pending,
  before: Head | null,
  rows: RowIndex,
): Batch {
  const number = (before?.batch.number ?? 0) + 1;
  const chainBefore = before?.batch.chain ?? 0;
  const chain = crc32c(encodeMark(mark), contentChecksum(operations, drops, chainBefore));
  let oldestLink = before?.batch.oldestLink ?? number;
  if (number - oldestLink >= LINKS_KEPT) operations.push({ type: 'del', key: linkKey(oldestLink++) });
  const firstIndex = (before?.mark.index ?? 0) + 1;
  const link = encodeLink({ number, firstIndex, lastIndex: mark.index, chainBefore, chain });
  operations.push({ type: 'put', key: linkKey(number), value: wrapValue(linkKey(number), link) });
  const head: Head = { mark, batch: { number, chain, oldestLink }, rows: rows.digest };
  operations.push({ type: 'put', key: HEAD_KEY, value: wrapValue(HEAD_KEY, encodeHead(head)) });
  return { operations, head };
}

/** Over the values' own checksums, which cover their keys. */
function contentChecksum(operations: readonly Operation[], drops: ReadonlySet<string>, seed: number): number {
  const bytes = Buffer.allocUnsafe((operations.length + drops.size) * 4);
  let at = 0;
  for (const operation of operations) {
    const checksum = operation.type === 'put' ? valueChecksum(operation.value) : keyChecksum(operation.key);
    at = bytes.writeUInt32LE(checksum, at);
  }
  for (const stream of drops) at = bytes.writeUInt32LE(keyChecksum(stream), at);
  return crc32c(bytes, seed);
}
