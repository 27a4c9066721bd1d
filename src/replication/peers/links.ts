import type { MemberId } from '../../raft/index.ts';
import type { PeerIdentity } from '../ports/peer-transport.ts';

/**
 * Which nodes there is a link with now, and as which member. A node that comes back with a new disk is another member under the same
 * number; only one of them has a link at a time.
 */
export class Links {
  readonly #byNode = new Map<number, MemberId>();
  readonly #byMember = new Map<MemberId, number>();
  readonly #newest = new Map<MemberId, number>();

  up({ node, incarnation, versions }: PeerIdentity): void {
    this.down(node);
    if (versions !== undefined) this.#newest.set(incarnation, versions.newest);
    this.#byNode.set(node, incarnation);
    this.#byMember.set(incarnation, node);
  }

  /** Returns the member whose link is gone, or null when there was none. */
  down(node: number): MemberId | null {
    const member = this.#byNode.get(node);
    if (member === undefined) return null;
    this.#byNode.delete(node);
    this.#byMember.delete(member);
    this.#newest.delete(member);
    return member;
  }

  /** The newest version that a member knows which has a link now; `own` where both are the same program. */
  newestOf(member: MemberId, own: number): number | null {
    return this.#byMember.has(member) ? (this.#newest.get(member) ?? own) : null;
  }

  nodeOf(member: MemberId): number | null {
    return this.#byMember.get(member) ?? null;
  }

  memberAt(node: number): MemberId | null {
    return this.#byNode.get(node) ?? null;
  }

  isUp({ node, incarnation }: PeerIdentity): boolean {
    return this.#byNode.get(node) === incarnation;
  }

  nodes(): readonly number[] {
    return [...this.#byNode.keys()].sort((a, b) => a - b);
  }

  members(): ReadonlyMap<MemberId, number> {
    return this.#byMember;
  }
}
