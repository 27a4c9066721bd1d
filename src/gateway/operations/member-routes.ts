/** `/admin/members` and `/admin/transfer`: who the members are, and who leads. */
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance } from 'fastify';
import { isLoopback } from '../../base/config.ts';
import { CodedError } from '../../base/errors.ts';
import { changeSchema } from '../../replication/formats/member-asks.ts';
import type { ChangeOutcome, Engine } from '../../replication/ports/engine.ts';
import { closed, nullable } from '../http/schemas.ts';
import { byBody, describeDeed, describeLook } from './administrator-operation.ts';
import { done, memberEntry, memberErrors, node, role } from './cluster-schemas.ts';

export interface MemberRoutesOptions {
  readonly engine: Pick<Engine<unknown, unknown>, 'status' | 'changeMembers' | 'transferLeader'>;
  /** Places of other machines are refused: what goes between the nodes is not hidden from the network. */
  readonly loopbackOnly: boolean;
}

const changeBody = closed({
  tag: Type.String({
    pattern: '^[0-9a-f]{32}$',
    description: 'Made by chance. Names the request through its repetitions, on whatever node.',
  }),
  change: changeSchema,
});
const transferBody = closed({ node: nullable(Type.Integer({ minimum: 1, maximum: 1_000 })) });

export function addMemberRoutes(scope: FastifyInstance, options: MemberRoutesOptions): void {
  addMembers(scope, options);
  addTransfer(scope, options);
}

function addMembers(scope: FastifyInstance, options: MemberRoutesOptions): void {
  const { engine } = options;
  scope.get(
    '/admin/members',
    describeLook({
      operationId: 'clusterMembers',
      summary:
        'The nodes of the cluster, as this one knows them; how far each is, only on the one that leads.',
      answers: {
        200: closed({
          id: node,
          role,
          leader: nullable(node),
          term: Type.Integer(),
          members: Type.Array(memberEntry),
        }),
      },
    }),
    () => {
      const { id, role, leader, term, members } = engine.status();
      return { id, role, leader, term, members };
    },
  );
  const { schema, config } = describeDeed(
    {
      operationId: 'changeMembers',
      summary: 'Add, promote, replace or remove a node.',
      description:
        'Answered when the change has taken effect. The same request again, by its `tag`, is the same change.',
      body: changeBody,
      answers: { 200: done },
      errors: memberErrors,
    },
    byBody(changeBody, ({ change }) => ({
      action: `members ${change.kind}`,
      subject: `node ${change.node}`,
    })),
  );
  scope.post<{ Body: Static<typeof changeBody> }>(
    '/admin/members',
    { schema, config: { ...config, demonstration: true } },
    async ({ body }) => {
      checkPlace(body, options);
      return answer(await engine.changeMembers(body.change, body.tag));
    },
  );
}

function addTransfer(scope: FastifyInstance, { engine }: MemberRoutesOptions): void {
  const { schema, config } = describeDeed(
    {
      operationId: 'transferLeadership',
      summary:
        'Hand leadership over to a node, or (null) to the one that is furthest. No request fails over it.',
      body: transferBody,
      answers: { 200: done },
      errors: memberErrors,
    },
    byBody(transferBody, ({ node }) => ({
      action: 'transfer',
      subject: node === null ? '' : `node ${node}`,
    })),
  );
  scope.post<{ Body: Static<typeof transferBody> }>(
    '/admin/transfer',
    { schema, config: { ...config, demonstration: true } },
    async ({ body }) => answer(await engine.transferLeader(body.node)),
  );
}

function checkPlace({ change }: Static<typeof changeBody>, options: MemberRoutesOptions): void {
  if (change.kind !== 'add' || change.place === null || !options.loopbackOnly) return;
  if (isLoopback(change.place.host)) return;
  throw new CodedError(
    'BAD_REQUEST',
    `A cluster of profile "loopback-demo" has no members elsewhere: ${change.place.host} is not loopback.`,
  );
}

function answer(outcome: ChangeOutcome): Static<typeof done> {
  switch (outcome.kind) {
    case 'done':
      return { status: 'done' };
    case 'refused':
      throw new CodedError(outcome.code, outcome.text);
    case 'unknown':
      throw new CodedError('UNKNOWN_OUTCOME');
    default:
      return outcome satisfies never;
  }
}
