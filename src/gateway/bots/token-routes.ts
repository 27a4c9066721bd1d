/** `/api/v1/tokens`: one's own access tokens. */
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance } from 'fastify';
import { limits } from '../../base/limits.ts';
import { tokenScopes } from '../../chat/vocabulary/token-types.ts';
import { describe } from '../http/operation.ts';
import type { Resources } from '../http/resources.ts';
import { closed, nothing, nullable, time } from '../http/schemas.ts';
import { newToken } from '../requests/token-service.ts';
import { hashSecret } from '../secrets/identifiers.ts';

const path = '/api/v1/tokens';

const scopes = Type.Array(Type.String({ enum: [...tokenScopes] }), {
  minItems: 1,
  maxItems: tokenScopes.length,
  uniqueItems: true,
});
const id = Type.Integer({ minimum: 1 });
const createBody = closed({
  name: Type.String({ minLength: 1, maxLength: limits.displayNameChars, description: 'One of each name.' }),
  scopes,
  lifetimeMs: Type.Optional(
    Type.Integer({ minimum: 1, maximum: limits.tokenMs, description: 'Left out: until it is revoked.' }),
  ),
});
const createAnswer = closed({
  id,
  token: Type.String({ description: 'Shown this once; nobody can find it out again.' }),
  expiresMs: nullable(time),
});
const entry = closed({
  id,
  name: Type.String(),
  scopes: Type.Array(Type.String()),
  createdMs: time,
  expiresMs: nullable(time),
  usedMs: nullable(Type.Integer({ description: 'The hour of its last use.' })),
});
const params = closed({ id });

export function addTokens(scope: FastifyInstance, resources: Resources): void {
  addCreation(scope, resources);
  addOwnTokens(scope, resources);
}

function addCreation(scope: FastifyInstance, { door, ask, secureBytes }: Resources): void {
  scope.post<{ Body: Static<typeof createBody> }>(
    path,
    describe({
      operationId: 'createToken',
      tag: 'bots',
      summary: 'Make an access token.',
      description:
        'Needs a login, not a token. Asked again after an answer was lost it is `NAME_TAKEN`: revoke that one, and make another.',
      body: createBody,
      answers: { 201: createAnswer },
      errors: ['NAME_TAKEN', 'BAD_DISPLAY_NAME', 'LIMIT_REACHED', 'SCOPE_MISSING'],
    }),
    async (request, reply) => {
      const { scopes: wanted, ...rest } = request.body;
      const token = newToken(secureBytes);
      const made = { ...rest, scopes: wanted.join(' '), hash: hashSecret(token) };
      const { id: given, expiresMs } = await ask(reply, door.contextOf(request), {
        op: 'create-token',
        ...made,
      });
      return reply.code(201).send({ id: given, token, expiresMs });
    },
  );
}

function addOwnTokens(scope: FastifyInstance, { door, ask }: Resources): void {
  scope.get(
    path,
    describe(
      {
        operationId: 'listTokens',
        tag: 'bots',
        summary: 'One’s own access tokens, the oldest first.',
        answers: { 200: closed({ tokens: Type.Array(entry) }) },
        errors: ['SCOPE_MISSING'],
      },
      'read',
    ),
    async (request, reply) => {
      const { tokens } = await ask(reply, door.contextOf(request), { op: 'tokens' });
      return { tokens };
    },
  );

  scope.delete<{ Params: Static<typeof params> }>(
    `${path}/:id`,
    describe({
      operationId: 'revokeToken',
      tag: 'bots',
      summary: 'Revoke an access token: no node takes it any more, and what goes on in its name ends.',
      params,
      answers: { 204: nothing },
      errors: ['UNKNOWN_TOKEN', 'SCOPE_MISSING'],
    }),
    async (request, reply) => {
      await ask(reply, door.contextOf(request), { op: 'revoke-token', id: request.params.id });
      return reply.code(204).send();
    },
  );
}
