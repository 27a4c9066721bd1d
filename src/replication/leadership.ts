/** Who leads, as this node has heard: for what is sent there, and for those who are to be told. */
import { type MemberId, NONE } from '../raft/index.ts';
import type { Links } from './peers/links.ts';
import type { Replica } from './replica/replica.ts';
import type { Route } from './requests/proposals.ts';

export interface LeadershipOptions {
  readonly node: number;
  readonly self: MemberId;
  readonly links: Links;
  readonly replica: () => Pick<Replica<unknown, unknown>, 'status' | 'leader' | 'directory'> | null;
  readonly changed: (leader: number | null) => void;
}

export class Leadership {
  readonly #options: LeadershipOptions;
  #node: number | null = null;

  constructor(options: LeadershipOptions) {
    this.#options = options;
  }

  /** As of the last `update`. */
  get node(): number | null {
    return this.#node;
  }

  /**
   * Looks again: when the core says that another member leads, or none, and after every turn, since links and members may bring news of
   * which node the leader is. Who has just come may hear of one, by a copy of the state, before it knows the members and while there is no
   * link. (Within a turn the core may forget the leader that it hears again at once.)
   */
  update(): void {
    const { node, self, replica, changed } = this.#options;
    const leader = replica()?.leader ?? NONE;
    const found = leader === self ? node : leader === NONE ? null : this.#nodeOf(leader);
    if (found === this.#node) return;
    this.#node = found;
    changed(found);
  }

  /** Where proposals go; null while nobody leads who can be reached. */
  route(): Route | null {
    const { links, replica } = this.#options;
    const status = replica()?.status();
    if (status === undefined) return null;
    const { role, term, leader } = status;
    if (role === 'leader') return { kind: 'own', term };
    const node = leader === NONE ? null : links.nodeOf(leader);
    return node === null ? null : { kind: 'peer', node, term };
  }

  #nodeOf(member: MemberId): number | null {
    const { links, replica } = this.#options;
    const listed = replica()?.directory.members.find(({ incarnation }) => incarnation === member);
    return listed?.node ?? links.nodeOf(member);
  }
}
