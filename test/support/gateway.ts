/** A gateway over real sockets on a fake cluster, and a client of lines that waits for what it expects. */
import { connect, type Socket } from 'node:net';
import { type ClusterConfig, parseConfig } from '../../src/base/config.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { seededRandom } from '../../src/base/prng.ts';
import { systemClock } from '../../src/base/system-clock.ts';
import { type Files, openFiles } from '../../src/files/files.ts';
import { filePeers } from '../../src/gateway/files/file-peers.ts';
import { createGateway, type Gateway } from '../../src/gateway/gateway.ts';
import type { GatewayOptions } from '../../src/gateway/gateway-options.ts';
import type { Hasher } from '../../src/gateway/secrets/hasher.ts';
import { FakeCluster, type FakeEngine } from './fake-engine.ts';
import { MemoryDisk } from './memory-disk.ts';

/** Passwords in plain, at once: for tests that are not about hashing. */
export class PlainHasher implements Hasher {
  readonly load = 0;
  verifications = 0;
  hashes = 0;

  async hash(password: string): Promise<string> {
    this.hashes += 1;
    return `plain ${password}`;
  }

  async verify(hash: string | null, password: string): Promise<boolean> {
    this.verifications += 1;
    return hash === `plain ${password}`;
  }

  async stop(): Promise<void> {
    await Promise.resolve();
  }
}

export const testOperatorKey = new Uint8Array(32).fill(5);

export interface TestNode {
  readonly id: number;
  readonly engine: FakeEngine;
  readonly files: Files;
  readonly disk: MemoryDisk;
  readonly gateway: Gateway;
  readonly hasher: PlainHasher;
  readonly chatPort: number;
  readonly httpPort: number;
  readonly listenerPorts: readonly number[];
}

/** As in the demonstration profile. */
export const noAddressBounds = {
  connectionsPerAddress: 0,
  newConnectionsPerAddress: 0,
  registrationsPerAddress: 0,
} as const;

type Overrides = Partial<Omit<ClusterConfig, 'cluster' | 'nodes'>>;

/** Chunks in memory; `rooms` are those of the nodes that can be asked. */
export async function openTestFiles(
  engine: FakeEngine,
  disk = new MemoryDisk(),
  rooms = new Map<number, Files>(),
): Promise<Files> {
  const open = async (to: number, question: Uint8Array): Promise<AsyncIterable<Uint8Array>> => {
    const room = rooms.get(to);
    if (room === undefined) throw new Error('no such node');
    return room.answer(question.slice());
  };
  const files = await openFiles({
    disk,
    roots: engine.machine.files,
    peers: filePeers(engine, { open }),
    clock: systemClock,
    random: seededRandom(engine.node),
    logger: silentLogger,
  });
  rooms.set(engine.node, files);
  return files;
}

/** Nodes 1 … `count` on free ports, all on one log. */
export async function startNodes(
  count: number,
  overrides: Overrides = {},
  more: Partial<GatewayOptions> | ((engine: FakeEngine) => Partial<GatewayOptions>) = {},
  listeners: readonly { readonly dialect: string; readonly port: number; readonly dialBack: boolean }[] = [],
): Promise<{ readonly cluster: FakeCluster; readonly nodes: readonly TestNode[]; stop(): Promise<void> }> {
  const cluster = new FakeCluster();
  const ids = Array.from({ length: count }, (_, at) => at + 1);
  const text = JSON.stringify({
    profile: 'loopback-demo',
    nodes: ids.map((id) => ({ id, host: '127.0.0.1', peerPort: id, chatPort: id + 10, httpPort: id + 20 })),
  });
  const parsed = parseConfig(text);
  const config = {
    ...parsed,
    plainText: ['chat', 'http'] as ('chat' | 'http')[],
    ...overrides,
    nodes: parsed.nodes.map((node) => ({ ...node, chatPort: 0, httpPort: 0, listeners: [...listeners] })),
  };
  const engines = ids.map((id) => cluster.node(id));
  const nodes: TestNode[] = [];
  const rooms = new Map<number, Files>();
  for (const engine of engines) {
    const disk = new MemoryDisk();
    const files = await openTestFiles(engine, disk, rooms);
    const hasher = new PlainHasher();
    const gateway = await createGateway({
      config,
      node: engine.node,
      engine,
      bus: engine.bus,
      view: engine.machine,
      store: engine.store,
      files,
      clock: systemClock,
      random: seededRandom(engine.node),
      logger: silentLogger,
      hasher,
      operatorKey: testOperatorKey,
      ...(typeof more === 'function' ? more(engine) : more),
    });
    nodes.push({ id: engine.node, engine, files, disk, gateway, hasher, ...(await gateway.listen()) });
  }
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.gateway.stop()));
  };
  return { cluster, nodes, stop };
}

/** The cluster says where these nodes really are: a client that lost a connection looks there. */
export function tellAddresses(nodes: readonly TestNode[]): void {
  for (const { engine } of nodes) {
    engine.setMembers(
      engine.status().members.map((member) => {
        const { httpPort = 0, chatPort = 0 } = nodes.find(({ id }) => id === member.id) ?? {};
        return { ...member, httpPort, chatPort };
      }),
    );
  }
}

/** A dumb TCP client, as `nc` is one. */
export class LineClient {
  readonly #socket: Socket;
  #text = '';
  #ended = false;
  #wake: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      this.#text += chunk;
      this.#wakeAll();
    });
    const ended = (): void => {
      this.#ended = true;
      this.#wakeAll();
    };
    socket.on('end', ended);
    socket.on('close', ended);
    socket.on('error', ended);
  }

  static async open(port: number): Promise<LineClient> {
    const socket = connect({ host: '127.0.0.1', port });
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new LineClient(socket);
  }

  send(text: string | Uint8Array): void {
    this.#socket.write(text);
  }

  /** Sends one line and takes the next `count` lines. */
  async ask(line: string, count = 1): Promise<readonly string[]> {
    this.send(`${line}\n`);
    return this.take(count);
  }

  /** The next `count` lines; rejects when the connection ends before. */
  async take(count = 1): Promise<readonly string[]> {
    const lines: string[] = [];
    while (lines.length < count) lines.push(await this.#line());
    return lines;
  }

  /** What comes until the other side ends. */
  async rest(): Promise<string> {
    while (!this.#ended) await this.#more();
    const text = this.#text;
    this.#text = '';
    return text;
  }

  finish(): void {
    this.#socket.end();
  }

  /** Reads nothing more. */
  stall(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  get ended(): boolean {
    return this.#ended;
  }

  async #line(): Promise<string> {
    for (;;) {
      const end = this.#text.indexOf('\n');
      if (end >= 0) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 1);
        return line;
      }
      if (this.#ended) throw new Error(`the connection ended; left over: ${JSON.stringify(this.#text)}`);
      await this.#more();
    }
  }

  async #more(): Promise<void> {
    await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  #wakeAll(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }
}

/** One figure of a node's /metrics. */
export async function metric(node: Pick<TestNode, 'httpPort'>, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${node.httpPort}/metrics`)).text();
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return Number(line?.split(' ').at(-1));
}

/** Until the condition holds; the test's own timeout ends it otherwise. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
