/** `/admin/cluster`, `/admin/log` and `/admin/kill`: what the cluster view asks every node, behind either door. */
import { Type } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import type { FastifyInstance } from 'fastify';
import { CodedError, errorTable } from '../../base/errors.ts';
import type { ChatView } from '../../chat/vocabulary/view.ts';
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
const logQuery = TypeCompiler.Compile(
  Type.Object(
    {
      /** Numbers below it. */
      before: Type.Optional(Type.String({ pattern: '^[0-9]{1,16}$' })),
    },
    { additionalProperties: false },
  ),
);

export function addClusterRoutes(scope: FastifyInstance, options: ClusterRoutesOptions): void {
  const { node, clusterView, view, barrier, killSelf } = options;
  scope.get('/admin/cluster', { config: { demonstration: true } }, (_request, reply) =>
    reply.header('cache-control', 'no-store').send(clusterView.now()),
  );
  scope.get('/admin/log', { config: { demonstration: true } }, async (request, reply) => {
    if (!logQuery.Check(request.query)) {
      return reply.code(400).send({ code: 'BAD_REQUEST', text: errorTable.BAD_REQUEST.text });
    }
    try {
      await barrier();
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      return reply.code(errorTable[error.code].http).send({ code: error.code, text: error.message });
    }
    const before = Number(request.query.before ?? Number.MAX_SAFE_INTEGER);
    const older = view.actions().filter(({ number }) => number < before);
    // Newest first: what is asked for first.
    const actions = older.slice(-linesPerPage).reverse();
    return reply.send({ actions, more: older.length > actions.length });
  });
  const describe = () => ({ action: 'kill', subject: `node ${node}` });
  scope.post('/admin/kill', { config: { demonstration: true, describe } }, (_request, reply) => {
    if (killSelf === null) {
      const text = 'A node kills itself in the profile "loopback-demo" only.';
      return reply.code(errorTable.DENIED.http).send({ code: 'DENIED', text });
    }
    // The answer is the last that leaves this process.
    reply.raw.once('close', killSelf);
    return reply.header('connection', 'close').send({ status: 'done' });
  });
}
