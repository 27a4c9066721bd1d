/** `/api/v1/conversations`: direct ones, groups and the lobby alike: what was said, saying something, how far one got. */
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance } from 'fastify';
import { limits } from '../../base/limits.ts';
import { received } from '../http/answers.ts';
import { describe } from '../http/operation.ts';
import type { Resources } from '../http/resources.ts';
import { closed, nullable, sequence, staleness, time } from '../http/schemas.ts';
import { settled } from '../requests/replies.ts';
import {
  addressOf,
  type ConversationRoute,
  conversationOf,
  conversationParams,
} from './conversation-names.ts';
import { messages, sentValue, text } from './messages.ts';

const path = '/api/v1/conversations';
const tag = 'conversations';
const upTo = (what: string) => Type.Integer({ description: `${what} up to this sequence` });

const conversation = closed({
  conversation: Type.String({ description: 'Its id.' }),
  kind: Type.Union([Type.Literal('direct'), Type.Literal('group'), Type.Literal('lobby')]),
  name: Type.String({ description: 'Its address.' }),
  firstSequence: Type.Optional(Type.Integer({ description: 'What is older is gone.' })),
  lastSequence: Type.Integer(),
  lastIndex: Type.Integer(),
  delivered: upTo('delivered'),
  read: upTo('read'),
  unread: Type.Integer(),
  others: nullable(
    closed({ delivered: upTo('all others have got it'), read: upTo('all others have read it') }),
  ),
});
const historyQuery = closed({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: limits.historyDefaultMessages })),
  before: Type.Optional(sequence),
  after: Type.Optional(Type.Integer({ minimum: 0 })),
  since: Type.Optional(time),
  ...staleness,
});
const replyTo = Type.Optional(sequence);
const messageBody = closed({
  text,
  replyTo,
  receipt: Type.Optional(Type.Boolean({ description: 'Of a direct message: tell, when it is delivered.' })),
});
const fileBody = closed({
  name: Type.String({ minLength: 1, maxLength: limits.fileNameBytes }),
  type: Type.String({ maxLength: limits.fileTypeChars }),
  bytes: Type.Integer({ minimum: 0 }),
  manifest: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  replyTo,
});
const cursorBody = closed({ read: sequence });
const cursor = closed({ conversation: Type.String(), delivered: Type.Integer(), read: Type.Integer() });
const unknown = ['UNKNOWN_USER', 'UNKNOWN_GROUP', 'NOT_A_MEMBER'] as const;

export function addConversations(scope: FastifyInstance, resources: Resources): void {
  addReads(scope, resources);
  addMessages(scope, resources);
  addCursor(scope, resources);
}

function addReads(scope: FastifyInstance, { door, view, ask }: Resources): void {
  scope.get<{ Querystring: { stale?: boolean } }>(
    path,
    describe(
      {
        operationId: 'conversations',
        tag,
        summary: 'One’s own conversations, with what is unread; the one that was spoken in last comes first.',
        querystring: closed(staleness),
        answers: { 200: closed({ conversations: Type.Array(conversation) }) },
      },
      'read',
    ),
    async (request, reply) => {
      const { stale = false } = request.query;
      const { conversations } = await ask(reply, door.contextOf(request), { op: 'conversations', stale });
      return { conversations };
    },
  );

  scope.get<ConversationRoute & { Querystring: Static<typeof historyQuery> }>(
    `${path}/:conversation/messages`,
    describe(
      {
        operationId: 'messages',
        tag,
        summary: 'What was said, oldest first.',
        description:
          'The newest `limit` below `before`; or, with `after` (a sequence) or `since` (a time), the first `limit` above. Fewer where they do not fit one answer: go on from the first or the last.',
        params: conversationParams,
        querystring: historyQuery,
        answers: { 200: messages },
        errors: unknown,
      },
      'read',
    ),
    async (request, reply) => {
      const context = door.contextOf(request);
      const { conversation: given } = request.params;
      const isId = given.includes(':');
      const address = isId ? given : addressOf(view, door.callerOf(request).identity.account, given);
      const { limit = limits.historyDefaultMessages, ...range } = request.query;
      const asked = { op: 'history', with: address, limit, ...range } as const;
      const answer = await ask(reply, context, asked);
      return { messages: answer.messages };
    },
  );
}

function addMessages(scope: FastifyInstance, { door, view, ask }: Resources): void {
  const common = { tag, repeatable: true, params: conversationParams, answers: { 201: sentValue } } as const;

  scope.post<ConversationRoute & { Body: Static<typeof messageBody> }>(
    `${path}/:conversation/messages`,
    describe({
      ...common,
      operationId: 'sendMessage',
      summary: 'Say something.',
      description: 'The answer comes when a majority of the nodes holds the message.',
      body: messageBody,
      errors: [...unknown, 'TOO_LONG', 'UNKNOWN_MESSAGE', 'TOO_MANY_PENDING'],
    }),
    async (request, reply) => {
      const to = addressOf(view, door.callerOf(request).identity.account, request.params.conversation);
      const { op: _op, ...sent } = await ask(reply, door.contextOf(request), {
        op: 'send',
        to,
        ...request.body,
      });
      return reply.code(201).send(sent);
    },
  );

  scope.post<ConversationRoute & { Body: Static<typeof fileBody> }>(
    `${path}/:conversation/files`,
    describe({
      ...common,
      operationId: 'sendFile',
      summary: 'Send a file that was uploaded.',
      body: fileBody,
      errors: [...unknown, 'UNKNOWN_UPLOAD', 'UPLOAD_INCOMPLETE', 'UNKNOWN_MESSAGE', 'QUOTA_EXCEEDED'],
    }),
    async (request, reply) => {
      const to = addressOf(view, door.callerOf(request).identity.account, request.params.conversation);
      const context = door.contextOf(request);
      const { op: _op, ...sent } = await ask(reply, context, { op: 'send-file', to, ...request.body });
      return reply.code(201).send(sent);
    },
  );
}

/** Answered when it is in the state, unlike the marks of live connections, which are gathered. */
function addCursor(scope: FastifyInstance, { door, view, service }: Resources): void {
  scope.put<ConversationRoute & { Body: Static<typeof cursorBody> }>(
    `${path}/:conversation/cursor`,
    describe({
      operationId: 'markRead',
      tag,
      door: 'mark-read',
      summary: 'Everything up to this sequence was read. Never moves back.',
      params: conversationParams,
      body: cursorBody,
      answers: { 200: cursor },
      errors: unknown,
    }),
    async (request) => {
      const { account } = door.callerOf(request).identity;
      const { read } = request.body;
      const { id } = conversationOf(view, account, request.params.conversation);
      const cursors = [{ account, conversation: id, delivered: read, read }];
      const answer = settled(await service.proposeOwn({ kind: 'advance-cursors', cursors }));
      if (answer.kind !== 'applied') throw received(answer);
      const after = conversationOf(view, account, id);
      return { conversation: id, delivered: after.delivered(account), read: after.read(account) };
    },
  );
}
