import type { MemberId } from './types.ts';

export type VoteResult = 'won' | 'lost' | 'pending';

/** Everything is committed by an empty majority: so a joint quorum with an empty half equals the other half. */
export const NO_BOUND = Number.POSITIVE_INFINITY;

/** The highest index that a majority of the voters has acknowledged. `acked` gives undefined for the unheard of. */
export function majorityCommitted(
  voters: readonly MemberId[],
  acked: (id: MemberId) => number | undefined,
): number {
  if (voters.length === 0) return NO_BOUND;
  const ascending: number[] = [];
  for (const id of voters) {
    // Insertion sort: voters are few, and this runs at every acknowledgement.
    const index = acked(id) ?? 0;
    let slot = ascending.length;
    for (; slot > 0; slot--) {
      const below = ascending[slot - 1] ?? 0;
      if (below <= index) break;
      ascending[slot] = below;
    }
    ascending[slot] = index;
  }
  const quorum = Math.floor(voters.length / 2) + 1;
  return ascending[voters.length - quorum] ?? 0;
}

export function majorityVote(
  voters: readonly MemberId[],
  votes: (id: MemberId) => boolean | undefined,
): VoteResult {
  if (voters.length === 0) return 'won';
  let granted = 0;
  let missing = 0;
  for (const id of voters) {
    const vote = votes(id);
    if (vote === undefined) missing++;
    else if (vote) granted++;
  }
  const quorum = Math.floor(voters.length / 2) + 1;
  if (granted >= quorum) return 'won';
  return granted + missing >= quorum ? 'pending' : 'lost';
}

/** Both majorities are needed while a configuration is joint (thesis §4.3). */
export function jointCommitted(
  incoming: readonly MemberId[],
  outgoing: readonly MemberId[],
  acked: (id: MemberId) => number | undefined,
): number {
  return Math.min(majorityCommitted(incoming, acked), majorityCommitted(outgoing, acked));
}

export function jointVote(
  incoming: readonly MemberId[],
  outgoing: readonly MemberId[],
  votes: (id: MemberId) => boolean | undefined,
): VoteResult {
  const first = majorityVote(incoming, votes);
  const second = majorityVote(outgoing, votes);
  if (first === second) return first;
  return first === 'lost' || second === 'lost' ? 'lost' : 'pending';
}
