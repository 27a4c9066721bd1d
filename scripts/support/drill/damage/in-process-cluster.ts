/** Whole nodes below their gateways in one process: real files and real `level`, a network in memory, and a clock that only this program moves. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Level } from 'level';
import type { Clock, Timer } from '../../../../src/base/clock.ts';
import { KIB } from '../../../../src/base/limits.ts';
import { silentLogger } from '../../../../src/base/logger.ts';
import { seededRandom } from '../../../../src/base/prng.ts';
import { ChatMachine } from '../../../../src/chat/machine.ts';
import type { ChatEvent, Result } from '../../../../src/chat/vocabulary/types.ts';
import type { Engine } from '../../../../src/replication/ports/engine.ts';
import { createEngine } from '../../../../src/replication/raft-engine.ts';
import { openDataDirectory, withRemedy } from '../../../../src/replication/storage/data-directory.ts';
import type { OpenLevel } from '../../../../src/store/database.ts';
import type { StateStore } from '../../../../src/store/state-store.ts';
import type { RecoveredLog } from '../../../../src/wal/log-store.ts';
import { nodeDisk } from '../../../../src/wal/node-disk.ts';
import { MemoryNetwork, MemoryTransport } from '../../../../test/replication/support/memory-network.ts';
import { VirtualClock } from '../../../../test/support/virtual-clock.ts';

export const CLUSTER = 'damage-drill';

/** So small that a few hundred messages make several of each: segments, tables, compactions. */
const SEGMENT_BYTES = 8 * KIB;
const TABLE_BYTES = 32 * KIB;
const compaction = { entries: 800, bytes: 1e9, keepEntries: 200 };

const openSmallTables: OpenLevel = (path) =>
  new Level<string, Buffer>(path, {
    keyEncoding: 'utf8',
    valueEncoding: 'buffer',
    createIfMissing: false,
    writeBufferSize: TABLE_BYTES,
    maxFileSize: 2 * TABLE_BYTES,
  });

/** Its timers end with its node. */
class NodeClock implements Clock {
  readonly #clock: Clock;
  alive = true;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  wallMs(): number {
    return this.#clock.wallMs();
  }

  after(delayMs: number, action: () => void): Timer {
    return this.#clock.after(delayMs, () => {
      if (this.alive) action();
    });
  }
}

export interface InProcessNode {
  readonly id: number;
  readonly engine: Engine<Result, ChatEvent>;
  readonly machine: ChatMachine;
  readonly store: StateStore;
  /** What the log held when it was opened. */
  readonly recovered: RecoveredLog;
  readonly fatal: readonly unknown[];
  /** Cleanly, unless something was fatal. */
  stop(): Promise<void>;
}

export class InProcessCluster {
  readonly clock = new VirtualClock();
  readonly network = new MemoryNetwork(this.clock);
  readonly #root: string;
  readonly #ids: readonly number[];
  #starts = 0;

  constructor(root: string, ids: readonly number[]) {
    this.#root = root;
    this.#ids = ids;
  }

  rootOf(id: number): string {
    return join(this.#root, `node-${id}`);
  }

  /** Rejects as a node that refuses to start does. Nothing is left open then. */
  async start(id: number): Promise<InProcessNode> {
    const clock = new NodeClock(this.clock);
    const random = seededRandom(++this.#starts);
    const root = this.rootOf(id);
    const disk = nodeDisk(root);
    const { identity, log, store, discarded } = await openDataDirectory({
      cluster: CLUSTER,
      node: id,
      random53: () => Math.floor(random.fraction() * 2 ** 53),
      root,
      disk,
      clock,
      openLevel: openSmallTables,
      segmentBytes: SEGMENT_BYTES,
    });
    const recovered = { ...log.recovered };
    const machine = new ChatMachine();
    const transport = new MemoryTransport(this.network, { node: id, incarnation: identity.incarnation });
    const fatal: unknown[] = [];
    const nodes = this.#ids.map((node) => ({
      id: node,
      host: '127.0.0.1',
      peerPort: 1,
      chatPort: 1,
      httpPort: 1,
    }));
    const handle = createEngine<Result, ChatEvent>({
      node: id,
      cluster: { name: CLUSTER, nodes },
      identity,
      log,
      store,
      discarded,
      machine,
      transport,
      clock,
      random,
      logger: silentLogger,
      compaction,
      turn: (action) => void clock.after(0, action),
      onFatal: (error) => fatal.push(error),
      onRemoved: () => fatal.push(new Error('removed')),
    });
    const { engine } = handle;
    const stop = async (): Promise<void> => {
      await this.finish(engine.stop());
      transport.die();
      // Its failure, if it has one, was told before.
      await store.close().catch(() => undefined);
      clock.alive = false;
    };
    try {
      await handle.start();
    } catch (error) {
      await stop();
      throw withRemedy(error, id);
    }
    return { id, engine, machine, store, recovered, fatal, stop };
  }

  /**
   * Moves time until it holds; false when it does not within so much of the cluster's time, nor then within as much of everybody's: the files
   * are real, and on a busy machine the cluster's time is over before a slow one of them answers.
   */
  async comes(holds: () => boolean, withinMs = 30_000): Promise<boolean> {
    const endMs = this.clock.monotonicMs() + withinMs;
    while (this.clock.monotonicMs() < endMs) {
      if (holds()) return true;
      await this.clock.advance(1);
    }
    const slowEndMs = performance.now() + withinMs;
    while (performance.now() < slowEndMs) {
      if (holds()) return true;
      await delay(1);
      await this.clock.advance(1);
    }
    return holds();
  }

  async finish<Value>(promise: Promise<Value>): Promise<Value> {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    if (!(await this.comes(() => settled))) throw new Error('something never ended');
    return await promise;
  }
}
