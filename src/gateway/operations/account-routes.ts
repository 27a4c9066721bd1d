/** `/admin/users`, `/admin/groups`, `/admin/role`, `/admin/unlock`, `/admin/invite` and `/admin/group-listener`, behind either door. */
import { Type } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { type ErrorCode, errorTable } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { Administered, Administration } from '../requests/administration.ts';
import type { DescribeAction } from './action-journal.ts';
import { jsonOf } from './operator-gate.ts';

const closed = { additionalProperties: false };
/** Of users and of groups. */
const usersQuery = TypeCompiler.Compile(
  Type.Object({ after: Type.Optional(Type.String({ maxLength: limits.emailChars })) }, closed),
);
const unlockBody = TypeCompiler.Compile(
  Type.Object({ user: Type.String({ minLength: 1, maxLength: limits.emailChars }) }, closed),
);
const roleBody = TypeCompiler.Compile(
  Type.Object(
    {
      user: Type.String({ minLength: 1, maxLength: limits.emailChars }),
      administrator: Type.Boolean(),
    },
    closed,
  ),
);
const inviteBody = TypeCompiler.Compile(
  Type.Object(
    {
      codeHash: Type.String({ pattern: '^[0-9a-f]{64}$' }),
      uses: Type.Integer({ minimum: 1, maximum: limits.invitationUses }),
      lifetimeMs: Type.Integer({ minimum: 1, maximum: limits.invitationMs }),
    },
    closed,
  ),
);
const listenerBody = TypeCompiler.Compile(
  Type.Object(
    {
      group: Type.String({ minLength: 1, maxLength: limits.groupNameMaxChars }),
      port: Type.Union([Type.Integer({ minimum: 1, maximum: 65_535 }), Type.Null()]),
    },
    closed,
  ),
);

/** Accounts in one answer: below what a client of the endpoint reads, whatever their names. */
const usersPerPage = 500;

export function addAccountRoutes(scope: FastifyInstance, administration: Administration): void {
  scope.get('/admin/users', async (request, reply) => {
    if (!usersQuery.Check(request.query)) return refuse(reply, 'BAD_REQUEST');
    return answer(reply, await administration.users(request.query.after ?? '', usersPerPage));
  });
  scope.get('/admin/groups', async (request, reply) => {
    if (!usersQuery.Check(request.query)) return refuse(reply, 'BAD_REQUEST');
    return answer(reply, await administration.groups(request.query.after ?? '', usersPerPage));
  });
  scope.post('/admin/role', { config: { describe: describeRole } }, async (request, reply) => {
    const body = jsonOf(request.body);
    if (!roleBody.Check(body)) return refuse(reply, 'BAD_REQUEST');
    return answer(reply, await administration.setRole(body.user, body.administrator));
  });
  scope.post('/admin/unlock', { config: { describe: describeUnlock } }, async (request, reply) => {
    const body = jsonOf(request.body);
    if (!unlockBody.Check(body)) return refuse(reply, 'BAD_REQUEST');
    return answer(reply, await administration.unlock(body.user));
  });
  scope.post('/admin/group-listener', { config: { describe: describeListener } }, async (request, reply) => {
    const body = jsonOf(request.body);
    if (!listenerBody.Check(body)) return refuse(reply, 'BAD_REQUEST');
    return answer(reply, await administration.listen(body.group, body.port));
  });
  scope.post('/admin/invite', { config: { describe: describeInvite } }, async (request, reply) => {
    const body = jsonOf(request.body);
    if (!inviteBody.Check(body)) return refuse(reply, 'BAD_REQUEST');
    return answer(reply, await administration.invite(body.codeHash, body.uses, body.lifetimeMs));
  });
}

const describeRole: DescribeAction = (body) => {
  const value = jsonOf(body);
  if (!roleBody.Check(value)) return { action: 'role', subject: '' };
  return { action: value.administrator ? 'grant' : 'revoke', subject: value.user };
};

const describeUnlock: DescribeAction = (body) => {
  const value = jsonOf(body);
  return { action: 'unlock', subject: unlockBody.Check(value) ? value.user : '' };
};

const describeListener: DescribeAction = (body) => {
  const value = jsonOf(body);
  const subject = listenerBody.Check(value) ? `${value.group} ${value.port ?? 'none'}` : '';
  return { action: 'group-listener', subject };
};

const describeInvite: DescribeAction = (body) => {
  const value = jsonOf(body);
  return { action: 'invite', subject: inviteBody.Check(value) ? `for ${value.uses}` : '' };
};

function answer(reply: FastifyReply, administered: Administered<unknown>): FastifyReply {
  switch (administered.kind) {
    case 'done':
      return reply.send(administered.value);
    case 'rejection':
      return refuse(reply, administered.code, administered.text);
    case 'unknown':
      return refuse(reply, 'UNKNOWN_OUTCOME', administered.text);
  }
}

function refuse(reply: FastifyReply, code: ErrorCode, text: string = errorTable[code].text): FastifyReply {
  return reply.code(errorTable[code].http).send({ code, text });
}
