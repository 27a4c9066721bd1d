/** The edge of one node with the ports that people connect to: lines, HTTP, WebSocket. */
import { randomBytes } from 'node:crypto';
import { type ClusterConfig, isLoopback, nodeConfig } from '../base/config.ts';
import { limits } from '../base/limits.ts';
import { ChatPort } from './chat-port.ts';
import { Downloads } from './downloads.ts';
import { Edge, type EdgeOptions } from './edge.ts';
import { fileRoutes } from './file-routes.ts';
import { ChildHasher, type Hasher } from './hasher.ts';
import { buildHttp, type Operators } from './http.ts';
import { HttpSessions } from './http-session.ts';
import type { LineOutput, LineSession, OpenSession } from './line-connection.ts';
import { asDialect, type LineDialect } from './line-dialects.ts';
import { listen } from './listen.ts';
import { Metrics } from './metrics.ts';
import { OperatorGate } from './operator-gate.ts';
import { PipeSession } from './pipe-session.ts';

export interface GatewayOptions extends Omit<EdgeOptions, 'hasher' | 'turn' | 'secureBytes'> {
  /** For tests; otherwise a child process. */
  readonly hasher?: Hasher;
  /** The cluster key, by which operators are known; without it none is let in. */
  readonly operatorKey?: Uint8Array;
}

export interface Gateway {
  /** Binds the node's chat and HTTP ports. Rejects with `CodedError` PORT_IN_USE, naming the port. */
  listen(): Promise<{ readonly chatPort: number; readonly httpPort: number }>;
  /** Reads no more requests, answers those under way, says goodbye, closes. The engine must still run. */
  stop(): Promise<void>;
}

export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  return new NodeGateway(options);
}

class NodeGateway implements Gateway {
  readonly #options: GatewayOptions;
  readonly #hasher: Hasher;
  readonly #edge: Edge;
  readonly #metrics: Metrics;
  readonly #chatPorts: readonly { readonly port: number; readonly server: ChatPort }[];
  readonly #http: ReturnType<typeof buildHttp>;

  constructor(options: GatewayOptions) {
    const { engine, clock, logger } = options;
    this.#options = options;
    this.#hasher = options.hasher ?? new ChildHasher(clock, logger);
    this.#edge = new Edge({ ...options, hasher: this.#hasher, turn: setImmediate, secureBytes: randomBytes });
    const { counters, delivery } = this.#edge;
    const status = (): ReturnType<typeof engine.status> => engine.status();
    const { hub, cursors } = delivery;
    this.#metrics = new Metrics({
      status,
      counters,
      hasher: this.#hasher,
      hub,
      cursors,
      files: () => options.files.status(),
    });
    this.#chatPorts = this.#buildChatPorts();
    this.#http = this.#buildHttp();
  }

  async listen(): Promise<{ readonly chatPort: number; readonly httpPort: number }> {
    const { host, httpPort } = nodeConfig(this.#options.config, this.#options.node);
    const bound: number[] = [];
    for (const { server, port } of this.#chatPorts) bound.push(await server.listen(host, port));
    await this.#http.ready();
    const http = await listen(this.#http.server, host, httpPort, 'HTTP port');
    return { chatPort: bound[0] ?? 0, httpPort: http };
  }

  async stop(): Promise<void> {
    const lines = this.#chatPorts.map(({ server }) => server.stop());
    await this.#bounded(Promise.all([this.#edge.leave(), ...lines]));
    await this.#http.close();
    await this.#bounded(this.#edge.flush());
    this.#edge.stop();
    this.#metrics.stop();
    await this.#hasher.stop();
  }

  /** A stop waits for answers no longer than one operation may take. */
  async #bounded(work: Promise<unknown>): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#options.clock.after(limits.operationMs, resolve);
      void work.then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  #buildChatPorts(): readonly { readonly port: number; readonly server: ChatPort }[] {
    const { config, node, clock, logger } = this.#options;
    const { chatPort, listeners } = nodeConfig(config, node);
    const { counters } = this.#edge;
    const { addresses } = this.#edge.service;
    const shared = { clock, logger, counters, addresses, timeouts: config.limits, open: this.#openLine };
    return [
      { port: chatPort, server: new ChatPort({ ...shared, dialect: null }) },
      ...listeners.map(({ dialect, port }) => ({
        port,
        server: new ChatPort({ ...shared, dialect: asDialect(dialect) }),
      })),
    ];
  }

  readonly #openLine: OpenSession = (dialect: LineDialect, output: LineOutput): LineSession | null => {
    if (dialect !== 'pipe') return null;
    const { config, logger } = this.#options;
    const { service, delivery, counters } = this.#edge;
    const options = { revealUnknownUser: config.revealUnknownUser };
    return new PipeSession({ service, delivery, counters, logger, options }, output);
  };

  #buildHttp(): ReturnType<typeof buildHttp> {
    const { config, node, engine, logger, view, clock } = this.#options;
    const { host, chatPort } = nodeConfig(config, node);
    const http = buildHttp({
      status: () => engine.status(),
      metrics: this.#metrics,
      counters: this.#edge.counters,
      logger,
      origins: originsOf(config),
      greeting: `Conclave "${config.cluster}", node ${node}. Chat: ${host}:${chatPort} (try: nc ${host} ${chatPort}, then h). State: /cluster /readyz /healthz /metrics. Native protocol: /ws.\n`,
      openTicket: (address) => this.#edge.openTicket(address),
      onSocket: (socket, address, ticket) => this.#edge.openNative(socket, address, ticket),
      operators: this.#operators(),
    });
    const { service, uploads } = this.#edge;
    const downloads = new Downloads(this.#options);
    const sessions = new HttpSessions(view, () => service.barrier());
    void http.register(fileRoutes({ sessions, uploads, downloads, clock, logger }));
    return http;
  }

  #operators(): Operators | null {
    const { operatorKey: key, node, clock, engine, config } = this.#options;
    if (key === undefined) return null;
    const gate = new OperatorGate({ key, node, clock });
    const members = { engine, loopbackOnly: config.profile === 'loopback-demo' };
    return { gate, members, accounts: this.#edge.service.administration };
  }
}

/** Pages that members serve may speak to any member. */
function originsOf(config: ClusterConfig): readonly string[] {
  return config.nodes.flatMap(({ host, httpPort }) => {
    const names = isLoopback(host) ? [host, 'localhost', '127.0.0.1'] : [host];
    return names.map((name) => `http://${name}:${httpPort}`);
  });
}
