import type { MemberId } from '../../raft/index.ts';

/** Positions whose digests are kept: a node that is further behind is compared at a later one. */
const POSITIONS = 32;

export interface ComparisonOptions {
  readonly self: MemberId;
  /** Those whose word counts. */
  readonly voters: () => readonly MemberId[];
}

export type Verdict =
  /** Nobody differs, as far as is known. */
  | { readonly kind: 'agreed' }
  /** A majority of voters agrees with this node; these do not. */
  | { readonly kind: 'others-differ'; readonly members: readonly MemberId[] }
  /** A majority of voters agrees on another state than this node's. `trusted` are the members of that majority. */
  | { readonly kind: 'self-differs'; readonly trusted: readonly MemberId[] }
  /** States differ, and no majority says which is right. */
  | { readonly kind: 'undecided'; readonly members: readonly MemberId[] };

/**
 * Digests of the state at positions of the log that every node hits alike, by member. A majority of voters decides who is wrong; one node
 * that differs from one other proves nothing.
 */
export class StateComparison {
  readonly #options: ComparisonOptions;
  readonly #positions = new Map<number, Map<MemberId, string>>();
  /** Of the highest position at which two members were compared. */
  checkedIndex = 0;

  constructor(options: ComparisonOptions) {
    this.#options = options;
  }

  /** Takes a member's digest, this node's own included, and says what it shows. */
  take(member: MemberId, index: number, digest: string): Verdict {
    const digests = this.#positions.get(index) ?? new Map<MemberId, string>();
    this.#positions.set(index, digests);
    digests.set(member, digest);
    this.#forgetOldest();
    if (digests.has(this.#options.self) && digests.size > 1) {
      this.checkedIndex = Math.max(this.checkedIndex, index);
    }
    return this.#judge(digests);
  }

  /** The state was replaced: what was said of the old one is void. */
  forget(): void {
    this.#positions.clear();
  }

  /** The same of one member. */
  forgetMember(member: MemberId): void {
    for (const digests of this.#positions.values()) digests.delete(member);
  }

  #judge(digests: ReadonlyMap<MemberId, string>): Verdict {
    const { self, voters } = this.#options;
    const own = digests.get(self);
    const differing = [...digests].filter(([, digest]) => digest !== own).map(([member]) => member);
    if (own === undefined || differing.length === 0) return { kind: 'agreed' };
    const counting = voters();
    const majority = Math.floor(counting.length / 2) + 1;
    for (const digest of new Set(digests.values())) {
      const trusted = counting.filter((member) => digests.get(member) === digest);
      if (trusted.length < majority) continue;
      return digest === own
        ? { kind: 'others-differ', members: differing }
        : { kind: 'self-differs', trusted };
    }
    return { kind: 'undecided', members: differing };
  }

  #forgetOldest(): void {
    while (this.#positions.size > POSITIONS) {
      this.#positions.delete(Math.min(...this.#positions.keys()));
    }
  }
}
