import type { Violation } from './history.ts';

export interface TermAndVote {
  readonly term: number;
  /** 0: none. */
  readonly vote: number;
}

/** Of one disk, over all lives of its processes: the term never falls, and within a term a vote never changes. */
export class TermsAndVotes {
  /** As last handed to the log, which may be lost with a crash; and as last told to be durable. */
  readonly #written = new Map<number, TermAndVote>();
  readonly #durable = new Map<number, TermAndVote>();

  /** A process hands it to its log. */
  writes(disk: number, next: TermAndVote): Violation | null {
    const violation = judge(disk, this.#written.get(disk), next, 'writes');
    this.#written.set(disk, next);
    return violation;
  }

  /** The log has told that it is durable. */
  durable(disk: number, now: TermAndVote): void {
    this.#durable.set(disk, now);
  }

  /** It tells a candidate that it has its vote. */
  promises(disk: number, { term, vote }: TermAndVote): Violation | null {
    const durable = this.#durable.get(disk);
    // Of a later term nobody is misled: that node will vote in none before it any more.
    if (durable !== undefined && (durable.term > term || (durable.term === term && durable.vote === vote)))
      return null;
    const has = durable === undefined ? 'nothing' : `term ${durable.term} with vote ${durable.vote}`;
    const text = `node ${disk} tells ${vote} that it has its vote in term ${term}; on its disk is ${has}`;
    return { kind: 'not-durable', text };
  }

  /** A process starts and finds it. */
  finds(disk: number, found: TermAndVote): Violation | null {
    const violation = judge(disk, this.#durable.get(disk), found, 'finds after a restart');
    this.#written.set(disk, found);
    this.#durable.set(disk, found);
    return violation;
  }
}

function judge(
  disk: number,
  before: TermAndVote | undefined,
  next: TermAndVote,
  does: string,
): Violation | null {
  if (before === undefined) return null;
  const text = `node ${disk} ${does} term ${next.term} with vote ${next.vote}, after term ${before.term} with vote ${before.vote}`;
  if (next.term < before.term) return { kind: 'term-fell', text };
  const changed = next.term === before.term && before.vote !== 0 && next.vote !== before.vote;
  return changed ? { kind: 'vote-changed', text } : null;
}
