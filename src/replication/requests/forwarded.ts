import type { ProposalTag } from '../formats/envelope.ts';
import type { ForwardedProposal } from '../formats/peer-frames.ts';

/**
 * A leader's side of forwarded proposals. A follower that lost its link sends again what it does not know to have arrived; within
 * one term the counters of one life ascend, so whatever is not above the highest that was appended is a repetition.
 *
 * Invariant: within a term, of one life, each counter is appended at most once.
 */
export class ForwardedProposals {
  #term = 0;
  readonly #highest = new Map<number, { readonly life: number; readonly counter: number }>();
  readonly #append: (proposals: readonly { tag: ProposalTag; command: Uint8Array }[]) => boolean;

  constructor(append: (proposals: readonly { tag: ProposalTag; command: Uint8Array }[]) => boolean) {
    this.#append = append;
  }

  /** Appends, in the term in which this node leads. Returns the counters that were refused. */
  accept(
    member: number,
    term: number,
    life: number,
    proposals: readonly ForwardedProposal[],
  ): readonly number[] {
    if (term !== this.#term) {
      this.#term = term;
      this.#highest.clear();
    }
    const known = this.#highest.get(member);
    const above = known !== undefined && known.life === life ? known.counter : 0;
    const fresh = proposals.filter(({ counter }) => counter > above);
    const last = fresh.at(-1);
    if (last === undefined) return [];
    const tagged = fresh.map(({ counter, command }) => ({ tag: { member, life, counter }, command }));
    if (!this.#append(tagged)) return fresh.map(({ counter }) => counter);
    this.#highest.set(member, { life, counter: last.counter });
    return [];
  }
}
