/** Whole nodes as far as files need them: engine, chat, chunks, uploads; on memory disks, a memory network and one clock. */
import { silentLogger } from '../../../src/base/logger.ts';
import { type Random, seededRandom } from '../../../src/base/prng.ts';
import { ChatMachine } from '../../../src/chat/machine.ts';
import type { ChatEvent, Result } from '../../../src/chat/vocabulary/types.ts';
import { type Files, openFiles } from '../../../src/files/files.ts';
import { filePeers } from '../../../src/gateway/files/file-peers.ts';
import { Uploads } from '../../../src/gateway/files/uploads.ts';
import type { Engine } from '../../../src/replication/ports/engine.ts';
import { createEngine } from '../../../src/replication/raft-engine.ts';
import { openDataDirectory } from '../../../src/replication/storage/data-directory.ts';
import { MemoryNetwork, MemoryTransport } from '../../replication/support/memory-network.ts';
import { Machine, MortalClock } from '../../replication/support/test-cluster.ts';
import type { CrashPlan } from '../../support/memory-disk.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

export interface WholeNode {
  readonly id: number;
  readonly engine: Engine<Result, ChatEvent>;
  readonly chat: ChatMachine;
  readonly files: Files;
  readonly uploads: Uploads;
  readonly transport: MemoryTransport;
  readonly clock: MortalClock;
}

const quota = { fileBytes: 2 ** 30, accountBytes: 2 ** 40, clusterBytes: 2 ** 40 };
const stepMs = 5;
const patienceMs = 120_000;

export class WholeCluster {
  readonly clock = new VirtualClock();
  readonly network = new MemoryNetwork(this.clock);
  readonly ids: readonly number[];
  readonly #machines = new Map<number, Machine>();
  readonly #nodes = new Map<number, WholeNode>();
  readonly #random: Random;
  /** Nodes whose disks take no chunk. */
  readonly refusing = new Set<number>();
  #starts = 0;

  constructor(count: number, seed: number) {
    this.ids = Array.from({ length: count }, (_, at) => at + 1);
    this.#random = seededRandom(seed);
  }

  static async led(count: number, seed = 1): Promise<WholeCluster> {
    const cluster = new WholeCluster(count, seed);
    for (const id of cluster.ids) await cluster.start(id);
    await cluster.until('a leader', () => cluster.leader !== null);
    return cluster;
  }

  get nodes(): readonly WholeNode[] {
    return [...this.#nodes.values()];
  }

  get leader(): WholeNode | null {
    const led = this.nodes.filter(({ engine }) => engine.status().role === 'leader');
    return led.sort((a, b) => b.engine.status().term - a.engine.status().term)[0] ?? null;
  }

  node(id: number): WholeNode | undefined {
    return this.#nodes.get(id);
  }

  machine(id: number): Machine {
    const machine = this.#machines.get(id) ?? new Machine();
    this.#machines.set(id, machine);
    return machine;
  }

  async start(id: number): Promise<void> {
    const machine = this.machine(id);
    const clock = new MortalClock(this.clock);
    const random = seededRandom(1_000 * ++this.#starts + this.#random.below(1_000));
    const { disk } = machine;
    disk.before = async ({ kind, path }) => {
      if (kind === 'remove') machine.databases.delete(`/${path}`);
      if (kind === 'replace' && path.startsWith('files/') && this.refusing.has(id))
        throw new Error('planted');
    };
    const random53 = (): number => Math.floor(random.fraction() * 2 ** 53);
    const openLevel = (path: string): ReturnType<Machine['openLevel']> => machine.openLevel(path);
    const owner = { cluster: 'test', node: id, random53, root: '', disk, clock, openLevel };
    const directory = await openDataDirectory(owner);
    const chat = new ChatMachine();
    const { incarnation } = directory.identity;
    const transport = new MemoryTransport(this.network, { node: id, incarnation });
    const handle = createEngine<Result, ChatEvent>({
      ...directory,
      node: id,
      cluster: { name: 'test', nodes: this.ids.map((node) => ({ id: node, ...placeOf(node) })) },
      machine: chat,
      transport,
      clock,
      random,
      logger: silentLogger,
      turn: (action) => void clock.after(0, action),
      onFatal: () => undefined,
      onRemoved: () => undefined,
      mayVote: (node) => this.#nodes.get(id)?.files.hasEverything(node) ?? null,
    });
    const { engine, streams } = handle;
    const peers = filePeers(engine, streams);
    const files = await openFiles({ disk, roots: chat.files, peers, clock, random, logger: silentLogger });
    streams.onRequest((_node, question) => files.answer(question));
    const uploads = new Uploads({ engine, view: chat, files, quota });
    this.#nodes.set(id, { id, engine, chat, files, uploads, transport, clock });
    await handle.start();
    files.start();
  }

  /** kill -9 and a power cut at once. */
  crash(id: number, plan: CrashPlan = { kind: 'synced-only' }): void {
    const node = this.#nodes.get(id);
    if (node === undefined) return;
    node.clock.alive = false;
    node.transport.die();
    const machine = this.machine(id);
    machine.disk = machine.disk.crash(plan);
    this.#nodes.delete(id);
  }

  /** Another disk, an empty one. */
  wipe(id: number): void {
    this.#machines.set(id, new Machine());
  }

  stopAll(): void {
    for (const id of [...this.#nodes.keys()]) this.crash(id);
  }

  async until(what: string, holds: () => boolean): Promise<void> {
    for (let passedMs = 0; !holds(); passedMs += stepMs) {
      if (passedMs > patienceMs) throw new Error(`did not come: ${what}`);
      await this.clock.advance(stepMs);
    }
  }

  /** Null when it fails, or when the node that was asked is gone: whoever asks then asks again. */
  async attempt<Value>(asked: Promise<Value>, withinMs = 12_000): Promise<Value | null> {
    return new Promise((resolve) => {
      const timer = this.clock.after(withinMs, () => resolve(null));
      asked.then(resolve, () => resolve(null)).finally(() => timer.cancel());
    });
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.after(ms, resolve));
  }
}

function placeOf(node: number) {
  const [peerPort, chatPort, httpPort] = [7_100 + node, 7_200 + node, 7_300 + node];
  return { host: '127.0.0.1', peerPort, chatPort, httpPort };
}
