/** `/api/v1/users`, `/api/v1/presence`, `/api/v1/search`: who there is, who is here, what was said. */
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance } from 'fastify';
import { limits } from '../../base/limits.ts';
import { describe } from '../http/operation.ts';
import type { Resources } from '../http/resources.ts';
import { closed, nullable, staleness, time, userName } from '../http/schemas.ts';
import { messageEntry } from './messages.ts';

const usersQuery = closed({
  pattern: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: limits.searchPatternChars,
      description: 'A beginning of the name, or a whole one with `*` and `?`.',
    }),
  ),
  ...staleness,
});
const searchQuery = closed({
  text: Type.String({
    maxLength: 256,
    description:
      'All these words; `"a phrase"` as it stands, `-word` not; the last word counts as a beginning.',
  }),
  with: Type.Optional(Type.String({ maxLength: 320, description: 'Only in this conversation.' })),
  from: Type.Optional(userName),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  before: Type.Optional(Type.Integer({ minimum: 1, description: '`next` of the answer before.' })),
  ...staleness,
});
const user = closed({ name: Type.String(), online: Type.Boolean() });
const present = closed({ name: Type.String(), sinceMs: time });
const found = closed({
  messages: Type.Array(messageEntry),
  complete: Type.Boolean({ description: 'False while the index of this node lacks some of it.' }),
  next: nullable(Type.Integer({ description: '`before` of the next page.' })),
});

const open = { tag: 'people', open: true, errors: ['AUTH_REQUIRED'] } as const;

export function addPeople(scope: FastifyInstance, resources: Resources): void {
  addUsers(scope, resources);
  addSearch(scope, resources);
}

function addUsers(scope: FastifyInstance, { door, ask }: Resources): void {
  scope.get<{ Querystring: Static<typeof usersQuery> }>(
    '/api/v1/users',
    describe(
      {
        ...open,
        operationId: 'users',
        summary: 'All users by name, or those with a certain one.',
        querystring: usersQuery,
        answers: { 200: closed({ users: Type.Array(user) }) },
      },
      'read',
    ),
    async (request, reply) => {
      const { pattern, stale = false } = request.query;
      const context = door.contextOf(request);
      const { users } =
        pattern === undefined
          ? await ask(reply, context, { op: 'users', stale })
          : await ask(reply, context, { op: 'search', pattern, stale });
      return { users };
    },
  );
  scope.get<{ Querystring: { stale?: boolean } }>(
    '/api/v1/presence',
    describe(
      {
        ...open,
        operationId: 'presence',
        summary: 'Who is online anywhere in the cluster, by the time since which they are.',
        querystring: closed(staleness),
        answers: { 200: closed({ online: Type.Array(present) }) },
      },
      'read',
    ),
    async (request, reply) => {
      const { stale = false } = request.query;
      const { online } = await ask(reply, door.contextOf(request), { op: 'online', stale });
      return { online };
    },
  );
}

function addSearch(scope: FastifyInstance, { door, ask }: Resources): void {
  scope.get<{ Querystring: Static<typeof searchQuery> }>(
    '/api/v1/search',
    describe(
      {
        operationId: 'search',
        tag: 'search',
        summary: 'Messages that hold certain words, the newest first.',
        querystring: searchQuery,
        answers: { 200: found },
        errors: ['UNKNOWN_USER', 'UNKNOWN_GROUP', 'NOT_A_MEMBER', 'TOO_LONG', 'BUSY', 'NOT_IMPLEMENTED'],
      },
      'read',
    ),
    async (request, reply) => {
      const asked = { op: 'find', ...request.query } as const;
      const { messages, complete, next } = await ask(reply, door.contextOf(request), asked);
      return { messages, complete, next };
    },
  );
}
