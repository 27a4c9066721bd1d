import type { BasicStatus, MemberId, RaftStatus } from '../raft/index.ts';
import {
  addressesOf,
  type Directory,
  isMember,
  isVoter,
  membersAt,
  type NodeAddress,
  noMembers,
} from './formats/members.ts';
import type { Links } from './peers/links.ts';
import type { EngineStatus, MemberStatus, StorageStatus } from './ports/engine.ts';

export interface StatusSources {
  readonly node: number;
  readonly nodes: readonly NodeAddress[];
  readonly self: MemberId;
  /** Null until this node belongs to a cluster. */
  readonly replica: {
    readonly directory: Directory;
    readonly appliedIndex: number;
    status(): BasicStatus;
    fullStatus(): RaftStatus;
  } | null;
  readonly leader: number | null;
  readonly links: Links;
  /** Where a node says that it is. */
  readonly addressOf: (node: number) => NodeAddress | null;
  readonly startCommitIndex: number | null;
  readonly observing: boolean;
  /** Without a state, until a copy of another node's is here. */
  readonly rebuilding: boolean;
  readonly storage: StorageStatus;
  readonly alarms: readonly string[];
}

const OBSERVER_ALARM = 'observer: not a voting member (data directory was new)';

export function engineStatus(sources: StatusSources): EngineStatus {
  const { node, replica, leader, startCommitIndex } = sources;
  const status = replica?.status();
  return {
    id: node,
    role: roleOf(sources, status),
    term: status?.term ?? 0,
    leader,
    lastIndex: status?.lastIndex ?? 0,
    commitIndex: status?.commit ?? 0,
    appliedIndex: replica?.appliedIndex ?? 0,
    startCommitIndex,
    members: places(sources).map((address) => memberStatus(address, sources)),
    alarms: [...ownAlarms(sources), ...sources.alarms],
    storage: sources.storage,
    format: (replica?.directory ?? noMembers).format,
  };
}

function ownAlarms({ replica, observing, nodes, node, links, rebuilding }: StatusSources): readonly string[] {
  if (rebuilding) return [];
  if (observing) return [OBSERVER_ALARM];
  if (replica !== null) return [];
  const missing = nodes.filter(({ id }) => id !== node && links.memberAt(id) === null).map(({ id }) => id);
  return missing.length === 0 ? [] : [`founding: waiting for node ${missing.join(', ')}`];
}

function roleOf(
  { replica, self, rebuilding }: StatusSources,
  status: BasicStatus | undefined,
): EngineStatus['role'] {
  if (rebuilding) return 'observer';
  if (replica === null || status === undefined) return 'founding';
  if (!isVoter(replica.directory, self)) return isMember(replica.directory, self) ? 'learner' : 'observer';
  switch (status.role) {
    case 'leader':
    case 'follower':
    case 'candidate':
      return status.role;
    case 'pre-candidate':
      return 'candidate';
    default:
      return status.role satisfies never;
  }
}

/** Of a cluster its members, and who else is there; before that, what the configuration lists. */
function places({ replica, nodes, links, addressOf, node }: StatusSources): readonly NodeAddress[] {
  if (replica === null) return nodes;
  const known = addressesOf(replica.directory, []);
  const isGuest = (id: number): boolean => {
    const life = links.memberAt(id);
    const wasRemoved = life !== null && replica.directory.removed.includes(life);
    return !wasRemoved && !known.some((address) => address.id === id);
  };
  const guests = [...links.nodes(), node].flatMap((id) => (isGuest(id) ? (addressOf(id) ?? []) : []));
  return [...known, ...guests].sort((a, b) => a.id - b.id);
}

/** The disk that runs at a place, else the one that is listed there. */
function memberStatus(address: NodeAddress, sources: StatusSources): MemberStatus {
  const { replica, self, links, node } = sources;
  const directory = replica?.directory ?? noMembers;
  const { id, host, peerPort, chatPort, httpPort } = address;
  const lives = membersAt(directory, id);
  const present = id === node ? self : links.memberAt(id);
  const shown = present ?? lives.at(-1)?.incarnation ?? null;
  const match = shown === null ? null : matchOf(shown, sources);
  const lastIndex = replica?.status().lastIndex ?? 0;
  const state = stateOf(directory, id, shown);
  return {
    id,
    host,
    peerPort,
    chatPort,
    httpPort,
    state,
    voter: state === 'voter',
    promoted: [...lives, ...directory.expected.filter((place) => place.id === id)].some(
      ({ promote }) => promote === true,
    ),
    oldVoter: lives.some(({ incarnation }) => incarnation !== shown && isVoter(directory, incarnation)),
    match,
    lag: match === null ? null : Math.max(0, lastIndex - match),
    reachable: present !== null,
  };
}

function stateOf(directory: Directory, node: number, shown: MemberId | null): MemberStatus['state'] {
  if (shown !== null && isVoter(directory, shown)) return 'voter';
  if (shown !== null && isMember(directory, shown)) return 'learner';
  if (directory.expected.some(({ id }) => id === node)) return 'expected';
  return shown === null || directory.members.length === 0 ? 'listed' : 'observer';
}

function matchOf(member: MemberId, { replica }: StatusSources): number | null {
  if (replica === null) return null;
  return replica.fullStatus().peers.find(({ id }) => id === member)?.match ?? null;
}
