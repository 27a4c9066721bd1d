import type { ErrorCode } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { ConfChangeSingle, MemberId } from '../../raft/index.ts';
import {
  type ChangeContext,
  type Directory,
  isJoint,
  isVoter,
  type Member,
  memberOf,
  membersAt,
  type NodeAddress,
} from '../formats/members.ts';
import type { MemberChange } from '../ports/engine.ts';

/** What a leader knows beyond the directory. */
export interface MemberView {
  readonly directory: Directory;
  readonly self: MemberId;
  /** The disk that runs at a number now. */
  readonly lifeAt: (node: number) => MemberId | null;
  /** Where a node says that it is, or the configuration file does. */
  readonly addressAt: (node: number) => NodeAddress | null;
  /** Heard from within an election timeout. This node itself always is. */
  readonly isReachable: (member: MemberId) => boolean;
  /** A node holds all that a voter must hold beside the log and the state; null while it is being asked. */
  readonly mayVote: (node: number) => boolean | null;
  /** Entries that a member lacks; null while it does not take entries, or was not heard from. */
  readonly lagOf: (member: MemberId) => number | null;
}

export type MemberStep =
  | {
      readonly kind: 'propose';
      readonly changes: readonly ConfChangeSingle[];
      readonly context: Omit<ChangeContext, 'tag'>;
    }
  /** This node leads and is to go: another one must lead first. */
  | { readonly kind: 'hand-over' }
  /** Something is not known yet: to be planned again a moment later. */
  | { readonly kind: 'wait' }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly text: string };

/** Behind by no more, a learner loses no time as a voter: it is what is on its way under load. */
export const CAUGHT_UP_ENTRIES = 1_024;

/**
 * Whether a change of members may be made, and how: one step of configuration, simple where at most one voter changes, joint where more do
 * (thesis §4). Pure; the caller sees to it that no other change is under way.
 */
export function planChange(view: MemberView, change: MemberChange): MemberStep {
  switch (change.kind) {
    case 'add':
      return planAdd(view, change);
    case 'promote':
      return planPromote(view, change.node);
    case 'remove':
      return planRemove(view, change.node);
    case 'replace':
      return planReplace(view, change.node);
    default:
      return change satisfies never;
  }
}

function planAdd(view: MemberView, change: MemberChange & { readonly kind: 'add' }): MemberStep {
  const { directory } = view;
  const { node, place, promote } = change;
  if (membersAt(directory, node).length > 0) {
    return refused('NODE_IN_USE', `Node ${node} is a member already; for a new disk use replace.`);
  }
  const address = place === null ? view.addressAt(node) : { id: node, ...place };
  const life = view.lifeAt(node);
  if (address === null) {
    return refused('UNKNOWN_NODE', `Node ${node} is not connected: start it first, or give its addresses.`);
  }
  const others = directory.expected.filter(({ id }) => id !== node);
  const neighbour = [...directory.members.map(({ node: id, ...rest }) => ({ id, ...rest })), ...others].find(
    (other) => sharesPort(other, address),
  );
  if (neighbour !== undefined) {
    return refused('NODE_IN_USE', `Node ${neighbour.id} has one of these addresses already.`);
  }
  const nodes = new Set([...directory.members.map((member) => member.node), ...others.map(({ id }) => id)]);
  if (nodes.size >= limits.members) {
    return refused('TOO_MANY_MEMBERS', `A cluster has ${limits.members} members at most.`);
  }
  if (life === null) {
    const { id, host, peerPort, chatPort, httpPort } = address;
    const expected = [...others, { id, host, peerPort, chatPort, httpPort, promote }];
    return directoryOnly(view, { members: [], expected });
  }
  const member = { ...memberOf(address, life), promote };
  return propose([{ type: 'add-learner', id: life }], { members: [member], expected: others });
}

function planPromote(view: MemberView, node: number): MemberStep {
  const { directory } = view;
  const lives = membersAt(directory, node);
  const learner = lives.find(({ incarnation }) => !isVoter(directory, incarnation));
  if (learner === undefined) {
    return lives.length === 0
      ? refused('UNKNOWN_NODE', `Node ${node} is no member: add it first.`)
      : refused('NODE_IN_USE', `Node ${node} is a voter already.`);
  }
  const lag = view.lagOf(learner.incarnation);
  if (lag === null) return refused('NOT_CAUGHT_UP', `Node ${node} does not follow the leader yet.`);
  if (lag > CAUGHT_UP_ENTRIES) {
    return refused('NOT_CAUGHT_UP', `Node ${node} is ${lag} entries behind.`);
  }
  const hasFiles = view.mayVote(node);
  if (hasFiles === null) return { kind: 'wait' };
  if (!hasFiles) return refused('NOT_CAUGHT_UP', `Node ${node} does not have all files yet.`);
  const old = lives.filter((member) => member !== learner).map(({ incarnation }) => incarnation);
  const after = directory.conf.voters.filter((id) => !old.includes(id));
  const risk = riskOf(view, [...after, learner.incarnation]);
  if (risk !== null) return risk;
  // The other half of a joint configuration, or the old one of a simple change, decides too: it elected this leader.
  const changes: ConfChangeSingle[] = [
    { type: 'add-voter', id: learner.incarnation },
    ...old.map((id): ConfChangeSingle => ({ type: 'remove', id })),
  ];
  const { promote: _done, ...member } = learner;
  return propose(changes, { members: [member], expected: directory.expected });
}

function planRemove(view: MemberView, node: number): MemberStep {
  const { directory, self } = view;
  const lives = membersAt(directory, node).map(({ incarnation }) => incarnation);
  const expected = directory.expected.filter(({ id }) => id !== node);
  if (lives.length === 0) {
    if (expected.length === directory.expected.length) {
      return refused('UNKNOWN_NODE', `Node ${node} is no member.`);
    }
    return directoryOnly(view, { members: [], expected });
  }
  const after = directory.conf.voters.filter((id) => !lives.includes(id));
  if (after.length === 0) return refused('LAST_VOTER', `Node ${node} is the last voter.`);
  const loses = after.length < directory.conf.voters.length;
  const risk = loses ? riskOf(view, after) : null;
  if (risk !== null) return risk;
  if (lives.includes(self)) return { kind: 'hand-over' };
  return propose(
    lives.map((id) => ({ type: 'remove', id })),
    { members: [], expected },
  );
}

/** Learner first: what the old disk counted in the majority passes over when the new one has caught up. */
function planReplace(view: MemberView, node: number): MemberStep {
  const { directory } = view;
  const lives = membersAt(directory, node);
  if (lives.length === 0) return refused('UNKNOWN_NODE', `Node ${node} is no member: use add.`);
  const life = view.lifeAt(node);
  const stale = lives.filter(({ incarnation }) => !isVoter(directory, incarnation));
  const dropStale = stale.map(({ incarnation }): ConfChangeSingle => ({ type: 'remove', id: incarnation }));
  const listed = lives.find(({ incarnation }) => incarnation === life);
  if (listed !== undefined) {
    // The old disk is back before the new one took over: it stays, and the new one goes.
    const returned = isVoter(directory, listed.incarnation) && stale.length > 0;
    if (returned) return propose(dropStale, { members: [], expected: directory.expected });
    const text = isVoter(directory, listed.incarnation)
      ? `Node ${node} runs on the disk that the cluster knows: there is nothing to replace.`
      : `Node ${node} is being brought up to date already.`;
    return refused('NODE_IN_USE', text);
  }
  const address = view.addressAt(node);
  if (life === null || address === null) {
    return refused(
      'NODE_AWAY',
      `Node ${node} is not connected: start it with an empty data directory first.`,
    );
  }
  const promote = lives.some((member) => isVoter(directory, member.incarnation) || member.promote === true);
  const member: Member = { ...memberOf(address, life), promote };
  return propose([{ type: 'add-learner', id: life }, ...dropStale], {
    members: [member],
    expected: directory.expected,
  });
}

/**
 * What is to be done without being asked again, or null: expected nodes that have come are admitted, learners that have caught up and
 * are to be voters are promoted.
 */
export function dueChange(view: MemberView): MemberChange | null {
  const { directory } = view;
  if (isJoint(directory)) return null;
  for (const { id, host, peerPort, chatPort, httpPort, promote } of directory.expected) {
    const life = view.lifeAt(id);
    if (life === null || membersAt(directory, id).length > 0) continue;
    return { kind: 'add', node: id, place: { host, peerPort, chatPort, httpPort }, promote };
  }
  const ready = directory.members.find(
    ({ node, incarnation, promote }) =>
      promote === true &&
      !isVoter(directory, incarnation) &&
      view.mayVote(node) === true &&
      (view.lagOf(incarnation) ?? Number.POSITIVE_INFINITY) <= CAUGHT_UP_ENTRIES,
  );
  return ready === undefined ? null : { kind: 'promote', node: ready.node };
}

/** Changes no voter and no learner: a change must name somebody, and `update` does nothing to whom it names. */
function directoryOnly(view: MemberView, context: Omit<ChangeContext, 'tag'>): MemberStep {
  return propose([{ type: 'update', id: view.self }], context);
}

function propose(changes: readonly ConfChangeSingle[], context: Omit<ChangeContext, 'tag'>): MemberStep {
  return { kind: 'propose', changes, context };
}

function riskOf(view: MemberView, voters: readonly MemberId[]): MemberStep | null {
  const reachable = voters.filter((id) => id === view.self || view.isReachable(id)).length;
  const needed = Math.floor(voters.length / 2) + 1;
  if (reachable >= needed) return null;
  return refused(
    'QUORUM_AT_RISK',
    `Of the ${voters.length} voters that would be left, ${reachable} can be reached and ${needed} are needed.`,
  );
}

function sharesPort(a: Omit<NodeAddress, 'id'>, b: Omit<NodeAddress, 'id'>): boolean {
  if (a.host !== b.host) return false;
  const ports = new Set([a.peerPort, a.chatPort, a.httpPort]);
  return [b.peerPort, b.chatPort, b.httpPort].some((port) => ports.has(port));
}

function refused(code: ErrorCode, text: string): MemberStep {
  return { kind: 'refused', code, text };
}
