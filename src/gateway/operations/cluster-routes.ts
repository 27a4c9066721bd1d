/** `/admin/cluster`, `/admin/log` and `/admin/kill`: what the cluster view asks every node, behind either door. */
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance } from 'fastify';
import { CodedError } from '../../base/errors.ts';
import type { ActionRecord } from '../../chat/vocabulary/administration-types.ts';
import type { ChatView } from '../../chat/vocabulary/view.ts';
import { closed } from '../http/schemas.ts';
import { describeDeed, describeLook } from './administrator-operation.ts';
import { actionEntry, done, nodeView } from './cluster-schemas.ts';
import type { ClusterView } from './cluster-view.ts';

export interface ClusterRoutesOptions {
  readonly node: number;
  readonly clusterView: Pick<ClusterView, 'now'>;
  readonly view: Pick<ChatView, 'actions'>;
  readonly barrier: () => Promise<void>;
  /** Ends this process as a power cut would; null where nobody may: in every profile but the demonstration's. */
  readonly killSelf: (() => void) | null;
}

const linesPerPage = 100;
const logQuery = closed({
  before: Type.Optional(
    Type.Integer({ minimum: 0, description: 'The number of the last line of the page before.' }),
  ),
});

export function addClusterRoutes(scope: FastifyInstance, options: ClusterRoutesOptions): void {
  addLooks(scope, options);
  addKill(scope, options);
}

function addLooks(scope: FastifyInstance, { clusterView, view, barrier }: ClusterRoutesOptions): void {
  const ofNode = describeLook({
    operationId: 'nodeView',
    summary: 'What this node knows of itself, of the others, and of what it saw of elections.',
    description: 'Of this moment, and of this node only: it asks no other one, and needs no majority.',
    answers: { 200: nodeView },
  });
  const shown = { demonstration: true, glance: true } as const;
  scope.get('/admin/cluster', { ...ofNode, config: { ...ofNode.config, ...shown } }, (_request, reply) =>
    reply.header('cache-control', 'no-store').send(clusterView.now()),
  );
  const ofLog = describeLook({
    operationId: 'listActions',
    summary: 'What was done to the cluster, by whom, and what became of it; the newest first.',
    querystring: logQuery,
    answers: { 200: closed({ actions: Type.Array(actionEntry), more: Type.Boolean() }) },
  });
  scope.get<{ Querystring: Static<typeof logQuery> }>(
    '/admin/log',
    { ...ofLog, config: { ...ofLog.config, ...shown } },
    async ({ query: { before = Number.MAX_SAFE_INTEGER } }) => {
      await barrier();
      const older = view.actions().filter(({ number }) => number < before);
      // Newest first: what is asked for first.
      const actions = older.slice(-linesPerPage).reverse().map(shownAction);
      return { actions, more: older.length > actions.length };
    },
  );
}

/** Of what the state holds, what a line says. */
function shownAction(record: ActionRecord): ActionRecord {
  const { number, by, action, subject, node, beganMs, endedMs, outcome, times } = record;
  return { number, by, action, subject, node, beganMs, endedMs, outcome, times };
}

function addKill(scope: FastifyInstance, { node, killSelf }: ClusterRoutesOptions): void {
  const { schema, config } = describeDeed(
    {
      operationId: 'killNode',
      summary: 'End this node as a power cut would, in the profile "loopback-demo" only.',
      answers: { 200: done },
    },
    () => ({ action: 'kill', subject: `node ${node}` }),
  );
  scope.post('/admin/kill', { schema, config: { ...config, demonstration: true } }, (_request, reply) => {
    if (killSelf === null) {
      throw new CodedError('DENIED', 'A node kills itself in the profile "loopback-demo" only.');
    }
    // The answer is the last that leaves this process.
    reply.raw.once('close', killSelf);
    return reply.header('connection', 'close').send({ status: 'done' });
  });
}
