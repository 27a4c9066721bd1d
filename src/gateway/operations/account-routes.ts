/** `/admin/users`, `/admin/groups`, `/admin/role`, `/admin/unlock`, `/admin/invite` and `/admin/group-listener`, behind either door. */
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance } from 'fastify';
import { limits } from '../../base/limits.ts';
import { closed, nullable, time, userName } from '../http/schemas.ts';
import type { Administration } from '../requests/administration.ts';
import { byBody, describeDeed, describeLook, doneOf } from './administrator-operation.ts';

/** Of users and of groups. */
const pageQuery = closed({
  after: Type.Optional(
    Type.String({ maxLength: limits.emailChars, description: 'The last name of the page before.' }),
  ),
});
const more = Type.Boolean({ description: 'There are others behind these.' });
const accountEntry = closed({
  name: Type.String(),
  kind: Type.String({ enum: ['member', 'guest', 'bearer'] }),
  displayName: nullable(Type.String()),
  email: nullable(Type.String()),
  uuid: Type.String(),
  createdMs: time,
  online: Type.Boolean(),
  administrator: Type.Boolean(),
  access: Type.String({
    enum: ['open', 'limited', 'locked'],
    description: '`limited`: for `retryAfterMs` nothing is tried; `locked`: until it is unlocked.',
  }),
  retryAfterMs: nullable(Type.Integer()),
});
const groupEntry = closed({
  name: Type.String(),
  owner: nullable(Type.String()),
  members: Type.Integer(),
  messages: Type.Integer(),
  closed: Type.Boolean({ description: 'With a password.' }),
  port: nullable(Type.Integer({ description: 'Its own port on every node.' })),
  createdMs: time,
});
const unlockBody = closed({ user: userName });
const roleBody = closed({ user: userName, administrator: Type.Boolean() });
const inviteBody = closed({
  codeHash: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256 of the code.' }),
  uses: Type.Integer({ minimum: 1, maximum: limits.invitationUses }),
  lifetimeMs: Type.Integer({ minimum: 1, maximum: limits.invitationMs }),
});
const listenerBody = closed({
  group: Type.String({ minLength: 1, maxLength: limits.groupNameMaxChars }),
  port: nullable(Type.Integer({ minimum: 1, maximum: 65_535 })),
});

/** Accounts in one answer: below what a client of the endpoint reads, whatever their names. */
const entriesPerPage = 500;

export function addAccountRoutes(scope: FastifyInstance, administration: Administration): void {
  addLists(scope, administration);
  addAccountDeeds(scope, administration);
  addOtherDeeds(scope, administration);
}

function addLists(scope: FastifyInstance, administration: Administration): void {
  scope.get<{ Querystring: Static<typeof pageQuery> }>(
    '/admin/users',
    describeLook({
      operationId: 'listAccounts',
      summary: 'All accounts by name, with their roles, and who is locked out.',
      querystring: pageQuery,
      answers: { 200: closed({ users: Type.Array(accountEntry), more }) },
    }),
    async ({ query }) => doneOf(await administration.users(query.after ?? '', entriesPerPage)),
  );
  scope.get<{ Querystring: Static<typeof pageQuery> }>(
    '/admin/groups',
    describeLook({
      operationId: 'listGroups',
      summary: 'All groups by name, with their owners and ports.',
      querystring: pageQuery,
      answers: { 200: closed({ groups: Type.Array(groupEntry), more }) },
    }),
    async ({ query }) => doneOf(await administration.groups(query.after ?? '', entriesPerPage)),
  );
}

function addAccountDeeds(scope: FastifyInstance, administration: Administration): void {
  scope.post<{ Body: Static<typeof roleBody> }>(
    '/admin/role',
    describeDeed(
      {
        operationId: 'setRole',
        summary: 'Make an account an administrator, or take that away. The same again changes nothing.',
        body: roleBody,
        answers: { 200: closed({ name: Type.String(), administrator: Type.Boolean() }) },
        errors: ['UNKNOWN_USER', 'LIMIT_REACHED'],
      },
      byBody(roleBody, ({ user, administrator }) => ({
        action: administrator ? 'grant' : 'revoke',
        subject: user,
      })),
    ),
    async ({ body }) => doneOf(await administration.setRole(body.user, body.administrator)),
  );
  scope.post<{ Body: Static<typeof unlockBody> }>(
    '/admin/unlock',
    describeDeed(
      {
        operationId: 'unlockAccount',
        summary: 'Forget all failures at an account’s password, and its own at those of groups.',
        body: unlockBody,
        answers: { 200: closed({ name: Type.String(), forgotten: Type.Integer() }) },
        errors: ['UNKNOWN_USER'],
      },
      byBody(unlockBody, ({ user }) => ({ action: 'unlock', subject: user })),
    ),
    async ({ body }) => doneOf(await administration.unlock(body.user)),
  );
}

function addOtherDeeds(scope: FastifyInstance, administration: Administration): void {
  scope.post<{ Body: Static<typeof listenerBody> }>(
    '/admin/group-listener',
    describeDeed(
      {
        operationId: 'setGroupPort',
        summary: 'Give a group a port of its own on every node, or (null) take it away.',
        body: listenerBody,
        answers: { 200: closed({ group: Type.String(), port: nullable(Type.Integer()) }) },
        errors: ['UNKNOWN_GROUP', 'CONFLICT', 'LIMIT_REACHED'],
      },
      byBody(listenerBody, ({ group, port }) => ({
        action: 'group-listener',
        subject: `${group} ${port ?? 'none'}`,
      })),
    ),
    async ({ body }) => doneOf(await administration.listen(body.group, body.port)),
  );
  scope.post<{ Body: Static<typeof inviteBody> }>(
    '/admin/invite',
    describeDeed(
      {
        operationId: 'admitInvitation',
        summary: 'Let people register by a code of which nobody else is told but its hash.',
        description:
          'The same hash again is the same invitation. `POST /api/v1/invitations` makes the code as well.',
        body: inviteBody,
        answers: { 200: closed({ uses: Type.Integer(), lifetimeMs: Type.Integer() }) },
        errors: ['LIMIT_REACHED'],
      },
      byBody(inviteBody, ({ uses }) => ({ action: 'invite', subject: `for ${uses}` })),
    ),
    async ({ body }) => doneOf(await administration.invite(body.codeHash, body.uses, body.lifetimeMs)),
  );
}
