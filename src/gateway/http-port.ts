/** The HTTP port: the native protocol at `/ws`, the pages for browsers, and the endpoints of operations. Built apart from listening, so that tests need no port. */
import websocket from '@fastify/websocket';
import {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
} from 'fastify';
import type { WebSocket } from 'ws';
import { limits } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import { parseStrictJson } from '../protocol/json-scan.ts';
import type { EngineStatus } from '../replication/ports/engine.ts';
import type { Material } from '../tls/material.ts';
import type { MaterialSource } from '../tls/transport-security.ts';
import type { Ticket } from './connections/address-limits.ts';
import type { Counters } from './connections/counters.ts';
import { guardHandshakes, serverOptions } from './connections/secure-server.ts';
import { cookieName, readCookie } from './http/cookies.ts';
import { boundConnections, type HttpConnections } from './http/http-connections.ts';
import { sendProblem } from './http/problems.ts';
import { logRequests, requestIdOf } from './http/request-log.ts';
import { addPages } from './http/web-pages.ts';
import { type NativeSocket, webSocketBounds } from './native/native-socket.ts';
import { WireSocket } from './native/wire-socket.ts';
import { addBackupRoutes, type BackupRoutesOptions } from './operations/backup-routes.ts';
import { addCheckupRoute, type CheckupOptions } from './operations/checkup.ts';
import { askForToken } from './operations/operations-token.ts';
import { addOperatorRoutes, type OperatorGate } from './operations/operator-gate.ts';
import { addSharedOperations, type SharedOperations } from './operations/shared-operations.ts';
import { addTransferRoutes, type TransferRoutesOptions } from './transfer/transfer-routes.ts';

export interface HttpOptions {
  readonly status: () => EngineStatus;
  /** The metrics as Prometheus reads them. */
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  readonly counters: Counters;
  readonly logger: Logger;
  /** Null: plain text. */
  readonly tls: MaterialSource<Material> | null;
  /** Connections from one address, beside WebSockets; 0: no limit. */
  readonly connectionsPerAddress: number;
  /** Origins of the members' own pages; any other page's WebSocket is refused. */
  readonly origins: () => readonly string[];
  /** One line for whoever comes to `/` without a browser. */
  readonly greeting: string;
  /** Where the pages for browsers are; where `npm install` builds them if left out. */
  readonly root?: string;
  /** The slash dialect at `/slash`. */
  readonly onSlash: (socket: WebSocket, address: string, ticket: Ticket) => void;
  readonly onSocket: (socket: NativeSocket, address: string, ticket: Ticket) => void;
  /** Counts a connection of the native protocol, before its upgrade. */
  readonly openTicket: (address: string) => Ticket;
  /** Asked for at `/metrics` and `/cluster`; null: they are open, as on loopback. */
  readonly operationsToken: string | null;
  /** Null: no operator is let in. */
  readonly operators: Operators | null;
}

export interface Operators extends SharedOperations {
  readonly gate: OperatorGate;
  readonly transfer: TransferRoutesOptions;
  readonly backup: BackupRoutesOptions | null;
  readonly checkup: CheckupOptions | null;
}

/** Until the whole of a request must have come, whoever it is from. */
const requestMs = 60_000;
/** Until its head must have come; how long a connection may wait for the next one; and how often both are looked at. */
const headMs = 10_000;
const keepAliveMs = 15_000;
const lookMs = 5_000;

export function buildHttp(options: HttpOptions): FastifyInstance {
  const { app, connections } = createApp(options);
  logRequests(app, options.logger);
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500)
      options.logger.error({ request: request.id, cause: error.message }, 'an HTTP request failed');
    void reply.code(status).send({ code: status >= 500 ? 'INTERNAL' : 'BAD_REQUEST' });
  });
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({ code: 'BAD_REQUEST', text: 'There is no such address.' }),
  );
  readStrictJson(app);
  const pages = addPages(app, options);
  app.get('/cluster/ui', (_request, reply) => pages.send(reply, 'cluster'));
  addOperations(app, options);
  if (options.operators !== null) addOperators(app, options.operators, options.logger);
  app.addHook('preClose', async () => connections.end());
  void app.register(websocket, {
    options: webSocketBounds,
    // Whoever was to be told that the node goes away was told: nobody's answer is waited for here.
    preClose(done) {
      for (const client of this.websocketServer.clients) client.terminate();
      this.websocketServer.close(() => done());
    },
    errorHandler: (error) => {
      // A frame over the limit, bad UTF-8, a broken connection: `ws` has begun to close with the code that says so.
      options.counters.badFrames += 1;
      options.logger.debug({ cause: error.message }, 'a native connection broke');
    },
  });
  void app.register(async (scope) => {
    const tickets: Tickets = new WeakMap();
    const onRequest = [refuseStrangers(options), takeTicket(options, tickets)];
    scope.get('/ws', { websocket: true, onRequest }, (socket, request) => {
      const ticket = tickets.get(request.raw);
      connections.leave(request.raw.socket);
      if (ticket === undefined) socket.terminate();
      else options.onSocket(new WireSocket(socket, request.raw.socket), request.ip, ticket);
    });
    scope.get('/slash', { websocket: true, onRequest }, (socket, request) => {
      const ticket = tickets.get(request.raw);
      connections.leave(request.raw.socket);
      // A dialect of lines has no token to show.
      if (ticket?.kind === 'free') options.onSlash(socket, request.ip, ticket);
      else socket.terminate();
    });
  });
  return app;
}

function createApp({ tls, counters, connectionsPerAddress }: HttpOptions): {
  readonly app: FastifyInstance;
  readonly connections: HttpConnections;
} {
  const times = { requestTimeout: requestMs, keepAliveTimeout: keepAliveMs } as const;
  const base = {
    logger: false,
    genReqId: requestIdOf,
    forceCloseConnections: true,
    bodyLimit: limits.frameBytes,
    // Of no route yet, so of no resource that could say it.
    frameworkErrors: ({ statusCode = 400 }: FastifyError, _request: FastifyRequest, reply: FastifyReply) => {
      void sendProblem(reply, 'BAD_REQUEST', 'The address is malformed or too long.', statusCode);
    },
    ...times,
  } as const;
  const heads = { headersTimeout: headMs, connectionsCheckingInterval: lookMs } as const;
  const bounds = { total: limits.httpConnections, perAddress: connectionsPerAddress };
  if (tls === null) {
    const app = fastify({ ...base, http: heads });
    return { app, connections: boundConnections(app.server, 'connection', bounds, counters) };
  }
  const app = fastify({ ...base, https: { ...serverOptions(tls), ...heads } });
  guardHandshakes(app.server, tls, counters);
  return { app, connections: boundConnections(app.server, 'secureConnection', bounds, counters) };
}

/** Every body of JSON on this port, whatever its route. */
function readStrictJson(app: FastifyInstance): void {
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    const value = parseStrictJson(String(body));
    if (value === undefined) done(Object.assign(new Error('The body is no JSON.'), { statusCode: 400 }));
    else done(null, value);
  });
}

/** Before the upgrade: pages of other sites must not speak for the person who visits them. No Origin: not a browser. */
function refuseStrangers(options: HttpOptions) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { origin, cookie } = request.headers;
    // Whatever shows a page's cookie is a browser, which always tells.
    const isUnsaid = origin === undefined && readCookie(cookie, cookieName(options.tls !== null)) !== null;
    if (isUnsaid || (origin !== undefined && !options.origins().includes(origin))) {
      await reply.code(403).send({ code: 'DENIED', text: 'This origin may not connect.' });
      return;
    }
    const { chatConnections, nativeConnections } = options.counters;
    if (chatConnections + nativeConnections < limits.connectionsPerNode) return;
    options.counters.connectionsRefused += 1;
    await reply.code(503).send({ code: 'TOO_MANY_CONNECTIONS' });
  };
}

type Tickets = WeakMap<FastifyRequest['raw'], Ticket>;

/** Before the upgrade too. The ticket ends with the connection, also with one that is never upgraded. */
function takeTicket(options: HttpOptions, tickets: Tickets) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const ticket = options.openTicket(request.ip);
    if (ticket.kind === 'refused') {
      options.counters.connectionsRefused += 1;
      await reply.code(429).send({ code: 'RATE_LIMITED' });
      return;
    }
    tickets.set(request.raw, ticket);
    request.raw.socket.once('close', () => ticket.closed());
  };
}

function addOperations(app: FastifyInstance, options: HttpOptions): void {
  const { status, metrics } = options;
  app.get('/healthz', () => ({ status: 'alive' }));
  app.get('/readyz', (_request, reply) => {
    const reason = reasonNotReady(status());
    return reply.code(reason === null ? 200 : 503).send(reason === null ? { status: 'ready' } : { reason });
  });
  const onRequest = askForToken(options);
  app.get('/cluster', { onRequest }, () => clusterOf(status()));
  app.get('/metrics', { onRequest }, async (_request, reply) => {
    const text = await metrics.text();
    return reply.type(metrics.contentType).send(text);
  });
}

function addOperators(app: FastifyInstance, operators: Operators, logger: Logger): void {
  const { gate, transfer, backup, checkup } = operators;
  // What a seal must say: whose it is and of which time. Open to all, since neither is a secret.
  app.get('/admin/hello', () => ({ node: gate.node, timeMs: gate.timeMs }));
  addOperatorRoutes(app, gate, logger, (scope) => {
    addSharedOperations(scope, operators, () => ({ kind: 'operator' }));
    addTransferRoutes(scope, transfer);
    if (backup !== null) addBackupRoutes(scope, backup);
    if (checkup !== null) addCheckupRoute(scope, checkup);
  });
}

/** Ready: a leader is known, and all that was committed when this node started is applied here. */
export function reasonNotReady(status: EngineStatus): string | null {
  if (status.leader === null) return 'no leader is known';
  if (status.startCommitIndex === null) return 'the commit index is not known yet';
  if (status.appliedIndex >= status.startCommitIndex) return null;
  return `applied ${status.appliedIndex} of ${status.startCommitIndex} entries`;
}

function clusterOf({ id, role, term, leader, commitIndex, appliedIndex, members, alarms }: EngineStatus) {
  return { id, role, term, leader, commitIndex, appliedIndex, members, alarms };
}
