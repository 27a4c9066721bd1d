/**
 * A majority whose nodes are well and hear each other serves, whatever becomes of the others, and whoever else these hear: its nodes are asked
 * for barriers, and one has to be answered every few seconds. And a leader that has such a majority is left in peace by those who do not
 * hear it (thesis §4.2.3 and §9.6); for runs in which nobody is asked to hand over.
 */
import type { Violation } from '../checkers/history.ts';
import type { DiskFaults } from './disk.ts';
import { calmPath, type PeerNetwork } from './network.ts';
import type { Place, World } from './world.ts';

/** Nothing goes wrong for a shorter time than two of these. */
const LOOK_MS = 100;
/** Until a leader that is cut off has stepped down, or is missed, and another one is elected, with some elections in vain. */
const SERVES_WITHIN_MS = 8_000;
/** What began before may still have its effect. */
const SETTLED_MS = 3_000;

/** What it has to know of the nodes. */
interface Nodes {
  readonly machines: readonly { readonly node: number }[];
  machine(id: number): { readonly disk: { readonly faults: DiskFaults } };
  node(
    id: number,
  ): { readonly host: Place; readonly service: { barrier(): Promise<void> } | null } | undefined;
}

export interface MajorityWatchOptions {
  readonly world: World;
  readonly cluster: Nodes;
  readonly peers: Pick<PeerNetwork, 'path'>;
  readonly found: (violation: Violation) => void;
}

interface Majority {
  readonly nodes: readonly number[];
  /** Since when they are well; null while they are not. */
  sinceMs: number | null;
}

export class MajorityWatch {
  readonly #options: MajorityWatchOptions;
  readonly #majorities: readonly Majority[];
  readonly #servedMs = new Map<number, number>();
  /** Lives of nodes, each with one question at a time: of one that is gone meanwhile nothing is heard. */
  readonly #asked = new WeakSet<object>();
  #leader: number | null = null;

  constructor(options: MajorityWatchOptions) {
    this.#options = options;
    const nodes = options.cluster.machines.map(({ node }) => node);
    const least = Math.floor(nodes.length / 2) + 1;
    this.#majorities = choices(nodes, least).map((chosen) => ({ nodes: chosen, sinceMs: null }));
  }

  start(): void {
    this.#options.world.after(LOOK_MS, 'client', null, () => {
      this.start();
      for (const majority of this.#majorities) this.#look(majority);
    });
  }

  /** A node leads a new term. */
  elected(node: number): void {
    const { world, found } = this.#options;
    const before = this.#leader;
    this.#leader = node;
    if (before === null) return;
    for (const majority of this.#majorities) {
      const { nodes, sinceMs } = majority;
      if (!nodes.includes(before) || sinceMs === null || world.nowMs - sinceMs < SETTLED_MS) continue;
      if (!this.#areWell(nodes)) continue;
      const text = `node ${node} is elected, although node ${before} led nodes ${nodes.join(' and ')}, which are well and hear each other since ${seconds(sinceMs)}`;
      found({ kind: 'needless-election', text });
    }
  }

  #look(majority: Majority): void {
    const { nowMs } = this.#options.world;
    const { nodes } = majority;
    if (!this.#areWell(nodes)) {
      majority.sinceMs = null;
      return;
    }
    majority.sinceMs ??= nowMs;
    const lastMs = Math.max(majority.sinceMs, ...nodes.map((node) => this.#servedMs.get(node) ?? 0));
    if (nowMs - lastMs > SERVES_WITHIN_MS) {
      const text = `nodes ${nodes.join(' and ')} are well and hear each other since ${seconds(majority.sinceMs)}, and none of them has served since ${seconds(lastMs)}`;
      this.#options.found({ kind: 'not-live', text });
    }
    for (const node of nodes) this.#ask(node);
  }

  #areWell(nodes: readonly number[]): boolean {
    const { cluster, peers } = this.#options;
    const well = nodes.every((id) => {
      const node = cluster.node(id);
      const { failing, freeBytes, slowMs } = cluster.machine(id).disk.faults;
      const isDiskWell = failing === 0 && freeBytes === Number.POSITIVE_INFINITY && slowMs.spread <= 1;
      return node?.service != null && !node.host.paused && isDiskWell;
    });
    if (!well) return false;
    return nodes.every((from) =>
      nodes.every((to) => {
        const { silent, cut, loss, leastMs } = peers.path(from, to);
        return silent + cut + loss === 0 && leastMs <= calmPath.leastMs;
      }),
    );
  }

  #ask(id: number): void {
    const { cluster, world } = this.#options;
    const node = cluster.node(id);
    if (node?.service == null || this.#asked.has(node)) return;
    this.#asked.add(node);
    const ended = (): void => void this.#asked.delete(node);
    const served = (): void => {
      this.#servedMs.set(id, world.nowMs);
      ended();
    };
    world.after(0, 'client', node.host, () => void node.service?.barrier().then(served, ended));
  }
}

function choices(from: readonly number[], count: number): readonly (readonly number[])[] {
  if (count === 0) return [[]];
  return from.flatMap((first, i) => choices(from.slice(i + 1), count - 1).map((rest) => [first, ...rest]));
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
