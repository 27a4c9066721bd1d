/** What the operations about nodes say, for the document. */
import { Type } from '@sinclair/typebox';
import type { ErrorCode } from '../../base/errors.ts';
import { placeSchema } from '../../replication/formats/member-asks.ts';
import { closed, nullable, time } from '../http/schemas.ts';

export const done = closed({ status: Type.Literal('done') });
export const node = Type.Integer({ minimum: 1, description: 'Number of a node.' });
export const role = Type.String({
  enum: ['leader', 'follower', 'candidate', 'learner', 'observer', 'founding'],
});

/** With which a change of members, or of who leads, may be refused. */
export const memberErrors: readonly ErrorCode[] = [
  'MEMBERS_CHANGING',
  'QUORUM_AT_RISK',
  'UNKNOWN_NODE',
  'NODE_IN_USE',
  'NODE_AWAY',
  'NOT_CAUGHT_UP',
  'NOT_A_VOTER',
  'LAST_VOTER',
  'TOO_MANY_MEMBERS',
];

export const memberEntry = closed({
  id: node,
  ...placeSchema.properties,
  state: Type.String({
    enum: ['voter', 'learner', 'observer', 'expected', 'listed'],
    description:
      'Of the disk that runs there: `observer` is connected and no member, `expected` was added and is not there yet, `listed` stands in the configuration only.',
  }),
  voter: Type.Boolean(),
  promoted: Type.Boolean({ description: 'Becomes a voter by itself.' }),
  oldVoter: Type.Boolean({
    description: 'A voter’s disk of this number is gone, and counts until it is replaced.',
  }),
  match: nullable(
    Type.Integer({ description: 'Log position known to be on it; null except on the leader.' }),
  ),
  lag: nullable(Type.Integer({ description: 'Entries behind the leader; null except on the leader.' })),
  reachable: Type.Boolean(),
});

const event = Type.Union([
  closed({ kind: Type.Literal('started'), atMs: time }),
  closed({ kind: Type.Literal('leader'), atMs: time, term: Type.Integer(), leader: nullable(node) }),
  closed({ kind: Type.Literal('peer'), atMs: time, node, up: Type.Boolean() }),
]);

export const nodeView = closed({
  cluster: Type.String(),
  profile: Type.String(),
  id: node,
  nowMs: Type.Integer({ description: 'The node’s clock, for comparison with the times of its events.' }),
  upMs: Type.Integer(),
  role,
  term: Type.Integer(),
  leader: nullable(node),
  lastIndex: nullable(Type.Integer()),
  commitIndex: Type.Integer(),
  appliedIndex: Type.Integer(),
  members: Type.Array(memberEntry),
  alarms: Type.Array(Type.String()),
  disk: nullable(closed({ freeBytes: Type.Integer(), lowBytes: Type.Integer() })),
  memoryBytes: Type.Integer(),
  loopDelayMs: Type.Number({ description: 'The longest that its event loop was late, in the last seconds.' }),
  connections: closed({ native: Type.Integer(), chat: Type.Integer() }),
  subscribers: Type.Integer({ description: 'Logged-in connections.' }),
  accounts: Type.Integer(),
  events: Type.Array(event, { description: 'What it saw of its cluster since it started, the newest last.' }),
});

export const actionEntry = closed({
  number: Type.Integer({ description: 'Log position of the entry that noted it.' }),
  by: Type.Union([
    closed({ kind: Type.Literal('account'), account: Type.Integer(), name: Type.String() }),
    closed({ kind: Type.String({ enum: ['operator', 'page'] }) }),
  ]),
  action: Type.String(),
  subject: Type.String(),
  node,
  beganMs: time,
  endedMs: nullable(time),
  outcome: nullable(
    Type.String({ description: '`done`, or a code; null: nobody has heard, it may have happened.' }),
  ),
  times: Type.Integer(),
});
