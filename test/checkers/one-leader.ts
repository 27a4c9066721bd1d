import type { Violation } from './history.ts';

/** Raft, figure 3, election safety: at most one leader can be elected in a given term. */
export class OneLeader {
  readonly #leaders = new Map<number, number>();
  #newestTerm = 0;

  /** That node says that it leads in that term. */
  leads(node: number, term: number): Violation | null {
    const known = this.#leaders.get(term);
    if (known === undefined) {
      this.#leaders.set(term, node);
      this.#newestTerm = Math.max(this.#newestTerm, term);
      return null;
    }
    if (known === node) return null;
    return { kind: 'two-leaders', text: `in term ${term} both node ${known} and node ${node} lead` };
  }

  /** Terms that had a leader. */
  get elections(): number {
    return this.#leaders.size;
  }

  get newestTerm(): number {
    return this.#newestTerm;
  }

  /** Null before the first election. */
  get newestLeader(): number | null {
    return this.#leaders.get(this.#newestTerm) ?? null;
  }
}
