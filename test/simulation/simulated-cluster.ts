/** The machines with their nodes: started, ended, found damaged, started again, as an operator and `npm start` would. */
import type { ClusterConfig } from '../../src/base/config.ts';
import { nodeConfig } from '../../src/base/config.ts';
import { CodedError } from '../../src/base/errors.ts';
import type { Random } from '../../src/base/prng.ts';
import type { EngineStatus } from '../../src/replication/ports/engine.ts';
import { Machine } from './machine.ts';
import { type NodeSurroundings, ROOM, SimulatedNode } from './simulated-node.ts';
import type { Tally } from './tally.ts';

/** Until a node whose disk failed is started again, as `npm start` does. */
const RESTART_MS = 2_000;
const LOOK_FOR_ROOM_MS = 1_000;

export interface ClusterOptions {
  readonly around: NodeSurroundings;
  readonly random: Random;
  readonly events: Tally;
}

export interface Lead {
  readonly node: SimulatedNode;
  readonly status: EngineStatus;
}

export class SimulatedCluster {
  readonly machines: readonly Machine[];
  readonly #options: ClusterOptions;
  readonly #nodes = new Map<number, SimulatedNode>();
  /** Disks that were damaged on purpose: their nodes may refuse to start. */
  readonly damaged = new Set<number>();
  /** Whose state lost bits while it was in use. */
  rotten: number | null = null;
  /** Taken out of the cluster, and stopped because of it. */
  readonly removed = new Set<number>();
  onEvent: (text: string) => void = () => undefined;

  constructor(options: ClusterOptions) {
    this.#options = options;
    const { config } = options.around;
    this.machines = config.nodes.map(({ id }) => new Machine(id, options.random));
  }

  get config(): ClusterConfig {
    return this.#options.around.config;
  }

  get nodes(): readonly SimulatedNode[] {
    return [...this.#nodes.values()];
  }

  node(id: number): SimulatedNode | undefined {
    return this.#nodes.get(id);
  }

  machine(id: number): Machine {
    const machine = this.machines[id - 1];
    if (machine === undefined) throw new Error(`there is no machine ${id}`);
    return machine;
  }

  get leader(): SimulatedNode | null {
    return this.lead?.node ?? null;
  }

  /**
   * Who leads the newest term that had a leader, by its own word. Null when it leads no more: whoever still takes itself for the leader
   * of an older term, paused perhaps, may know another membership than the cluster's.
   */
  get lead(): Lead | null {
    const { newestTerm, newestLeader } = this.#options.around.watch.leaders;
    const lead = newestLeader === null ? null : leadOf(this.#nodes.get(newestLeader));
    return lead?.status.term === newestTerm ? lead : null;
  }

  start(id: number): void {
    if (this.#nodes.has(id) || this.removed.has(id)) return;
    // As `main` does: without room nothing is opened.
    if (this.machine(id).disk.faults.freeBytes < ROOM.reserveBytes) {
      this.#options.around.world.after(LOOK_FOR_ROOM_MS, 'fault', null, () => this.start(id));
      return;
    }
    const node: SimulatedNode = new SimulatedNode(this.machine(id), this.#options.around, (error) =>
      this.#failed(node, error),
    );
    this.#nodes.set(id, node);
    this.#options.events.add('node starts');
    node.start().catch((error: unknown) => this.#failed(node, error));
  }

  /** The process is killed; with `power`, so is the machine. */
  kill(id: number, power: boolean): void {
    const node = this.#nodes.get(id);
    if (node === undefined) return;
    this.#nodes.delete(id);
    node.end(!power);
    const { disk } = this.machine(id);
    if (power) disk.losePower();
    else disk.loseProcess();
  }

  /** A clean stop, awaited no longer than anything lasts. False when it was none: the disk failed meanwhile, or the node had not begun. */
  async stop(id: number): Promise<boolean> {
    const node = this.#nodes.get(id);
    if (node === undefined) return false;
    if (node.service === null) {
      this.kill(id, false);
      return false;
    }
    try {
      await node.stop();
    } catch (error) {
      this.#failed(node, error);
      return false;
    }
    // It may have failed, and ended, while it was stopping.
    return this.#nodes.get(id) === node && this.#nodes.delete(id);
  }

  wipe(id: number): void {
    this.kill(id, false);
    this.machine(id).wipe();
    this.damaged.delete(id);
    this.removed.delete(id);
    this.#options.around.watch.wiped(id);
  }

  portOf(id: number): number {
    return nodeConfig(this.config, id).httpPort;
  }

  #failed(node: SimulatedNode, error: unknown): void {
    const id = node.node;
    if (this.#nodes.get(id) !== node) return;
    this.kill(id, false);
    const { events, around } = this.#options;
    const code = error instanceof CodedError ? error.code : null;
    this.onEvent(`node ${id} stops: ${error instanceof Error ? error.message : String(error)}`);
    if (code === 'MEMBER_REMOVED') {
      this.removed.add(id);
    } else if (code === 'DISK_FAILED') {
      events.add('disk failures noticed');
      this.#restartLater(id, () => this.start(id));
    } else if (code === 'DATA_DAMAGED' && this.damaged.has(id)) {
      events.add('damage refused');
      this.#restartLater(id, () => {
        this.wipe(id);
        this.start(id);
      });
    } else {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      around.watch.found({ kind: 'contradiction', text: `node ${id} stopped itself: ${text}` });
    }
  }

  #restartLater(id: number, action: () => void): void {
    this.#options.around.world.after(RESTART_MS, 'fault', null, () => {
      if (!this.#nodes.has(id)) action();
    });
  }
}

function leadOf(node: SimulatedNode | undefined): Lead | null {
  const status = node?.engine?.status();
  return node !== undefined && status?.role === 'leader' ? { node, status } : null;
}
