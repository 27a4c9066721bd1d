import { StateDamage } from './damage.ts';
import { type Database, scan } from './database.ts';
import { decodeDigest, decodeLink, type Head, type Link, readHead } from './head.ts';
import { LINK_RANGE, ROW_RANGE, STREAM_HEAD_RANGE, STREAMS_KEY, withoutPrefix } from './keys.ts';
import { RowIndex, sameDigest } from './row-index.ts';
import { decodeStreamHead, StreamIndex } from './stream-index.ts';
import { unwrapValue, valueChecksum } from './value.ts';

export interface VerifiedState {
  /** Null when the database is empty. */
  readonly head: Head | null;
  readonly rows: RowIndex;
  readonly streams: StreamIndex;
}

/**
 * Checks that no batch and no row is missing. Reads the head, the links, the rows and the heads of the streams, never their chunks. Throws
 * `StateDamage`, of kind `hole` when something is missing.
 */
export async function verifyState(database: Database): Promise<VerifiedState> {
  const head = await readHead(database);
  await verifyLinks(database, head);
  const rows = new RowIndex();
  for await (const [key, row] of scan(database, ROW_RANGE, 1_000)) {
    unwrapValue(key, row);
    rows.put(withoutPrefix(key), valueChecksum(row));
  }
  if (head !== null && !sameDigest(rows.digest, head.rows)) {
    throw hole(`there are ${rows.digest.count} rows, and not the ${head.rows.count} that were written`);
  }
  if (head === null && rows.digest.count > 0) throw hole('there are rows without a head');
  return { head, rows, streams: await verifyStreamHeads(database, head) };
}

async function verifyStreamHeads(database: Database, head: Head | null): Promise<StreamIndex> {
  const streams = new StreamIndex();
  for await (const [key, value] of scan(database, STREAM_HEAD_RANGE, 1_000)) {
    const streamHead = decodeStreamHead(unwrapValue(key, value));
    streams.put(withoutPrefix(key), streamHead, valueChecksum(value));
  }
  const written = await database.get<string, Buffer>(STREAMS_KEY, {});
  if (head === null && written === undefined && streams.digest.count === 0) return streams;
  if (head === null || written === undefined) throw hole('there are streams without a head');
  const digest = decodeDigest(unwrapValue(STREAMS_KEY, written));
  if (sameDigest(streams.digest, digest)) return streams;
  throw hole(`there are ${streams.digest.count} streams, and not the ${digest.count} that were written`);
}

async function verifyLinks(database: Database, head: Head | null): Promise<void> {
  let before: Link | null = null;
  for await (const [key, value] of scan(database, LINK_RANGE, 1_000)) {
    const link = decodeLink(unwrapValue(key, value));
    if (head === null) throw hole('there are batches without a head');
    // The oldest link goes with a later batch, so none below it is left.
    const expected = before === null ? head.batch.oldestLink : before.number + 1;
    if (link.number !== expected) throw hole(`batch ${expected} is missing`);
    if (before !== null && (link.chainBefore !== before.chain || link.firstIndex !== before.lastIndex + 1)) {
      throw hole(`batch ${link.number} does not continue batch ${before.number}`);
    }
    before = link;
  }
  if (head === null) return;
  if (
    before?.number !== head.batch.number ||
    before.chain !== head.batch.chain ||
    before.lastIndex !== head.mark.index
  ) {
    throw hole(
      `the newest batch is ${before?.number ?? 'missing'}, and the head is of batch ${head.batch.number}`,
    );
  }
}

function hole(text: string): StateDamage {
  return new StateDamage('hole', `The applied state has a hole: ${text}.`);
}
