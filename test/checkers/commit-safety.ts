import type { Violation } from './history.ts';

/** What one voter's disk holds, as far as its log told. */
export interface DurableLog {
  readonly lastTerm: number;
  readonly lastIndex: number;
  /** Whether it holds the entry in question. */
  readonly holds: boolean;
}

/**
 * Raft, figure 3, leader completeness, at the moment when an entry is first applied: nobody could be elected who does not have it. For a
 * voter without the entry that means that no majority would vote for it, by the rule of §5.4.1. Fails as soon as something was
 * committed too early, long before a crash makes it show.
 *
 * `null` is a voter whose disk is gone: it can neither stand nor vote.
 */
export function checkCommitSafety(voters: readonly (DurableLog | null)[], what: string): Violation | null {
  const majority = Math.floor(voters.length / 2) + 1;
  for (const candidate of voters) {
    if (candidate === null || candidate.holds) continue;
    const votes = voters.filter((voter) => voter !== null && isUpToDate(candidate, voter)).length;
    if (votes < majority) continue;
    const { lastIndex, lastTerm } = candidate;
    const text = `${what} is taken for committed, and a voter whose log ends at ${lastIndex}/${lastTerm} without it could be elected by ${votes} of ${voters.length}`;
    return { kind: 'unsafe-commit', text };
  }
  return null;
}

function isUpToDate(candidate: DurableLog, voter: DurableLog): boolean {
  if (candidate.lastTerm !== voter.lastTerm) return candidate.lastTerm > voter.lastTerm;
  return candidate.lastIndex >= voter.lastIndex;
}
