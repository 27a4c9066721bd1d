/** The edge of one node, wired together: who may ask what (service), through which ports, and how answers and events go out. */
import type { WebSocket } from 'ws';
import type { Clock } from '../base/clock.ts';
import { type ClusterConfig, isLoopback, nodeConfig } from '../base/config.ts';
import { limits } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import type { Random } from '../base/prng.ts';
import { encodeProposal } from '../chat/codec.ts';
import type { ChatEvent, ChatView, CursorAdvance, Result } from '../chat/types.ts';
import { Cursors } from '../delivery/cursors.ts';
import { Hub } from '../delivery/hub.ts';
import { Presence } from '../delivery/presence.ts';
import { encodeNative } from '../protocol/native-codec.ts';
import type { Engine, PeerBus } from '../replication/engine.ts';
import { ChatPort } from './chat-port.ts';
import { Counters } from './counters.ts';
import { ChildHasher, type Hasher } from './hasher.ts';
import type { HistoryStore } from './history.ts';
import { buildHttp } from './http.ts';
import type { LineOutput, LineSession, OpenSession } from './line-connection.ts';
import { asDialect, type LineDialect } from './line-dialects.ts';
import { listen } from './listen.ts';
import { Metrics } from './metrics.ts';
import { NativeSession } from './native-session.ts';
import { PipeSession } from './pipe-session.ts';
import type { Policy } from './policy.ts';
import { Service } from './service.ts';
import type { Delivery } from './subscription.ts';

export interface GatewayOptions {
  readonly config: ClusterConfig;
  /** Number of this node in the configuration. */
  readonly node: number;
  readonly engine: Engine<Result, ChatEvent>;
  readonly bus: PeerBus;
  readonly view: ChatView;
  readonly store: HistoryStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** For tests; otherwise a child process. */
  readonly hasher?: Hasher;
}

export interface Gateway {
  /** Binds the node's chat and HTTP ports. Rejects with `CodedError` PORT_IN_USE, naming the port. */
  listen(): Promise<{ readonly chatPort: number; readonly httpPort: number }>;
  /** Reads no more requests, answers those under way, says goodbye, closes. The engine must still run. */
  stop(): Promise<void>;
}

const shortPasswordChars = 1;
const safePasswordChars = 8;

export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  return new NodeGateway(options);
}

class NodeGateway implements Gateway {
  readonly #options: GatewayOptions;
  readonly #counters = new Counters();
  readonly #hasher: Hasher;
  readonly #delivery: Delivery;
  readonly #service: Service;
  readonly #metrics: Metrics;
  readonly #chatPorts: readonly { readonly port: number; readonly server: ChatPort }[];
  readonly #http: ReturnType<typeof buildHttp>;
  readonly #natives = new Set<NativeSession>();
  readonly #unsubscribe: readonly (() => void)[];

  constructor(options: GatewayOptions) {
    const { engine, clock, random, logger, view, store, bus, config } = options;
    this.#options = options;
    this.#hasher = options.hasher ?? new ChildHasher(clock, logger);
    const cursors = new Cursors(clock, (advances) => this.#proposeCursors(advances));
    const hub = new Hub(view, engine.status().appliedIndex);
    const presence = new Presence(clock, random, bus);
    this.#delivery = { hub, view, store, clock, cursors, presence };
    this.#service = new Service({
      engine,
      view,
      store,
      presence,
      hasher: this.#hasher,
      counters: this.#counters,
      logger,
      policy: policyOf(config),
    });
    const status = (): ReturnType<typeof engine.status> => engine.status();
    this.#metrics = new Metrics({ status, counters: this.#counters, hasher: this.#hasher, hub, cursors });
    this.#chatPorts = this.#buildChatPorts();
    this.#http = this.#buildHttp();
    this.#unsubscribe = [
      engine.onApplied((applied) => hub.publish(applied)),
      engine.onReset((index) => hub.reset(index)),
      engine.onLeader((leader) => this.#announce(leader)),
    ];
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
    const natives = [...this.#natives].map((session) => session.leave());
    const lines = this.#chatPorts.map(({ server }) => server.stop());
    await this.#bounded(Promise.all([...natives, ...lines]));
    await this.#http.close();
    await this.#bounded(this.#delivery.cursors.flush());
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#delivery.cursors.stop();
    this.#delivery.presence.stop();
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
    const shared = { clock, logger, counters: this.#counters, timeouts: config.limits, open: this.#openLine };
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
    return new PipeSession(
      {
        service: this.#service,
        delivery: this.#delivery,
        counters: this.#counters,
        logger,
        options: { revealUnknownUser: config.revealUnknownUser },
      },
      output,
    );
  };

  #buildHttp(): ReturnType<typeof buildHttp> {
    const { config, node, engine, logger } = this.#options;
    const { host, chatPort } = nodeConfig(config, node);
    return buildHttp({
      status: () => engine.status(),
      metrics: this.#metrics,
      counters: this.#counters,
      logger,
      origins: originsOf(config),
      greeting: `Conclave "${config.cluster}", node ${node}. Chat: ${host}:${chatPort} (try: nc ${host} ${chatPort}, then h). State: /cluster /readyz /healthz /metrics. Native protocol: /ws.\n`,
      onSocket: (socket) => this.#openNative(socket),
    });
  }

  #openNative(socket: WebSocket): void {
    const { config, node, engine, view, clock, logger } = this.#options;
    const nodes = config.nodes.map(({ id, host, chatPort, httpPort }) => ({ id, host, chatPort, httpPort }));
    const session = new NativeSession(socket, {
      service: this.#service,
      delivery: this.#delivery,
      counters: this.#counters,
      view,
      logger,
      clock,
      node,
      nodes,
      leader: () => engine.status().leader,
      helloMs: config.limits.silentMs,
    });
    this.#natives.add(session);
    socket.once('close', () => this.#natives.delete(session));
  }

  #announce(leader: number | null): void {
    if (leader !== null) this.#counters.leaderChanges += 1;
    const [part] = encodeNative({ ev: 'leader', leader });
    if (part !== undefined) for (const session of this.#natives) session.announce(part);
  }

  async #proposeCursors(cursors: readonly CursorAdvance[]): Promise<boolean> {
    const command = encodeProposal({
      numbering: null,
      actor: null,
      command: { kind: 'advance-cursors', cursors },
    });
    const outcome = await this.#options.engine.propose(command);
    return outcome.kind === 'applied';
  }
}

function policyOf(config: ClusterConfig): Policy {
  const demonstration = config.profile === 'loopback-demo';
  return {
    singleSessions: config.sessions === 'single',
    revealUnknownUser: config.revealUnknownUser,
    publicUserList: demonstration,
    passwordMinChars: demonstration ? shortPasswordChars : safePasswordChars,
  };
}

/** Pages that members serve may speak to any member. */
function originsOf(config: ClusterConfig): readonly string[] {
  return config.nodes.flatMap(({ host, httpPort }) => {
    const names = isLoopback(host) ? [host, 'localhost', '127.0.0.1'] : [host];
    return names.map((name) => `http://${name}:${httpPort}`);
  });
}
