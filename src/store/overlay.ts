import { StateDamage } from './damage.ts';
import type { Database } from './database.ts';
import type { Pending } from './pending.ts';
import type { StreamRecord } from './state-store.ts';
import { readFirst, readLast } from './stream-reader.ts';

/**
 * Records of a stream from the staged groups and, below them, from `level`. `queue` must be taken before the first wait:
 * what is written meanwhile is then seen in the groups, and not asked of `level` a second time.
 */
export async function readThrough(
  database: Database,
  queue: readonly Pending[],
  stream: string,
  range: { readonly from: number; readonly to: number; readonly limit: number; readonly fromEnd?: boolean },
): Promise<readonly StreamRecord[]> {
  const from = Math.max(1, range.from);
  const { staged, dropped } = stagedRecords(queue, stream);
  const firstStaged = staged[0]?.sequence ?? Number.POSITIVE_INFINITY;
  const wanted = staged.filter(({ sequence }) => sequence >= from && sequence <= range.to);
  const below = { from, to: Math.min(range.to, firstStaged - 1), limit: range.limit };
  const none = dropped || below.from > below.to;
  if (range.limit < 1) return [];
  if (range.fromEnd === true) {
    const newest = wanted.slice(-range.limit);
    const limit = range.limit - newest.length;
    if (none || limit === 0) return newest;
    return join(stream, await readLast(database, stream, { ...below, limit }), newest);
  }
  const oldest = none ? [] : await readFirst(database, stream, below);
  return join(stream, oldest, wanted.slice(0, range.limit - oldest.length));
}

/** What is staged of the stream; `dropped`: nothing that `level` holds belongs to it any more. */
function stagedRecords(
  queue: readonly Pending[],
  stream: string,
): { readonly staged: readonly StreamRecord[]; readonly dropped: boolean } {
  let staged: StreamRecord[] = [];
  let dropped = false;
  for (const pending of queue) {
    if (pending.drops.has(stream)) {
      staged = [];
      dropped = true;
    }
    staged.push(...pending.records(stream));
  }
  return { staged, dropped };
}

function join(
  stream: string,
  below: readonly StreamRecord[],
  above: readonly StreamRecord[],
): readonly StreamRecord[] {
  const last = below.at(-1);
  const next = above[0];
  if (last !== undefined && next !== undefined && next.sequence !== last.sequence + 1) {
    throw new StateDamage(
      'gap',
      `Stream ${stream} has record ${next.sequence} right after record ${last.sequence}.`,
    );
  }
  return [...below, ...above];
}
