import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exitCodeFor } from '../../src/base/exit-codes.ts';
import { loadClusterKey } from '../../src/replication/transport/cluster-key.ts';
import { keyFiles } from '../../src/tls/key-directory.ts';
import { makeKeys } from '../../src/tls/key-maker.ts';
import { plainTrust, type Trust, trustKeys } from '../../src/tls/trust.ts';
import { type HttpAnswer, httpGet } from './http-get.ts';
import { type Exit, NodeProcess } from './node-process.ts';
import { PeerProxy } from './peer-proxy.ts';
import { freePorts } from './ports.ts';
import { until } from './until.ts';

export interface RealNode {
  readonly id: number;
  readonly host: string;
  readonly peerPort: number;
  readonly chatPort: number;
  readonly httpPort: number;
  /** Where it listens for its peers, behind the proxy at `peerPort`. */
  readonly peerListen?: number;
  readonly listeners?: readonly (FixedListener & { readonly port: number })[];
}

/** A port of a node that speaks one dialect only. */
export interface FixedListener {
  readonly dialect: string;
  readonly dialBack?: boolean;
}

export interface RealClusterOptions {
  readonly nodes?: number;
  /** Places for nodes beyond these, which run only when they are listed and started. */
  readonly spares?: number;
  /** A proxy stands between all nodes. */
  readonly proxied?: boolean;
  /** Keys are made, and every port speaks TLS. */
  readonly tls?: boolean;
  /** Further keys of the configuration file, such as `compaction`. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly logLevel?: string;
  /** Every node has these, on ports of its own. */
  readonly listeners?: readonly FixedListener[];
  /** Part of the directory's name. */
  readonly label?: string;
}

/** What `/cluster` of a node says, as far as it is used here. */
export interface NodeStatus {
  readonly id: number;
  readonly role: string;
  readonly term: number;
  readonly leader: number | null;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly alarms: readonly string[];
}

interface Layout {
  readonly places: readonly RealNode[];
  readonly proxy: PeerProxy | null;
  readonly listed: readonly number[];
  /** Of the configuration file, without its nodes. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly trust: Trust;
}

const readyMs = 60_000;
const startTries = 5;

/** A cluster of real node processes in a temporary directory. `dispose` it in any case. */
export class RealCluster {
  readonly root: string;
  readonly configPath: string;
  /** Spares included. */
  readonly places: readonly RealNode[];
  readonly proxy: PeerProxy | null;
  /** How clients know the nodes. */
  readonly trust: Trust;
  readonly #config: Readonly<Record<string, unknown>>;
  #listed: ReadonlySet<number>;
  readonly #logLevel: string;
  readonly #running = new Map<number, NodeProcess>();
  readonly #onExit = (): void => {
    for (const node of this.#running.values()) node.signal('SIGKILL');
  };

  private constructor(root: string, layout: Layout, logLevel: string) {
    this.root = root;
    this.configPath = join(root, 'cluster.config.json');
    this.places = layout.places;
    this.proxy = layout.proxy;
    this.#config = layout.config;
    this.trust = layout.trust;
    this.#listed = new Set(layout.listed);
    this.#logLevel = logLevel;
    process.once('exit', this.#onExit);
  }

  /** A directory with a configuration file; nothing runs yet. */
  static async prepare(options: RealClusterOptions = {}): Promise<RealCluster> {
    const { nodes = 3, spares = 0, proxied = false, config = {}, logLevel = 'info' } = options;
    const { label = 'cluster', tls = false, listeners = [] } = options;
    const places = await findPlaces(nodes + spares, listeners, proxied);
    const routes = places.map(({ id, peerPort: port, peerListen: target = 0 }) => ({ id, port, target }));
    const proxy = proxied ? await PeerProxy.open(routes) : null;
    const root = await mkdtemp(join(tmpdir(), `conclave-${label}-`));
    const listed = places.slice(0, nodes).map(({ id }) => id);
    const secured = tls ? { plainText: [] } : {};
    const file = { cluster: label, profile: 'loopback-demo', ...secured, ...config };
    const trust = tls ? await makeTrust(root, label, places) : plainTrust;
    const cluster = new RealCluster(root, { places, proxy, listed, config: file, trust }, logLevel);
    await cluster.list(listed);
    return cluster;
  }

  /** All nodes run and are ready. Starts again on other ports when a port was taken in between. */
  static async start(options: RealClusterOptions = {}): Promise<RealCluster> {
    for (let tries = 1; ; tries++) {
      const cluster = await RealCluster.prepare(options);
      try {
        for (const { id } of cluster.nodes) cluster.run(id);
        await cluster.allReady();
        return cluster;
      } catch (error) {
        const clash = cluster.#endedWith(exitCodeFor('PORT_IN_USE'));
        await cluster.dispose();
        if (!clash || tries === startTries) throw error;
      }
    }
  }

  /** Those that the configuration file lists now. */
  get nodes(): readonly RealNode[] {
    return this.places.filter(({ id }) => this.#listed.has(id));
  }

  /** Writes the configuration file anew; whoever runs has read the old one. */
  async list(ids: Iterable<number>): Promise<void> {
    this.#listed = new Set(ids);
    const nodes = this.nodes.map(({ peerListen: _own, ...node }) => node);
    await writeFile(this.configPath, JSON.stringify({ ...this.#config, nodes }, null, 2));
  }

  node(id: number): RealNode {
    const node = this.places.find((candidate) => candidate.id === id);
    if (node === undefined) throw new Error(`there is no node ${id} in this cluster`);
    return node;
  }

  /** Ids of the nodes whose process runs. */
  get runningIds(): number[] {
    return this.places.map((node) => node.id).filter((id) => this.#running.get(id)?.exit === null);
  }

  get httpAddresses(): { readonly host: string; readonly port: number }[] {
    return this.nodes.map((node) => ({ host: node.host, port: node.httpPort }));
  }

  dataPath(id: number): string {
    return join(this.root, 'data', `node-${id}`);
  }

  process(id: number): NodeProcess {
    const found = this.#running.get(id);
    if (found === undefined) throw new Error(`node ${id} was never started`);
    return found;
  }

  /** Starts a node that does not run; does not wait. */
  run(id: number): NodeProcess {
    if (this.#running.get(id)?.exit === null) throw new Error(`node ${id} runs already`);
    const node = new NodeProcess({
      id,
      configPath: this.configPath,
      dataPath: this.dataPath(id),
      logLevel: this.#logLevel,
      peerListen: this.node(id).peerListen,
    });
    this.#running.set(id, node);
    return node;
  }

  /** Until `/readyz` says 200. Rejects at once when the process ends. */
  async ready(id: number): Promise<void> {
    await until(`node ${id} is ready`, readyMs, async () => {
      const { exit } = this.process(id);
      if (exit !== null) throw new Error(`node ${id} ended: ${describe(exit)}\n${this.report(id)}`);
      return (await this.get(id, '/readyz'))?.status === 200;
    });
  }

  async allReady(): Promise<void> {
    await Promise.all(this.runningIds.map((id) => this.ready(id)));
  }

  /** Null when it does not answer. */
  get(id: number, path: string): Promise<HttpAnswer | null> {
    return httpGet(this.node(id).httpPort, path, undefined, this.trust);
  }

  /** Null when it does not answer. */
  async status(id: number): Promise<NodeStatus | null> {
    const answer = await this.get(id, '/cluster');
    return answer?.status === 200 ? (JSON.parse(answer.body) as NodeStatus) : null;
  }

  /** The status of the node that leads by its own word and by the newest term; null while there is none. */
  async leaderNow(): Promise<NodeStatus | null> {
    const all = await Promise.all(this.runningIds.map((id) => this.status(id)));
    const leaders = all.filter((status) => status?.role === 'leader');
    return leaders.reduce((a, b) => ((a?.term ?? 0) >= (b?.term ?? 0) ? a : b), null);
  }

  /** Waits for a leader, of a term after `afterTerm` if that is given. */
  async leader(afterTerm = 0, timeoutMs = readyMs): Promise<NodeStatus> {
    return until(`a leader of a term after ${afterTerm}`, timeoutMs, async () => {
      const leader = await this.leaderNow();
      return leader !== null && leader.term > afterTerm ? leader : null;
    });
  }

  /** Until every running node has applied what the leader had committed at the time of the call. */
  async converged(timeoutMs = readyMs): Promise<void> {
    const { commitIndex } = await this.leader();
    await until(`all nodes have applied ${commitIndex}`, timeoutMs, async () => {
      const all = await Promise.all(this.runningIds.map((id) => this.status(id)));
      return all.every((status) => (status?.appliedIndex ?? -1) >= commitIndex);
    });
  }

  signal(id: number, signal: NodeJS.Signals): void {
    this.process(id).signal(signal);
  }

  /** Sends the signal and waits for the end of the process. */
  end(id: number, signal: NodeJS.Signals = 'SIGKILL'): Promise<Exit> {
    return this.process(id).end(signal);
  }

  /** Starts a node that has ended, and waits until it is ready. */
  async restart(id: number): Promise<void> {
    this.run(id);
    await this.ready(id);
  }

  /** Removes the data of a node that does not run. */
  async wipe(id: number): Promise<void> {
    if (this.#running.get(id)?.exit === null) throw new Error(`node ${id} runs`);
    await rm(this.dataPath(id), { recursive: true, force: true });
  }

  /** The newest output of a node, for a report of a failure. */
  report(id: number, lines = 40): string {
    const output = this.#running.get(id)?.output ?? [];
    return output
      .map((line) => `[node ${id}] ${line}`)
      .slice(-lines)
      .join('\n');
  }

  reportAll(lines = 40): string {
    return this.places.map((node) => this.report(node.id, lines)).join('\n');
  }

  /** A clean stop of all that run. */
  async stopAll(): Promise<Exit[]> {
    for (const id of this.runningIds) this.signal(id, 'SIGCONT');
    return Promise.all(this.runningIds.map((id) => this.end(id, 'SIGTERM')));
  }

  /** Ends every process and removes the directory, unless it is to be kept for a look at a failure. */
  async dispose(options: { readonly keep?: boolean } = {}): Promise<void> {
    await Promise.all(this.runningIds.map((id) => this.end(id, 'SIGKILL')));
    await this.proxy?.close();
    process.removeListener('exit', this.#onExit);
    if (options.keep !== true) await rm(this.root, { recursive: true, force: true });
  }

  #endedWith(code: number): boolean {
    return [...this.#running.values()].some((node) => node.exit?.code === code);
  }
}

async function findPlaces(
  count: number,
  listeners: readonly FixedListener[],
  proxied: boolean,
): Promise<RealNode[]> {
  const each = 4 + listeners.length;
  const ports = await freePorts(each * count);
  return Array.from({ length: count }, (_, at) => {
    const [peerPort = 0, chatPort = 0, httpPort = 0, peerListen = 0, ...further] = ports.slice(at * each);
    return {
      id: at + 1,
      host: '127.0.0.1',
      peerPort,
      chatPort,
      httpPort,
      ...(proxied ? { peerListen } : {}),
      ...(listeners.length === 0
        ? {}
        : { listeners: listeners.map((listener, of) => ({ ...listener, port: further[of] ?? 0 })) }),
    };
  });
}

function describe(exit: Exit): string {
  return exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`;
}

/** Clients pin the key of all nodes. */
async function makeTrust(root: string, cluster: string, nodes: readonly RealNode[]): Promise<Trust> {
  const directory = join(root, 'keys');
  await makeKeys({ directory, cluster, nodes, validDays: 365, nowMs: Date.now(), mode: 'new' });
  await loadClusterKey(join(root, 'cluster.config.json'), true);
  return trustKeys(await readFile(join(directory, keyFiles.publicKey), 'utf8'));
}
