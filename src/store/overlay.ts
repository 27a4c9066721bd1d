import type { Generation } from './generation.ts';
import type { Pending } from './pending.ts';
import type { StreamRecord } from './state-store.ts';
import { readFirst, readLast } from './stream-reader.ts';

export interface ReadRange {
  readonly from: number;
  readonly to: number;
  readonly limit: number;
  readonly fromEnd?: boolean;
}

/**
 * Records of a stream from the staged groups and, below them, from `level`. `queue` and the snapshot of `level` are taken in one
 * turn: what is written after that is seen in the groups, and what was written before it, in the snapshot.
 */
export async function readThrough(
  { database, streams }: Pick<Generation, 'database' | 'streams'>,
  queue: readonly Pending[],
  stream: string,
  range: ReadRange,
): Promise<readonly StreamRecord[]> {
  if (range.limit < 1) return [];
  const { staged, dropped, below: trimmed } = stagedRecords(queue, stream);
  const from = Math.max(dropped ? 1 : streams.headOf(stream).first, trimmed, range.from);
  const wanted = staged.filter(({ sequence }) => sequence >= from && sequence <= range.to);
  const newest = range.fromEnd === true ? wanted.slice(-range.limit) : [];
  // The head of a stream is ahead of `level` while a batch is being written; the batch is in the queue then.
  const last = (staged[0]?.sequence ?? streams.headOf(stream).last + 1) - 1;
  const below = { from, to: Math.min(range.to, last), limit: range.limit - newest.length };
  if (dropped || below.from > below.to || below.limit === 0) return wantedOnly(wanted, range);
  const snapshot = database.snapshot();
  try {
    const view = { database, snapshot };
    if (range.fromEnd === true) return [...(await readLast(view, stream, below)), ...newest];
    const oldest = await readFirst(view, stream, below);
    return [...oldest, ...wanted.slice(0, range.limit - oldest.length)];
  } finally {
    await snapshot.close();
  }
}

function wantedOnly(wanted: readonly StreamRecord[], { limit, fromEnd }: ReadRange): readonly StreamRecord[] {
  return fromEnd === true ? wanted.slice(-limit) : wanted.slice(0, limit);
}

/** What is staged of the stream; `dropped`: nothing that `level` holds belongs to it any more; `below`: what goes of it. */
function stagedRecords(
  queue: readonly Pending[],
  stream: string,
): { readonly staged: readonly StreamRecord[]; readonly dropped: boolean; readonly below: number } {
  let below = 1;
  let staged: StreamRecord[] = [];
  let dropped = false;
  for (const pending of queue) {
    if (pending.drops.has(stream)) {
      staged = [];
      dropped = true;
      below = 1;
    }
    below = Math.max(below, pending.trims.get(stream) ?? 1);
    staged.push(...pending.records(stream));
  }
  return { staged, dropped, below };
}
