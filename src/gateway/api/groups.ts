/** `/api/v1/groups`: making, joining, leaving; and what is their owners’. A group is named without its `#`. */
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorCode } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { GroupRequest } from '../../protocol/group-requests.ts';
import { describe } from '../http/operation.ts';
import type { Resources } from '../http/resources.ts';
import { closed, namePage, nothing, nullable, password, staleness, time, userName } from '../http/schemas.ts';

const path = '/api/v1/groups';
const tag = 'groups';
const groupName = Type.String({ minLength: 1, maxLength: limits.groupNameMaxChars });
const params = closed({ group: groupName });
const memberParams = closed({ group: groupName, user: userName });
type GroupRoute = { Params: Static<typeof params> };

const days = Type.Integer({
  minimum: 0,
  maximum: 36_500,
  description: 'Messages are kept for so long, 0: for ever; left out: as the configuration says.',
});
const optionalPassword = Type.Optional(password);
const createBody = closed({ group: groupName, password: optionalPassword });
const joinBody = closed({
  password: optionalPassword,
  create: Type.Optional(Type.Boolean({ description: 'Make it, with this password, if there is none.' })),
});
const renameBody = closed({ name: groupName });
const passwordBody = closed({ password: optionalPassword });
const retentionBody = closed({ days: Type.Optional(days) });
const ownerBody = closed({ user: userName });
const page = closed({ ...namePage, ...staleness });
type PageRoute = { Querystring: Static<typeof page> };

const named = closed({ group: Type.String(), conversation: Type.String({ description: 'Its id.' }) });
const group = closed({
  conversation: Type.String(),
  name: Type.String(),
  members: nullable(Type.Integer()),
  closed: Type.Boolean({
    description: 'It has a password, and only its members see more than that it is there.',
  }),
  joined: Type.Boolean(),
  owner: nullable(Type.String()),
  address: nullable(closed({ host: Type.String(), port: Type.Integer() })),
  port: Type.Optional(Type.Integer()),
  keepDays: Type.Optional(days),
  createdMs: nullable(time),
});
const member = closed({ name: Type.String(), online: Type.Boolean(), owner: Type.Boolean() });
const common = { tag, repeatable: true } as const;
const ofOwner: readonly ErrorCode[] = ['UNKNOWN_GROUP', 'NOT_A_MEMBER'];

export function addGroups(scope: FastifyInstance, resources: Resources): void {
  addLists(scope, resources);
  addMembership(scope, resources);
  addSettings(scope, resources);
  addOwnership(scope, resources);
}

function addLists(scope: FastifyInstance, { door, ask }: Resources): void {
  scope.get<PageRoute>(
    path,
    describe(
      {
        operationId: 'groups',
        tag,
        summary: 'The groups, by name.',
        open: true,
        querystring: page,
        answers: { 200: closed({ groups: Type.Array(group) }) },
        errors: ['AUTH_REQUIRED'],
      },
      'read',
    ),
    async (request, reply) => {
      const { groups } = await ask(reply, door.contextOf(request), { op: 'groups', ...request.query });
      return { groups };
    },
  );
  scope.get<GroupRoute & PageRoute>(
    `${path}/:group/members`,
    describe(
      {
        operationId: 'members',
        tag,
        summary: 'Who is in a group, by name.',
        params,
        querystring: page,
        answers: { 200: closed({ members: Type.Array(member) }) },
        errors: ofOwner,
      },
      'read',
    ),
    async (request, reply) => {
      const asked = { op: 'members', group: request.params.group, ...request.query } as const;
      const { members } = await ask(reply, door.contextOf(request), asked);
      return { members };
    },
  );
}

function addMembership(scope: FastifyInstance, resources: Resources): void {
  scope.post<{ Body: Static<typeof createBody> }>(
    path,
    describe({
      operationId: 'createGroup',
      tag,
      summary: 'Make a group: open, or with a password.',
      repeatable: true,
      body: createBody,
      answers: { 201: named },
      errors: ['BAD_GROUP_NAME', 'GROUP_TAKEN', 'TOO_MANY_GROUPS', 'TOO_LONG'],
    }),
    async (request, reply) => {
      const made = await change(resources, request, reply, { op: 'create-group', ...request.body });
      return reply.code(201).send(made);
    },
  );
  scope.post<GroupRoute & { Body: Static<typeof joinBody> }>(
    `${path}/:group/join`,
    describe({
      operationId: 'joinGroup',
      tag,
      summary: 'Join a group.',
      repeatable: true,
      params,
      body: joinBody,
      answers: { 200: named },
      errors: [
        'UNKNOWN_GROUP',
        'BAD_GROUP_NAME',
        'GROUP_PASSWORD_WRONG',
        'ALREADY_MEMBER',
        'GROUP_FULL',
        'TOO_MANY_GROUPS',
        'TOO_LONG',
      ],
    }),
    (request, reply) =>
      change(resources, request, reply, { op: 'join-group', ...request.params, ...request.body }),
  );
  scope.post<GroupRoute>(
    `${path}/:group/leave`,
    describe({
      operationId: 'leaveGroup',
      tag,
      summary: 'Leave a group.',
      repeatable: true,
      params,
      answers: { 200: named },
      errors: ofOwner,
    }),
    (request, reply) => change(resources, request, reply, { op: 'leave-group', ...request.params }),
  );
}

function addSettings(scope: FastifyInstance, resources: Resources): void {
  scope.patch<GroupRoute & { Body: Static<typeof renameBody> }>(
    `${path}/:group`,
    describe({
      ...common,
      operationId: 'renameGroup',
      summary: 'Rename a group, as its owner.',
      params,
      body: renameBody,
      answers: { 200: named },
      errors: [...ofOwner, 'BAD_GROUP_NAME', 'GROUP_TAKEN'],
    }),
    (request, reply) =>
      change(resources, request, reply, { op: 'rename-group', ...request.params, ...request.body }),
  );
  scope.put<GroupRoute & { Body: Static<typeof passwordBody> }>(
    `${path}/:group/password`,
    describe({
      ...common,
      operationId: 'setGroupPassword',
      summary: 'Set the password of a group, or open it, as its owner.',
      params,
      body: passwordBody,
      answers: { 200: named },
      errors: [...ofOwner, 'TOO_LONG'],
    }),
    (request, reply) =>
      change(resources, request, reply, { op: 'set-group-password', ...request.params, ...request.body }),
  );
  scope.put<GroupRoute & { Body: Static<typeof retentionBody> }>(
    `${path}/:group/retention`,
    describe({
      ...common,
      operationId: 'setGroupRetention',
      summary: 'Say how long a group’s messages are kept, as its owner.',
      params,
      body: retentionBody,
      answers: { 200: named },
      errors: ofOwner,
    }),
    (request, reply) =>
      change(resources, request, reply, { op: 'set-group-retention', ...request.params, ...request.body }),
  );
}

function addOwnership(scope: FastifyInstance, resources: Resources): void {
  scope.put<GroupRoute & { Body: Static<typeof ownerBody> }>(
    `${path}/:group/owner`,
    describe({
      ...common,
      operationId: 'transferGroup',
      summary: 'Hand a group to another member, as its owner.',
      params,
      body: ownerBody,
      answers: { 200: named },
      errors: [...ofOwner, 'UNKNOWN_USER'],
    }),
    (request, reply) =>
      change(resources, request, reply, { op: 'transfer-group', ...request.params, ...request.body }),
  );
  scope.delete<{ Params: Static<typeof memberParams> }>(
    `${path}/:group/members/:user`,
    describe({
      ...common,
      operationId: 'removeMember',
      summary: 'Put somebody out of a group, as its owner.',
      params: memberParams,
      answers: { 204: nothing },
      errors: [...ofOwner, 'UNKNOWN_USER'],
    }),
    async (request, reply) => {
      await change(resources, request, reply, { op: 'remove-member', ...request.params });
      return reply.code(204).send();
    },
  );
  scope.delete<GroupRoute>(
    `${path}/:group`,
    describe({
      ...common,
      operationId: 'deleteGroup',
      summary: 'Delete a group and all that was said in it, as its owner.',
      params,
      answers: { 204: nothing },
      errors: ofOwner,
    }),
    async (request, reply) => {
      await change(resources, request, reply, { op: 'delete-group', ...request.params });
      return reply.code(204).send();
    },
  );
}

async function change(
  { door, ask }: Resources,
  request: FastifyRequest,
  reply: FastifyReply,
  asked: GroupRequest,
): Promise<Static<typeof named>> {
  const { group: name, conversation } = await ask(reply, door.contextOf(request), asked);
  return { group: name, conversation };
}
