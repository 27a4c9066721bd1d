import type { BasicStatus, MemberId, RaftStatus } from '../raft/index.ts';
import type { EngineStatus, MemberStatus } from './engine.ts';
import type { Links } from './links.ts';
import { type Directory, isVoter, type NodeAddress, noMembers } from './members.ts';

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
  readonly startCommitIndex: number | null;
  readonly observing: boolean;
  /** Without a state, until a copy of another node's is here. */
  readonly rebuilding: boolean;
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
    commitIndex: status?.commit ?? 0,
    appliedIndex: replica?.appliedIndex ?? 0,
    startCommitIndex,
    members: sources.nodes.map((address) => memberStatus(address, sources)),
    alarms: [...ownAlarms(sources), ...sources.alarms],
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
  if (!isVoter(replica.directory, self)) return 'observer';
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

/** Of a place in the configuration: the member that lives there, or the guest that is linked from there. */
function memberStatus(address: NodeAddress, sources: StatusSources): MemberStatus {
  const { replica, self, links, node } = sources;
  const directory = replica?.directory ?? noMembers;
  const { id, host, peerPort, chatPort, httpPort } = address;
  const listed = directory.members.find((member) => member.node === id)?.incarnation ?? null;
  const present = id === node ? self : links.memberAt(id);
  const shown = present ?? listed;
  const match = shown === null ? null : matchOf(shown, sources);
  const lastIndex = replica?.status().lastIndex ?? 0;
  return {
    id,
    host,
    peerPort,
    chatPort,
    httpPort,
    voter: shown !== null && isVoter(directory, shown),
    match,
    lag: match === null ? null : Math.max(0, lastIndex - match),
    reachable: present !== null,
  };
}

function matchOf(member: MemberId, { replica }: StatusSources): number | null {
  if (replica === null) return null;
  return replica.fullStatus().peers.find(({ id }) => id === member)?.match ?? null;
}
