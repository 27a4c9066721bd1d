/** The edge of one node with the ports that people connect to: lines, HTTP, WebSocket. */

import { randomBytes } from 'node:crypto';
import type { WebSocket } from 'ws';
import { assert } from '../base/assert.ts';
import { atMost } from '../base/at-most.ts';
import type { Timer } from '../base/clock.ts';
import { isLoopback, nodeConfig } from '../base/config.ts';
import { limits } from '../base/limits.ts';
import { isPlainText, type PortKind } from '../base/transport-config.ts';
import type { EngineStatus } from '../replication/ports/engine.ts';
import type { Material } from '../tls/material.ts';
import type { MaterialSource } from '../tls/transport-security.ts';
import { api } from './api/api.ts';
import { Bots, type BotsOptions } from './bots/bots.ts';
import type { Ticket } from './connections/address-limits.ts';
import { listen } from './connections/listen.ts';
import { Edge } from './edge.ts';
import { Downloads } from './files/downloads.ts';
import type { GatewayOptions } from './gateway-options.ts';
import { buildHttp } from './http-port.ts';
import { ChatPort } from './lines/chat-port.ts';
import { Dialects, type Listener, sharedListener } from './lines/dialects/open.ts';
import { asDialect } from './lines/errors.ts';
import { FrameLines } from './lines/frame-lines.ts';
import { GroupPorts } from './lines/group-ports.ts';
import { UpgradeDoor } from './lines/upgrade-door.ts';
import { ActionJournal } from './operations/action-journal.ts';
import { ClusterChronicle } from './operations/cluster-chronicle.ts';
import { ClusterView } from './operations/cluster-view.ts';
import { Metrics } from './operations/metrics.ts';
import { operationsToken } from './operations/operations-token.ts';
import type { SharedOperations } from './operations/shared-operations.ts';
import { assembleOperators } from './operators.ts';
import { policyOf } from './requests/policy.ts';
import { ChildHasher, type Hasher } from './secrets/hasher.ts';
import { HookSecrets } from './secrets/hook-secrets.ts';

export interface BoundPorts {
  readonly chatPort: number;
  readonly httpPort: number;
  /** Of the listeners, in the order of the configuration. */
  readonly listenerPorts: readonly number[];
}

export interface Gateway {
  /** Whether anybody may be connected to another node, as far as it is known here. */
  mayHaveReaders(node: number): boolean;
  /** Binds the node's chat and HTTP ports. Rejects with `CodedError` PORT_IN_USE, naming the port. */
  listen(): Promise<BoundPorts>;
  /** Reads no more requests, answers those under way, says goodbye, closes. The engine must still run. */
  stop(): Promise<void>;
}

export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  return new NodeGateway(options);
}

/** Between two looks at connections that came while the port was being closed. */
const closeAgainMs = 50;

class NodeGateway implements Gateway {
  readonly #options: GatewayOptions;
  readonly #hasher: Hasher;
  readonly #hooks: BotsOptions['hooks'];
  readonly #edge: Edge;
  readonly #bots: Bots;
  readonly #metrics: Metrics;
  readonly #clusterView: ClusterView;
  readonly #dialects: Dialects;
  readonly #frameLines = new Set<FrameLines>();
  #stopping = false;
  readonly #chatPorts: readonly { readonly port: number; readonly server: ChatPort }[];
  readonly #groupPorts: GroupPorts;
  readonly #http: ReturnType<typeof buildHttp>;

  constructor(options: GatewayOptions) {
    const { clock, logger } = options;
    this.#options = options;
    this.#hasher = options.hasher ?? new ChildHasher(clock, logger);
    this.#hooks = hooksOf(options);
    const ports = { hasher: this.#hasher, turn: setImmediate, secureBytes: randomBytes, hooks: this.#hooks };
    this.#edge = new Edge({ ...options, ...ports });
    const { counters, delivery } = this.#edge;
    const { service } = this.#edge;
    const cluster = options.config.cluster;
    this.#bots = new Bots({ ...options, cluster, delivery, service, counters, hooks: this.#hooks });
    const status = (): EngineStatus => this.#status();
    const { hub, cursors } = delivery;
    this.#metrics = new Metrics({
      status,
      counters,
      hasher: this.#hasher,
      hub,
      cursors,
      files: () => options.files.status(),
      certificates: () => options.security?.expiries() ?? [],
      peerRefusals: () => options.peerRefusals?.() ?? {},
      storage: options.storage ?? null,
      searchMissing: () => options.search?.missing ?? null,
    });
    this.#clusterView = this.#buildClusterView();
    this.#dialects = this.#buildDialects();
    this.#chatPorts = this.#buildChatPorts();
    this.#groupPorts = this.#buildGroupPorts();
    this.#http = this.#buildHttp();
  }

  mayHaveReaders(node: number): boolean {
    return this.#edge.delivery.presence.mayBeOn(node);
  }

  async listen(): Promise<BoundPorts> {
    const { host, httpPort } = nodeConfig(this.#options.config, this.#options.node);
    const bound: number[] = [];
    for (const { server, port } of this.#chatPorts) bound.push(await server.listen(host, port));
    await this.#http.ready();
    const http = await listen(this.#http.server, host, httpPort, 'HTTP port');
    const [chatPort = 0, ...listenerPorts] = bound;
    this.#groupPorts.start();
    this.#bots.start();
    this.#tellOfSlash(host, listenerPorts);
    return { chatPort, httpPort: http, listenerPorts };
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    for (const lines of this.#frameLines) lines.stop();
    const lines = [
      ...this.#chatPorts.map(({ server }) => server.stop()),
      this.#groupPorts.stop(),
      ...[...this.#frameLines].map(({ closed }) => closed),
    ];
    await this.#bounded(Promise.all([this.#edge.leave(), this.#bots.stop(), ...lines]));
    await this.#closeHttp();
    await this.#bounded(this.#edge.flush());
    this.#edge.stop();
    this.#metrics.stop();
    this.#clusterView.stop();
    await this.#hasher.stop();
  }

  /** A connection that was accepted at the last moment and has asked nothing would be waited for until its time is over. */
  async #closeHttp(): Promise<void> {
    const { clock } = this.#options;
    let timer: Timer | null = null;
    const closeAll = (): void => {
      this.#http.server.closeAllConnections();
      timer = clock.after(closeAgainMs, closeAll);
    };
    timer = clock.after(closeAgainMs, closeAll);
    await this.#http.close();
    timer.cancel();
  }

  /** A stop waits for answers no longer than one operation may take. */
  #bounded(work: Promise<unknown>): Promise<void> {
    return atMost(this.#options.clock, limits.operationMs, work);
  }

  #buildChatPorts(): readonly { readonly port: number; readonly server: ChatPort }[] {
    const { config, node } = this.#options;
    const { chatPort, listeners } = nodeConfig(config, node);
    const shared = this.#chatPortOptions();
    const open = this.#dialects.at(sharedListener);
    const door = new UpgradeDoor({ ...shared, origins: () => this.#origins() });
    return [
      { port: chatPort, server: new ChatPort({ ...shared, dialect: null, open }) },
      ...listeners.map(({ dialect, port, dialBack }) => ({
        port,
        server: new ChatPort({
          ...shared,
          dialect: asDialect(dialect),
          door: asDialect(dialect) === 'slash' ? door : null,
          open: this.#dialects.at({ ...fixedListener, dialBack }),
        }),
      })),
    ];
  }

  #chatPortOptions() {
    const { config, clock, logger } = this.#options;
    const { counters, service } = this.#edge;
    const { addresses } = service;
    const tls = this.#tlsOf('chat');
    return { clock, logger, counters, addresses, timeouts: config.limits, tls, door: null };
  }

  #buildGroupPorts(): GroupPorts {
    const { config, node, clock, logger, view } = this.#options;
    const { host } = nodeConfig(config, node);
    const open = (group: string): ChatPort =>
      new ChatPort({
        ...this.#chatPortOptions(),
        dialect: 'registry',
        open: this.#dialects.at({ ...fixedListener, group }),
      });
    return new GroupPorts({ clock, logger, view, host, open });
  }

  /** In the words that people of that dialect look for. */
  #tellOfSlash(host: string, ports: readonly number[]): void {
    const { config, node, logger } = this.#options;
    const scheme = isPlainText(config, 'chat') ? 'ws' : 'wss';
    for (const [at, { dialect }] of nodeConfig(config, node).listeners.entries()) {
      if (dialect !== 'slash') continue;
      logger.info({}, `WebSocket server started and listening on ${scheme}://${host}:${ports[at]}`);
    }
  }

  #buildDialects(): Dialects {
    const { config, node, clock, logger, view } = this.#options;
    const { service, delivery, counters } = this.#edge;
    const { host, chatPort } = nodeConfig(config, node);
    const { revealUnknownUser, broadcastMs } = policyOf(config);
    return new Dialects(
      { clock, service, delivery, counters, logger, view },
      { clock, revealUnknownUser, broadcastMs, home: { host, port: chatPort } },
    );
  }

  /** The slash dialect in frames. */
  #openSlash(socket: WebSocket, address: string, ticket: Ticket): void {
    const { clock, config } = this.#options;
    const { counters } = this.#edge;
    counters.chatConnections += 1;
    const lines = new FrameLines(socket, {
      clock,
      timeouts: config.limits,
      dialect: 'slash',
      open: this.#dialects.at(fixedListener),
      address,
      ticket,
    });
    this.#frameLines.add(lines);
    if (this.#stopping) lines.stop();
    void lines.closed.then(() => {
      counters.chatConnections -= 1;
      this.#frameLines.delete(lines);
    });
  }

  #status(): EngineStatus {
    const { engine, security } = this.#options;
    const status = engine.status();
    const alarms = [...(security?.alarms() ?? []), ...this.#groupPorts.alarms(), ...this.#bots.alarms()];
    return alarms.length === 0 ? status : { ...status, alarms: [...status.alarms, ...alarms] };
  }

  #buildClusterView(): ClusterView {
    const { config, clock, engine, bus, view } = this.#options;
    const { counters, delivery } = this.#edge;
    return new ClusterView({
      cluster: config.cluster,
      profile: config.profile,
      clock,
      status: () => this.#status(),
      counters,
      subscribers: () => delivery.hub.subscribers,
      accounts: () => view.accounts().length,
      chronicle: new ClusterChronicle({ clock, engine, bus }),
    });
  }

  #tlsOf(port: PortKind): MaterialSource<Material> | null {
    const { config, security } = this.#options;
    if (isPlainText(config, port)) return null;
    const tls = security?.server ?? null;
    assert(tls !== null, `there is a certificate for the ${port} port`);
    return tls;
  }

  #buildHttp(): ReturnType<typeof buildHttp> {
    const { config, node, logger } = this.#options;
    const { host, chatPort } = nodeConfig(config, node);
    const operators = assembleOperators(this.#options, {
      edge: this.#edge,
      hasher: this.#hasher,
      clusterView: this.#clusterView,
    });
    const http = buildHttp({
      status: () => this.#status(),
      metrics: this.#metrics,
      counters: this.#edge.counters,
      logger,
      tls: this.#tlsOf('http'),
      connectionsPerAddress: policyOf(config).httpConnectionsPerAddress,
      origins: () => this.#origins(),
      greeting: `Conclave "${config.cluster}", node ${node}. Chat: ${host}:${chatPort} (${isPlainText(config, 'chat') ? `try: nc ${host} ${chatPort}` : 'TLS'}, then h). State: /cluster /readyz /healthz /metrics. Native protocol: /ws.\n`,
      openTicket: (address) => this.#edge.openTicket(address),
      onSlash: (socket, address, ticket) => this.#openSlash(socket, address, ticket),
      onSocket: (socket, address, ticket) => this.#edge.openNative(socket, address, ticket),
      operationsToken: this.#operationsToken(),
      operators,
    });
    void http.register(this.#api(operators));
    return http;
  }

  #api(operations: SharedOperations | null): ReturnType<typeof api> {
    const { config, node, logger, view, clock } = this.#options;
    const { service, uploads } = this.#edge;
    return api({
      service,
      view,
      uploads,
      downloads: new Downloads(this.#options),
      streams: this.#bots.streams,
      hooks: this.#hooks,
      origins: () => this.#origins(),
      isSecure: !isPlainText(config, 'http'),
      requestsPerAddress: policyOf(config).httpRequestsPerAddress,
      clock,
      logger,
      secureBytes: randomBytes,
      journal: new ActionJournal({ node, clock, logger, proposeOwn: service.proposeOwn }),
      isDemonstration: config.profile === 'loopback-demo',
      operations,
    });
  }

  #origins(): readonly string[] {
    const { config, node, engine } = this.#options;
    const members = [nodeConfig(config, node), ...engine.status().members];
    return [...originsOf(members, !isPlainText(config, 'http')), ...config.origins];
  }

  /** Strangers cannot reach a loopback address. */
  #operationsToken(): string | null {
    const { operatorKey, config, node } = this.#options;
    if (isLoopback(nodeConfig(config, node).host)) return null;
    assert(operatorKey !== undefined, 'a node that strangers can reach has the cluster key');
    return operationsToken(operatorKey);
  }
}

const fixedListener: Listener = { ...sharedListener, fixed: true };

/** Every node with the cluster key knows the secrets. */
function hooksOf({ operatorKey, config }: GatewayOptions): BotsOptions['hooks'] {
  if (operatorKey === undefined) return null;
  const rules = { allowPrivate: policyOf(config).privateWebhooks };
  return { secrets: new HookSecrets(operatorKey), rules };
}

/** Pages that members serve may speak to any member. */
function originsOf(
  members: readonly { readonly host: string; readonly httpPort: number }[],
  isSecure: boolean,
): readonly string[] {
  const scheme = isSecure ? 'https' : 'http';
  return members.flatMap(({ host, httpPort }) => {
    const names = isLoopback(host) ? [host, 'localhost', '127.0.0.1'] : [host];
    return names.map((name) => `${scheme}://${name.includes(':') ? `[${name}]` : name}:${httpPort}`);
  });
}
