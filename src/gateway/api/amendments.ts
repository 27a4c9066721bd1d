/** `…/messages/{sequence}` and its reactions: what becomes of a message after it was sent. */
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { limits } from '../../base/limits.ts';
import type { AmendmentRequest } from '../../protocol/amendments.ts';
import { describe } from '../http/operation.ts';
import type { Resources } from '../http/resources.ts';
import { closed, sequence, staleness } from '../http/schemas.ts';
import {
  type ConversationRoute,
  conversationName,
  conversationOf,
  conversationParams,
} from './conversation-names.ts';
import { amendedEntry, amendedValue, text } from './messages.ts';

const path = '/api/v1/conversations/:conversation';
const messageParams = closed({ conversation: conversationName, sequence });
const reactionParams = closed({
  conversation: conversationName,
  sequence,
  reaction: Type.String({
    minLength: 1,
    maxLength: limits.reactionBytes,
    description: 'An emoji or a short word.',
  }),
});
const editBody = closed({ text });
const page = closed({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: 100 })),
  after: Type.Optional(Type.Integer({ minimum: 0, description: 'A revision.' })),
  ...staleness,
});
type MessageRoute = { Params: Static<typeof messageParams> };
type ReactionRoute = { Params: Static<typeof reactionParams> };

const common = { tag: 'conversations', repeatable: true, answers: { 200: amendedValue } } as const;
const missing = ['UNKNOWN_USER', 'UNKNOWN_GROUP', 'NOT_A_MEMBER', 'UNKNOWN_MESSAGE'] as const;

export function addAmendments(scope: FastifyInstance, resources: Resources): void {
  scope.patch<MessageRoute & { Body: Static<typeof editBody> }>(
    `${path}/messages/:sequence`,
    describe({
      ...common,
      operationId: 'editMessage',
      summary: 'Another text for a message of one’s own.',
      params: messageParams,
      body: editBody,
      errors: [...missing, 'TOO_LONG'],
    }),
    (request, reply) => amend(resources, request, reply, { op: 'edit', ...request.body }),
  );
  scope.delete<MessageRoute>(
    `${path}/messages/:sequence`,
    describe({
      ...common,
      operationId: 'deleteMessage',
      summary: 'Delete a message of one’s own, or any in a group that one owns.',
      params: messageParams,
      errors: missing,
    }),
    (request, reply) => amend(resources, request, reply, { op: 'delete-message' }),
  );
  addReactions(scope, resources);
  addList(scope, resources);
}

function addReactions(scope: FastifyInstance, resources: Resources): void {
  const about = { ...common, params: reactionParams } as const;
  const place = `${path}/messages/:sequence/reactions/:reaction`;
  scope.put<ReactionRoute>(
    place,
    describe({
      ...about,
      operationId: 'react',
      summary: 'React to a message.',
      errors: [...missing, 'TOO_LONG', 'TOO_MANY_REACTIONS'],
    }),
    (request, reply) => amend(resources, request, reply, { op: 'react', reaction: request.params.reaction }),
  );
  scope.delete<ReactionRoute>(
    place,
    describe({
      ...about,
      operationId: 'unreact',
      summary: 'Take a reaction back.',
      errors: [...missing, 'TOO_LONG'],
    }),
    (request, reply) =>
      amend(resources, request, reply, { op: 'react', reaction: request.params.reaction, remove: true }),
  );
}

function addList(scope: FastifyInstance, { door, view, ask }: Resources): void {
  scope.get<ConversationRoute & { Querystring: Static<typeof page> }>(
    `${path}/amendments`,
    describe(
      {
        operationId: 'amendments',
        tag: 'conversations',
        summary: 'What has become of messages, in the order in which it did.',
        params: conversationParams,
        querystring: page,
        answers: { 200: closed({ amendments: Type.Array(amendedEntry) }) },
        errors: missing,
      },
      'read',
    ),
    async (request, reply) => {
      const { limit = 100, ...range } = request.query;
      const { id } = conversationOf(
        view,
        door.callerOf(request).identity.account,
        request.params.conversation,
      );
      const asked = { op: 'amendments', conversation: id, limit, ...range } as const;
      const { amendments } = await ask(reply, door.contextOf(request), asked);
      return { amendments };
    },
  );
}

type Change = AmendmentRequest extends infer Request
  ? Request extends AmendmentRequest
    ? Omit<Request, 'conversation' | 'sequence'>
    : never
  : never;

async function amend(
  { door, view, ask }: Resources,
  request: FastifyRequest<MessageRoute>,
  reply: FastifyReply,
  change: Change,
): Promise<Static<typeof amendedValue>> {
  const { conversation: given, sequence: place } = request.params;
  const { id } = conversationOf(view, door.callerOf(request).identity.account, given);
  const asked = { ...change, conversation: id, sequence: place };
  const { op: _op, ...value } = await ask(reply, door.contextOf(request), asked);
  return value;
}
