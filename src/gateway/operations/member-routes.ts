/** `/admin/members` and `/admin/transfer`: who the members are, and who leads. */
import { type Static, Type } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { isLoopback } from '../../base/config.ts';
import { type ErrorCode, errorTable } from '../../base/errors.ts';
import { changeSchema } from '../../replication/formats/member-asks.ts';
import type { ChangeOutcome, Engine } from '../../replication/ports/engine.ts';
import type { Action } from './action-journal.ts';
import { jsonOf } from './operator-gate.ts';

export interface MemberRoutesOptions {
  readonly engine: Pick<Engine<unknown, unknown>, 'status' | 'changeMembers' | 'transferLeader'>;
  /** Places of other machines are refused: what goes between the nodes is not hidden from the network. */
  readonly loopbackOnly: boolean;
}

const closed = { additionalProperties: false };
const requestSchema = Type.Object(
  {
    /** Names the request through its repetitions, on whatever node. */
    tag: Type.String({ pattern: '^[0-9a-f]{32}$' }),
    change: changeSchema,
  },
  closed,
);
const transferSchema = Type.Object(
  { node: Type.Union([Type.Integer({ minimum: 1, maximum: 1_000 }), Type.Null()]) },
  closed,
);
const requests = TypeCompiler.Compile(requestSchema);
const transfers = TypeCompiler.Compile(transferSchema);

export function addMemberRoutes(scope: FastifyInstance, options: MemberRoutesOptions): void {
  const { engine } = options;
  scope.get('/admin/members', () => {
    const { id, role, leader, term, members } = engine.status();
    return { id, role, leader, term, members };
  });
  const changing = { demonstration: true, describe: describeChange };
  scope.post('/admin/members', { config: changing }, async (request, reply) => {
    const body = jsonOf(request.body);
    if (!requests.Check(body)) return malformed(reply);
    const fault = placeFault(body, options);
    if (fault !== null) return refuse(reply, 'BAD_REQUEST', fault);
    return answer(reply, await engine.changeMembers(body.change, body.tag));
  });
  const handing = { demonstration: true, describe: describeTransfer };
  scope.post('/admin/transfer', { config: handing }, async (request, reply) => {
    const body = jsonOf(request.body);
    if (!transfers.Check(body)) return malformed(reply);
    return answer(reply, await engine.transferLeader(body.node));
  });
}

function describeChange(body: unknown): Action {
  const value = jsonOf(body);
  if (!requests.Check(value)) return { action: 'members', subject: '' };
  return { action: `members ${value.change.kind}`, subject: `node ${value.change.node}` };
}

function describeTransfer(body: unknown): Action {
  const value = jsonOf(body);
  const node = transfers.Check(value) ? value.node : null;
  return { action: 'transfer', subject: node === null ? '' : `node ${node}` };
}

function placeFault({ change }: Static<typeof requestSchema>, options: MemberRoutesOptions): string | null {
  if (change.kind !== 'add' || change.place === null || !options.loopbackOnly) return null;
  return isLoopback(change.place.host)
    ? null
    : `A cluster of profile "loopback-demo" has no members elsewhere: ${change.place.host} is not loopback.`;
}

function answer(reply: FastifyReply, outcome: ChangeOutcome): FastifyReply {
  switch (outcome.kind) {
    case 'done':
      return reply.send({ status: 'done' });
    case 'refused':
      return refuse(reply, outcome.code, outcome.text);
    case 'unknown':
      return refuse(reply, 'UNKNOWN_OUTCOME', errorTable.UNKNOWN_OUTCOME.text);
    default:
      return outcome satisfies never;
  }
}

function malformed(reply: FastifyReply): FastifyReply {
  return refuse(reply, 'BAD_REQUEST', errorTable.BAD_REQUEST.text);
}

function refuse(reply: FastifyReply, code: ErrorCode, text: string): FastifyReply {
  return reply.code(errorTable[code].http).send({ code, text });
}
