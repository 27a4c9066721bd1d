/** `/api/v1/accounts`, `/api/v1/account`: registering; and one's own account. */
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { limits } from '../../base/limits.ts';
import { ConnectionContext } from '../connections/context.ts';
import { clearCookie } from '../http/cookies.ts';
import { idempotencyKeyOf } from '../http/door.ts';
import { describe } from '../http/operation.ts';
import type { Resources } from '../http/resources.ts';
import { closed, nothing, nullable, password, staleness, time, userName } from '../http/schemas.ts';
import { hashSecret } from '../secrets/identifiers.ts';

const displayName = Type.String({ maxLength: 4 * limits.displayNameChars });
const email = Type.String({ maxLength: limits.emailChars });

const registerBody = closed({
  user: userName,
  password,
  displayName: Type.Optional(displayName),
  email: Type.Optional(email),
  invitation: Type.Optional(
    Type.String({ maxLength: 256, description: 'Where registration is by invitation.' }),
  ),
});
const profile = closed({
  user: Type.String(),
  displayName: nullable(Type.String()),
  email: nullable(Type.String()),
  uuid: Type.String({ description: 'For other systems; never changes.' }),
  createdMs: time,
});
const profileBody = closed({
  displayName: Type.Optional(nullable(displayName)),
  email: Type.Optional(nullable(email)),
});
const path = '/api/v1/account';
const passwordBody = closed({ current: password, password });

export function addAccounts(scope: FastifyInstance, resources: Resources): void {
  addRegistration(scope, resources);
  addOwnAccount(scope, resources);
  addEnds(scope, resources);
}

function addRegistration(scope: FastifyInstance, resources: Resources): void {
  scope.post<{ Body: Static<typeof registerBody> }>(
    '/api/v1/accounts',
    describe({
      operationId: 'register',
      tag: 'accounts',
      summary: 'Register an account.',
      open: true,
      repeatable: true,
      body: registerBody,
      answers: { 201: closed({ user: Type.String() }) },
      errors: [
        'BAD_NAME',
        'NAME_TAKEN',
        'NAME_CONFUSABLE',
        'WEAK_PASSWORD',
        'TOO_LONG',
        'BAD_EMAIL',
        'EMAIL_TAKEN',
        'BAD_DISPLAY_NAME',
        'INVITATION_INVALID',
        'SESSION_EXPIRED',
      ],
    }),
    async (request, reply) => {
      const [context, numbering] = registrationOf(request, request.body.user);
      const { user } = await resources.ask(reply, context, { op: 'register', ...request.body }, numbering);
      return reply.code(201).send({ user });
    },
  );
}

/**
 * Nobody's account holds the answer of a registration, so a session of its own does, which nobody logs in to: its number 1 is the
 * registration, on whatever node. Two strangers with the same key and name ask the same, as far as anyone can tell.
 */
function registrationOf(request: FastifyRequest, user: string) {
  const key = idempotencyKeyOf(request);
  if (key === null) return [new ConnectionContext(null, request.ip), null] as const;
  const session = hashSecret(`registration ${user} ${key}`).slice(0, 32);
  const secretHash = hashSecret(`registration secret ${user} ${key}`);
  return [
    new ConnectionContext(session, request.ip),
    { session, secretHash, sequence: 1, lowest: 1 },
  ] as const;
}

function addOwnAccount(scope: FastifyInstance, resources: Resources): void {
  const { door } = resources;
  const read = (request: FastifyRequest, reply: FastifyReply, stale = false) =>
    resources
      .ask(reply, door.contextOf(request), { op: 'profile', stale })
      .then(({ op: _op, ...own }) => own);

  scope.get<{ Querystring: { stale?: boolean } }>(
    path,
    describe(
      {
        operationId: 'ownAccount',
        tag: 'accounts',
        summary: 'One’s own profile.',
        querystring: closed(staleness),
        answers: { 200: profile },
      },
      'read',
    ),
    (request, reply) => read(request, reply, request.query.stale),
  );
  scope.patch<{ Body: Static<typeof profileBody> }>(
    path,
    describe({
      operationId: 'changeAccount',
      tag: 'accounts',
      summary: 'Change the profile.',
      description: 'Null takes away; what is absent stays.',
      repeatable: true,
      body: profileBody,
      answers: { 200: profile },
      errors: ['BAD_EMAIL', 'EMAIL_TAKEN', 'BAD_DISPLAY_NAME'],
    }),
    async (request, reply) => {
      await resources.ask(reply, door.contextOf(request), { op: 'set-profile', ...request.body });
      return read(request, reply);
    },
  );
}

function addEnds(scope: FastifyInstance, resources: Resources): void {
  const { door } = resources;
  scope.put<{ Body: Static<typeof passwordBody> }>(
    `${path}/password`,
    describe({
      operationId: 'changePassword',
      tag: 'accounts',
      summary: 'Change the password. Ends all other sessions.',
      repeatable: true,
      body: passwordBody,
      answers: { 204: nothing },
      errors: ['WEAK_PASSWORD', 'TOO_LONG'],
    }),
    async (request, reply) => {
      await resources.ask(reply, door.contextOf(request), { op: 'change-password', ...request.body });
      return reply.code(204).send();
    },
  );
  scope.delete(
    path,
    describe({
      operationId: 'deleteAccount',
      tag: 'accounts',
      summary: 'Delete the account, for ever.',
      answers: { 204: nothing },
    }),
    async (request, reply) => {
      const { identity } = door.callerOf(request);
      await resources.ask(reply, door.contextOf(request), { op: 'delete', user: identity.name });
      return reply.header('set-cookie', clearCookie(door.isSecure)).code(204).send();
    },
  );
}
