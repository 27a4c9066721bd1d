/** The members as one node knows them → a table, and the words for how far one of them is. Pure. */
import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { inColumns } from '../program/columns.ts';

const nullableNumber = Type.Union([Type.Number(), Type.Null()]);
const memberSchema = Type.Object({
  id: Type.Number(),
  host: Type.String(),
  peerPort: Type.Number(),
  chatPort: Type.Number(),
  httpPort: Type.Number(),
  state: Type.String(),
  voter: Type.Boolean(),
  promoted: Type.Boolean(),
  oldVoter: Type.Boolean(),
  lag: nullableNumber,
  reachable: Type.Boolean(),
});
const membersSchema = Type.Object({
  id: Type.Number(),
  leader: nullableNumber,
  term: Type.Number(),
  members: Type.Array(memberSchema),
});

export type MemberRow = Static<typeof memberSchema>;
/** What a node answers to `GET /admin/members`; keys beyond these are passed on. */
export type MembersAnswer = Static<typeof membersSchema>;

/** Null when it is something else. */
export function readMembers(value: unknown): MembersAnswer | null {
  return Value.Check(membersSchema, value) ? value : null;
}

export function formatMembers({ members, leader, term, id }: MembersAnswer): string {
  const header = ['node', 'host', 'peer', 'chat', 'http', 'state', 'reachable', 'lag', 'remark'];
  const rows = members.map((row) => [
    `${row.id}`,
    row.host,
    `${row.peerPort}`,
    `${row.chatPort}`,
    `${row.httpPort}`,
    row.state,
    row.reachable ? 'yes' : 'no',
    row.lag === null ? '-' : `${row.lag}`,
    remarkOf(row, leader) || '-',
  ]);
  const leads = leader === null ? 'No leader.' : `Node ${leader} leads in term ${term}.`;
  return [inColumns(header, rows), '', `${leads} (As node ${id} knows it.)`].join('\n');
}

function remarkOf(row: MemberRow, leader: number | null): string {
  const remarks = [
    ...(row.id === leader ? ['leads'] : []),
    ...(row.promoted && row.state !== 'voter' ? ['becomes a voter by itself'] : []),
    ...(row.oldVoter ? ['an old disk counts in the majority'] : []),
    ...(row.state === 'observer' && !row.oldVoter ? [`no member: members add ${row.id}`] : []),
    ...(row.state === 'observer' && row.oldVoter ? [`replace it: members replace ${row.id}`] : []),
  ];
  return remarks.join('; ');
}

/** How far a node is on its way to be a voter; null once it is one. */
export function progressOf(row: MemberRow): string | null {
  if (row.state === 'voter' && !row.oldVoter) return null;
  if (row.state === 'expected') return `node ${row.id} is expected: start it`;
  if (!row.reachable) return `node ${row.id} is a ${row.state}, and not connected`;
  if (row.state === 'voter') return `node ${row.id} takes over from its old disk`;
  return row.lag === null
    ? `node ${row.id} is a ${row.state}`
    : `node ${row.id} is a ${row.state}, ${row.lag} entries behind`;
}
