/** Term, vote and commit index as they were last handed to the log, and what of the newer ones is worth a write. */
import type { HardState, Message } from '../../raft/index.ts';

export class WrittenState {
  #last: HardState;
  /** Newest commit index that was not worth a write of its own. */
  #unwrittenCommit = 0;

  constructor(found: HardState) {
    this.#last = found;
  }

  get last(): HardState {
    return this.#last;
  }

  /**
   * What is to be written with these entries; null for nothing. A new commit index alone is not worth an fsync: it is learnt again after a
   * crash, and what was applied is known from the state's mark. It travels with the next write that is needed anyway.
   */
  next({ term, vote, commit, entries }: Message): HardState | null {
    // Term 0: the hard state is unchanged.
    if (term > 0) this.#unwrittenCommit = commit;
    const last = this.#last;
    const changed = term > 0 && (term !== last.term || vote !== last.vote);
    if (!changed && (entries.length === 0 || this.#unwrittenCommit <= last.commit)) return null;
    this.#last = {
      term: changed ? term : last.term,
      vote: changed ? vote : last.vote,
      commit: Math.max(last.commit, this.#unwrittenCommit),
    };
    return this.#last;
  }

  withVote(term: number, vote: HardState['vote']): HardState {
    this.#last = { term, vote, commit: this.#last.commit };
    return this.#last;
  }

  withCommit(commit: number): HardState {
    this.#last = { ...this.#last, commit };
    return this.#last;
  }
}
