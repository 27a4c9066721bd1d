/** Taking the front off a stream: what goes, and what its head has to say of it afterwards. */
import { assert } from '../base/assert.ts';
import { decodeChunk } from './chunk.ts';
import { type Database, scan } from './database.ts';
import { chunkKey, streamRange } from './keys.ts';
import type { Pending } from './pending.ts';
import {
  beginningOf,
  chainRecord,
  noRecords,
  type StreamFront,
  type StreamHead,
  type StreamIndex,
} from './stream-index.ts';
import { extendByChunk } from './stream-walk.ts';
import { unwrapValue } from './value.ts';

/** What a batch does to one stream besides appending to it. */
export interface Trim {
  readonly front: StreamFront;
  /** Chunks that hold something of what goes. */
  readonly deletes: readonly string[];
  /** What the last of them holds behind that; to be written again, from `front.first` on. */
  readonly rest: readonly Uint8Array[];
  /** So many of the records that the batch appends go at once. */
  readonly skipped: number;
  /** Sequence with which a stream begins that had no records; null: it had. */
  readonly begins: number | null;
}

/** By stream. Reads all that goes, so that damage to it is found and not carried on. Throws `StateDamage`. */
export async function prepareTrims(
  database: Database,
  streams: StreamIndex,
  pending: Pending,
): Promise<ReadonlyMap<string, Trim>> {
  const trims = new Map<string, Trim>();
  for (const [stream, below] of pending.trims) {
    const { firstSequence = below, records = [] } = pending.streams.get(stream) ?? {};
    const known = pending.drops.has(stream) ? noRecords : streams.headOf(stream);
    const begins = known.last === 0 && firstSequence > 1 ? firstSequence : null;
    const head = begins === null ? known : beginningOf({ first: begins, base: 0 });
    assert(below <= head.last + records.length + 1, 'a stream is trimmed within its records');
    if (below <= head.first && begins === null) continue;
    trims.set(stream, { ...(await prepareTrim(database, stream, head, below, records)), begins });
  }
  return trims;
}

async function prepareTrim(
  database: Database,
  stream: string,
  head: StreamHead,
  below: number,
  appended: readonly Uint8Array[],
): Promise<Omit<Trim, 'begins'>> {
  const deletes: string[] = [];
  let rest: readonly Uint8Array[] = [];
  let reached = beginningOf(head);
  const { lt } = streamRange(stream);
  const range = { gte: chunkKey(stream, head.first), lt: below > head.last ? lt : chunkKey(stream, below) };
  for await (const [key, value] of scan(database, range, 16)) {
    const content = unwrapValue(key, value);
    const records = decodeChunk(content, reached.last + 1);
    const end = reached.last + records.length;
    deletes.push(key);
    if (end < below) {
      reached = extendByChunk(stream, reached, key, content);
      continue;
    }
    rest = records.filter(({ sequence }) => sequence >= below).map(({ record }) => record);
    // Checked as a whole, counted as far as it goes.
    extendByChunk(stream, reached, key, content);
    for (const { sequence, record } of records) if (sequence < below) reached = chainRecord(reached, record);
  }
  const skipped = Math.max(0, below - 1 - head.last);
  for (const record of appended.slice(0, skipped)) reached = chainRecord(reached, record);
  assert(reached.last === below - 1, 'what is trimmed was all read');
  return { front: { first: below, base: reached.chain }, deletes, rest, skipped };
}
