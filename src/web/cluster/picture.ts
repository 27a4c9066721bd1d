/** Pure: what the nodes said, and which of them answer → one picture of the cluster. */
import type { MemberWire, NodeWire } from './wire.ts';

/** What the page last heard of a node. */
export interface Heard {
  readonly wire: NodeWire;
  /** It answered when it was last asked. */
  readonly isUp: boolean;
  /** How far its clock is ahead of the page's. */
  readonly aheadMs: number;
}

export type NodeState = NodeWire['role'] | 'down' | 'expected';

export interface NodePicture {
  readonly id: number;
  readonly host: string;
  readonly httpPort: number;
  readonly state: NodeState;
  readonly isUp: boolean;
  readonly isVoter: boolean;
  /** Entries behind the leader, by its word; null while nobody knows. */
  readonly lag: number | null;
  /** What it said last; null when it was never heard. */
  readonly wire: NodeWire | null;
}

export interface ClusterPicture {
  readonly name: string;
  readonly isDemonstration: boolean;
  readonly term: number;
  /** By the newest term; null while none is known, or the one that is known does not answer. */
  readonly leader: number | null;
  readonly voters: number;
  readonly votersUp: number;
  readonly hasMajority: boolean;
  /** Highest that any node knows. */
  readonly commitIndex: number;
  /** Logged-in connections to those that answer. */
  readonly subscribers: number;
  readonly accounts: number;
  readonly nodes: readonly NodePicture[];
}

/** Null until some node was heard. */
export function pictureOf(heard: ReadonlyMap<number, Heard>): ClusterPicture | null {
  const all = [...heard.values()];
  const up = all.filter(({ isUp }) => isUp).map(({ wire }) => wire);
  const best = bestOf(up.length > 0 ? up : all.map(({ wire }) => wire));
  if (best === null) return null;
  const leader = leaderOf(up);
  const ledBy = leader === null ? undefined : heard.get(leader)?.wire;
  const nodes = placesOf(best, heard).map((place) => nodeOf(place, heard.get(place.id), { leader, ledBy }));
  const voters = nodes.filter(({ isVoter }) => isVoter);
  const votersUp = voters.filter(({ isUp }) => isUp).length;
  return {
    name: best.cluster,
    isDemonstration: best.profile === 'loopback-demo',
    term: best.term,
    leader,
    voters: voters.length,
    votersUp,
    hasMajority: votersUp > voters.length / 2,
    commitIndex: Math.max(...all.map(({ wire }) => wire.commitIndex)),
    subscribers: up.reduce((sum, { subscribers }) => sum + subscribers, 0),
    accounts: best.accounts,
    nodes,
  };
}

/** Of the newest term, and of those the furthest. */
function bestOf(wires: readonly NodeWire[]): NodeWire | null {
  return wires.reduce<NodeWire | null>((best, wire) => {
    if (best === null) return wire;
    const isNewer = wire.term > best.term;
    return isNewer || (wire.term === best.term && wire.appliedIndex > best.appliedIndex) ? wire : best;
  }, null);
}

/** Who says so of itself, else whom the others name, if it answers. */
function leaderOf(up: readonly NodeWire[]): number | null {
  const leading = bestOf(up.filter(({ role }) => role === 'leader'));
  const naming = bestOf(up.filter(({ leader }) => leader !== null));
  if (leading !== null && leading.term >= (naming?.term ?? 0)) return leading.id;
  const named = naming?.leader ?? null;
  return up.some(({ id }) => id === named) ? named : null;
}

/** Members as the best knows them, and nodes that answer and are none. */
function placesOf(best: NodeWire, heard: ReadonlyMap<number, Heard>): readonly MemberWire[] {
  const known = new Set(best.members.map(({ id }) => id));
  const others = [...heard.values()].flatMap(({ wire, isUp }) => {
    const own = wire.members.find(({ id }) => id === wire.id);
    return isUp && own !== undefined && !known.has(wire.id) ? [{ ...own, voter: false }] : [];
  });
  return [...best.members, ...others].sort((a, b) => a.id - b.id);
}

interface Lead {
  readonly leader: number | null;
  readonly ledBy: NodeWire | undefined;
}

function nodeOf(place: MemberWire, heard: Heard | undefined, { leader, ledBy }: Lead): NodePicture {
  const { id, host, httpPort, voter: isVoter } = place;
  const isUp = heard?.isUp === true;
  const lag = ledBy?.members.find((member) => member.id === id)?.lag ?? null;
  const common = { id, host, httpPort, isVoter, wire: heard?.wire ?? null };
  if (!isUp || heard === undefined) {
    const state = place.state === 'expected' ? 'expected' : 'down';
    return { ...common, isUp: false, state, lag: null };
  }
  // A deposed leader that has not heard of it yet still says that it leads.
  const state = heard.wire.role === 'leader' && id !== leader ? 'candidate' : heard.wire.role;
  return { ...common, isUp, state, lag: id === leader ? null : lag };
}
