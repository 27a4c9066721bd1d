import { decodeChunk } from './chunk.ts';
import { StateDamage } from './damage.ts';
import { type Database, type Snapshot, scan } from './database.ts';
import { chunkKey, firstSequenceOf, streamRange } from './keys.ts';
import type { StreamRecord } from './state-store.ts';
import { unwrapValue } from './value.ts';

/** The database as it was when `snapshot` was taken. */
export interface View {
  readonly database: Database;
  readonly snapshot: Snapshot;
}

/** Inclusive at both ends, and all of it exists; `limit` is at least 1. */
export interface SequenceRange {
  readonly from: number;
  readonly to: number;
  readonly limit: number;
}

/*
 * Sequences of a stream are consecutive from the first one that was not trimmed, so a record that is not where it must be is missing: both readers then throw
 * `StateDamage` (`gap`).
 */

/** The first records of the range, ascending. */
export async function readFirst(view: View, stream: string, range: SequenceRange): Promise<StreamRecord[]> {
  const found: StreamRecord[] = [];
  const { database, snapshot } = view;
  const gte = await chunkAtOrBefore(view, stream, range.from);
  const lte = chunkKey(stream, range.to);
  for await (const [key, value] of scan(database, { gte, lte, snapshot }, pageOf(range))) {
    for (const record of decodeChunk(unwrapValue(key, value), firstSequenceOf(key))) {
      if (record.sequence < range.from || record.sequence > range.to) continue;
      expectNext(stream, record.sequence, (found.at(-1)?.sequence ?? range.from - 1) + 1);
      found.push(record);
      if (found.length === range.limit) return found;
    }
  }
  expectEnd(stream, found.at(-1)?.sequence ?? range.from - 1, range.to);
  return found;
}

/** The last records of the range, ascending. */
export async function readLast(view: View, stream: string, range: SequenceRange): Promise<StreamRecord[]> {
  const descending: StreamRecord[] = [];
  const { gte } = streamRange(stream);
  const newestFirst = { gte, lte: chunkKey(stream, range.to), reverse: true, snapshot: view.snapshot };
  for await (const [key, value] of scan(view.database, newestFirst, pageOf(range))) {
    const firstSequence = firstSequenceOf(key);
    for (const record of decodeChunk(unwrapValue(key, value), firstSequence).reverse()) {
      if (record.sequence > range.to || record.sequence < range.from) continue;
      const above = descending.at(-1);
      if (above !== undefined) expectNext(stream, record.sequence, above.sequence - 1);
      descending.push(record);
      if (descending.length === range.limit) break;
    }
    if (descending.length === range.limit || firstSequence <= range.from) break;
  }
  expectEnd(stream, descending[0]?.sequence ?? range.from - 1, range.to);
  const lowest = descending.at(-1);
  if (lowest !== undefined && descending.length < range.limit)
    expectNext(stream, lowest.sequence, range.from);
  return descending.reverse();
}

/** Chunks fetched at a time: most reads want no more than one. */
function pageOf(range: SequenceRange): number {
  return range.limit > 256 ? 16 : 4;
}

async function chunkAtOrBefore(
  { database, snapshot }: View,
  stream: string,
  sequence: number,
): Promise<string> {
  const lte = chunkKey(stream, sequence);
  const [key] = await database
    .keys({ gte: streamRange(stream).gte, lte, reverse: true, limit: 1, snapshot })
    .all();
  return key ?? lte;
}

function expectNext(stream: string, found: number, expected: number): void {
  if (found === expected) return;
  throw new StateDamage('gap', `Stream ${stream} has record ${found} where record ${expected} should be.`);
}

function expectEnd(stream: string, last: number, expected: number): void {
  if (last === expected) return;
  throw new StateDamage('gap', `Stream ${stream} ends at record ${last}, and not at ${expected}.`);
}
