import { decodeChunk } from './chunk.ts';
import { StateDamage } from './damage.ts';
import { type Database, scan } from './database.ts';
import { chunkKey, firstSequenceOf, streamRange } from './keys.ts';
import type { StreamRecord } from './state-store.ts';
import { unwrapValue } from './value.ts';

/** Inclusive at both ends; `limit` is at least 1. */
export interface SequenceRange {
  readonly from: number;
  readonly to: number;
  readonly limit: number;
}

/**
 * The first records of the range, ascending. Throws `StateDamage` (`gap`) when the first one is not `from` although there are
 * later ones: sequences are consecutive from 1, so something is missing.
 */
export async function readFirst(
  database: Database,
  stream: string,
  range: SequenceRange,
): Promise<StreamRecord[]> {
  const found: StreamRecord[] = [];
  const gte = await chunkAtOrBefore(database, stream, range.from);
  for await (const [key, value] of scan(database, { gte, lte: chunkKey(stream, range.to) }, pageOf(range))) {
    for (const record of decodeChunk(unwrapValue(key, value), firstSequenceOf(key))) {
      if (record.sequence < range.from || record.sequence > range.to) continue;
      expect(stream, record.sequence, (found.at(-1)?.sequence ?? range.from - 1) + 1);
      found.push(record);
      if (found.length === range.limit) return found;
    }
  }
  return found;
}

/** The last records of the range, ascending. */
export async function readLast(
  database: Database,
  stream: string,
  range: SequenceRange,
): Promise<StreamRecord[]> {
  /** Descending. */
  const found: StreamRecord[] = [];
  const { gte } = streamRange(stream);
  const options = { gte, lte: chunkKey(stream, range.to), reverse: true };
  for await (const [key, value] of scan(database, options, pageOf(range))) {
    const firstSequence = firstSequenceOf(key);
    for (const record of decodeChunk(unwrapValue(key, value), firstSequence).reverse()) {
      if (record.sequence > range.to || record.sequence < range.from) continue;
      const above = found.at(-1);
      if (above !== undefined) expect(stream, record.sequence, above.sequence - 1);
      found.push(record);
      if (found.length === range.limit) return found.reverse();
    }
    if (firstSequence <= range.from) break;
  }
  const lowest = found.at(-1);
  if (lowest !== undefined) expect(stream, lowest.sequence, range.from);
  return found.reverse();
}

/** Chunks fetched at a time: most reads want no more than one. */
function pageOf(range: SequenceRange): number {
  return range.limit > 256 ? 16 : 4;
}

async function chunkAtOrBefore(database: Database, stream: string, sequence: number): Promise<string> {
  const lte = chunkKey(stream, sequence);
  const [key] = await database.keys({ gte: streamRange(stream).gte, lte, reverse: true, limit: 1 }).all();
  return key ?? lte;
}

function expect(stream: string, found: number, expected: number): void {
  if (found === expected) return;
  throw new StateDamage('gap', `Stream ${stream} has record ${found} where record ${expected} should be.`);
}
