import { MemoryLevel } from 'memory-level';
import type { Clock } from '../../../src/base/clock.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { type Random, seededRandom } from '../../../src/base/prng.ts';
import { type Formats, formats, rangeOf } from '../../../src/replication/formats/versions.ts';
import type { Engine, EngineStatus, Outcome } from '../../../src/replication/ports/engine.ts';
import type { PeerTransport } from '../../../src/replication/ports/peer-transport.ts';
import { createEngine, type EngineHandle, type EngineOptions } from '../../../src/replication/raft-engine.ts';
import { openDataDirectory } from '../../../src/replication/storage/data-directory.ts';
import { inVersions } from '../../../src/replication/transport/versioned-transport.ts';
import type { StateStore } from '../../../src/store/state-store.ts';
import type { LogStore } from '../../../src/wal/log-store.ts';
import { type CrashPlan, MemoryDisk } from '../../support/memory-disk.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';
import { MemoryNetwork, MemoryTransport } from './memory-network.ts';
import { ToyMachine, type ToyResult } from './toy-machine.ts';

type Overrides = Partial<Pick<EngineOptions<ToyResult, string>, 'compaction' | 'timings' | 'hasReaders'>>;

/** Another version of the program than this one, as far as other nodes can tell. */
export interface OtherProgram {
  readonly formats: Formats;
  readonly raiseAfterMs: number;
  /** Between the engine, which is always the one of this program, and the frames of that version. */
  readonly disguise: (transport: PeerTransport) => PeerTransport;
}

/** What outlives a process: files, and the databases of the state. */
export class Machine {
  disk = new MemoryDisk();
  readonly databases = new Map<string, MemoryLevel<string, Buffer>>();

  openLevel(path: string): MemoryLevel<string, Buffer> {
    const known = this.databases.get(path);
    if (known !== undefined) return known;
    const made = new MemoryLevel<string, Buffer>({ keyEncoding: 'utf8', valueEncoding: 'buffer' });
    this.databases.set(path, made);
    // Its directory is seen, and removed with it.
    this.disk.plant(`${path.slice(1)}/database`, new Uint8Array(0));
    return made;
  }
}

/** A clock whose timers die with their process. */
export class MortalClock implements Clock {
  readonly #clock: Clock;
  alive = true;
  /** Added to the wall clock. */
  wallSkewMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  wallMs(): number {
    return this.#clock.wallMs() + this.wallSkewMs;
  }

  after(delayMs: number, action: () => void): ReturnType<Clock['after']> {
    return this.#clock.after(delayMs, () => {
      if (this.alive) action();
    });
  }
}

export interface TestNode {
  readonly id: number;
  readonly handle: EngineHandle<ToyResult, string>;
  readonly engine: Engine<ToyResult, string>;
  readonly machine: ToyMachine;
  readonly transport: MemoryTransport;
  readonly clock: MortalClock;
  readonly store: StateStore;
  readonly log: LogStore;
  readonly incarnation: number;
  readonly fatal: unknown[];
  /** Codes of the notice that this node was removed. */
  readonly removed: string[];
  readonly resets: number[];
  readonly events: string[];
}

/** Whole engines on memory disks, memory databases, a memory network and one clock that stands still until it is moved. */
export class TestCluster {
  readonly clock = new VirtualClock();
  readonly network = new MemoryNetwork(this.clock);
  readonly #machines = new Map<number, Machine>();
  readonly #nodes = new Map<number, TestNode>();
  readonly #ids: readonly number[];
  readonly #random: Random;
  readonly #overrides: Overrides;
  /** Nodes that lack something beside log and state. */
  readonly lacking = new Set<number>();
  /** Nodes of which that is not known before it is asked for the second time. */
  readonly unasked = new Set<number>();
  /** Configuration files that list others. */
  readonly files = new Map<number, readonly number[]>();
  #starts = 0;
  /** What a node runs from its next start on; this program, if nothing is said. */
  readonly programs = new Map<number, OtherProgram>();
  /** How long each sync takes, in milliseconds of the cluster's clock. */
  syncMs: (() => number) | null = null;

  constructor(count: number, overrides: Overrides = {}, seed = 1) {
    this.#ids = Array.from({ length: count }, (_, i) => i + 1);
    this.#random = seededRandom(seed);
    this.#overrides = overrides;
  }

  /** All nodes, and a leader. */
  static async led(count: number, overrides: Overrides = {}, seed = 1): Promise<TestCluster> {
    const cluster = new TestCluster(count, overrides, seed);
    for (const id of cluster.#ids) await cluster.start(id);
    await cluster.until('a leader', () => cluster.leader !== null);
    return cluster;
  }

  get ids(): readonly number[] {
    return this.#ids;
  }

  /** What the configuration file of a node lists: the founding nodes, and the node itself. */
  listed(id: number): readonly number[] {
    return this.files.get(id) ?? [...new Set([...this.#ids, id])];
  }

  machineOf(id: number): Machine {
    const machine = this.#machines.get(id) ?? new Machine();
    this.#machines.set(id, machine);
    return machine;
  }

  node(id: number): TestNode {
    const node = this.#nodes.get(id);
    if (node === undefined) throw new Error(`node ${id} does not run`);
    return node;
  }

  get nodes(): readonly TestNode[] {
    return [...this.#nodes.values()];
  }

  /** The node that leads and that a majority follows. */
  get leader(): TestNode | null {
    const led = this.nodes.filter(({ engine }) => engine.status().role === 'leader');
    const newest = led.sort((a, b) => b.engine.status().term - a.engine.status().term)[0];
    return newest ?? null;
  }

  get led(): TestNode {
    const { leader } = this;
    if (leader === null) throw new Error('nobody leads');
    return leader;
  }

  get followers(): readonly TestNode[] {
    const { leader } = this;
    return this.nodes.filter((node) => node !== leader);
  }

  async start(id: number): Promise<TestNode> {
    const node = await this.#open(id);
    this.#nodes.set(id, node);
    await node.handle.start();
    return node;
  }

  /** Opens and does not start, for what is refused. */
  async #open(id: number): Promise<TestNode> {
    const machine = this.machineOf(id);
    const clock = new MortalClock(this.clock);
    const random = seededRandom(1_000 * ++this.#starts + this.#random.below(1_000));
    const { disk } = machine;
    this.#watch(machine);
    const { identity, store, log, discarded } = await openDataDirectory({
      cluster: 'test',
      node: id,
      random53: () => Math.floor(random.fraction() * 2 ** 53),
      root: '',
      disk,
      clock,
      openLevel: (path) => machine.openLevel(path),
      segmentBytes: 65_536,
    });
    const toy = new ToyMachine();
    const program = this.programs.get(id);
    const transport = new MemoryTransport(
      this.network,
      { node: id, incarnation: identity.incarnation },
      rangeOf(program?.formats ?? formats),
    );
    const versioned = inVersions(transport, program?.formats ?? formats);
    const fatal: unknown[] = [];
    const removed: string[] = [];
    const nodes = this.listed(id).map((node) => ({
      id: node,
      host: '127.0.0.1',
      peerPort: 7_100 + node,
      chatPort: 7_200 + node,
      httpPort: 7_300 + node,
    }));
    const handle = createEngine<ToyResult, string>({
      node: id,
      cluster: { name: 'test', nodes },
      identity,
      log,
      store,
      discarded,
      disk,
      machine: toy,
      transport: program?.disguise(versioned) ?? versioned,
      ...(program === undefined
        ? {}
        : { formats: { newest: program.formats.newest, raiseAfterMs: program.raiseAfterMs } }),
      clock,
      random,
      logger: silentLogger,
      turn: (action) => void clock.after(0, action),
      onFatal: (error) => fatal.push(error),
      onRemoved: (error) => removed.push(error.code),
      mayVote: (node) => (this.unasked.delete(node) ? null : !this.lacking.has(node)),
      ...this.#overrides,
    });
    const { engine } = handle;
    const resets: number[] = [];
    const events: string[] = [];
    engine.onReset((index) => resets.push(index));
    engine.onApplied((applied) => events.push(...applied.events));
    const incarnation = identity.incarnation;
    return {
      id,
      handle,
      engine,
      machine: toy,
      transport,
      clock,
      store,
      log,
      incarnation,
      fatal,
      removed,
      resets,
      events,
    };
  }

  #watch({ disk, databases }: Machine): void {
    disk.before = async ({ kind, path }) => {
      if (kind === 'remove') databases.delete(`/${path}`);
      const waitMs = kind === 'sync' ? (this.syncMs?.() ?? 0) : 0;
      if (waitMs > 0) await new Promise<void>((resolve) => this.clock.after(waitMs, resolve));
    };
  }

  /** kill -9 and a power cut at once: only what was synced is sure to stay. */
  crash(id: number, plan: CrashPlan = { kind: 'synced-only' }): void {
    const node = this.node(id);
    node.clock.alive = false;
    node.transport.die();
    const machine = this.machineOf(id);
    machine.disk = machine.disk.crash(plan);
    this.#nodes.delete(id);
  }

  async stop(id: number): Promise<void> {
    const node = this.node(id);
    await this.finish(node.engine.stop());
    await node.store.close();
    this.#nodes.delete(id);
  }

  wipe(id: number): void {
    this.#machines.set(id, new Machine());
  }

  /** Puts another disk in. */
  restore(id: number, machine: Machine): void {
    this.#machines.set(id, machine);
  }

  /** Loses one value of the state of a node that does not run; a chunk of history is missed only when it is read. */
  async damageState(id: number, random: Random): Promise<void> {
    for (const database of this.machineOf(id).databases.values()) {
      if (database.status === 'open') await database.close();
      await database.open();
      const keys = await database.keys().all();
      const key = keys[random.below(Math.max(1, keys.length))];
      if (key !== undefined) await database.del(key);
      await database.close();
    }
  }

  async stopAll(): Promise<void> {
    for (const id of [...this.#nodes.keys()]) this.crash(id);
    await settle();
  }

  async until(what: string, holds: () => boolean, withinMs = 20_000): Promise<number> {
    const startMs = this.clock.monotonicMs();
    while (!holds()) {
      if (this.clock.monotonicMs() - startMs >= withinMs) {
        const states = this.nodes.map(({ engine }) => brief(engine.status()));
        throw new Error(`did not come: ${what}; ${states.join('; ')}`);
      }
      for (const { fatal } of this.nodes) if (fatal.length > 0) throw fatal[0];
      await this.clock.advance(1);
    }
    return this.clock.monotonicMs() - startMs;
  }

  /** Moves time until the promise settles. */
  async finish<Value>(promise: Promise<Value>, withinMs = 20_000): Promise<Value> {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    await this.until('a promise', () => settled, withinMs);
    return await promise;
  }

  async propose(id: number, text: string): Promise<Outcome<ToyResult>> {
    return await this.finish(this.node(id).engine.propose(Buffer.from(text)));
  }

  async converge(): Promise<void> {
    await this.until('all have applied the same', () => {
      const indexes = this.nodes.map(({ engine }) => engine.status().appliedIndex);
      return this.leader !== null && indexes.every((index) => index === indexes[0]);
    });
  }
}

function brief({ id, role, term, leader, commitIndex, appliedIndex }: EngineStatus): string {
  return `${id} ${role} term ${term} leader ${leader} commit ${commitIndex} applied ${appliedIndex}`;
}
