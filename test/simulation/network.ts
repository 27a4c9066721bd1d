/**
 * The network between the nodes: links come and go, frames take their time, and what one direction does the other need not do.
 *
 * A link keeps the promise of its port: the order of each lane, and no frame lost but with the link. Messages of the core are lost,
 * repeated and reordered beyond that, and other frames lost, because those who send them promise to bear it.
 */
import type { Random } from '../../src/base/prng.ts';
import type { Lane } from '../../src/replication/ports/peer-transport.ts';
import { PeerLink } from './peer-link.ts';
import type { Tally } from './tally.ts';
import type { SimulatedTransport, Wires } from './transport.ts';
import type { World } from './world.ts';

/** How frames fare from one node to another. */
export interface Path {
  /** While above 0 nothing passes, and nobody is told. Frames wait, as the platform sends them again until they are heard. */
  silent: number;
  /** While above 0 there is no connection. (Faults overlap: each is taken back by itself.) */
  cut: number;
  leastMs: number;
  spreadMs: number;
  /** Chances of a frame. */
  loss: number;
  repeat: number;
  reorder: number;
}

export const calmPath: Readonly<Path> = {
  silent: 0,
  cut: 0,
  leastMs: 0.3,
  spreadMs: 1.2,
  loss: 0,
  repeat: 0,
  reorder: 0,
};

export type Fate = 'delivered' | 'held' | 'lost' | 'repeated' | 'reordered';

/** A connection whose frames vanish is given up by the platform after this time. */
const DEAD_LINK_MS = 8_000;
const RAFT_FRAME = 0;
const STATUS_FRAME = 3;

export interface NetworkOptions {
  readonly world: World;
  readonly random: Random;
  readonly injected: Tally;
  readonly nodes: readonly number[];
}

export class PeerNetwork implements Wires {
  readonly world: World;
  readonly #random: Random;
  readonly #injected: Tally;
  readonly #paths = new Map<number, Path>();
  readonly #transports = new Map<number, SimulatedTransport>();
  readonly #links = new Map<string, PeerLink>();
  readonly #healed = new Set<number>();
  /** For a trace; null costs nothing. */
  onFrame: ((from: number, to: number, frame: Uint8Array, fate: Fate, delayMs: number) => void) | null = null;

  constructor({ world, random, injected, nodes }: NetworkOptions) {
    this.world = world;
    this.#random = random;
    this.#injected = injected;
    for (const from of nodes) {
      for (const to of nodes) {
        this.#paths.set(pathKey(from, to), { ...calmPath });
      }
    }
  }

  path(from: number, to: number): Path {
    const path = this.#paths.get(pathKey(from, to));
    if (path === undefined) throw new Error(`there is no path from ${from} to ${to}`);
    return path;
  }

  get paths(): Iterable<Path> {
    return this.#paths.values();
  }

  transport(node: number): SimulatedTransport | undefined {
    return this.#transports.get(node);
  }

  started(transport: SimulatedTransport): void {
    const { node } = transport.identity;
    this.#transports.set(node, transport);
    for (const other of this.#transports.keys()) if (other !== node) this.connect(node, other);
  }

  /** A process is gone. Its peers hear of it unless the machine went with it. */
  ended(transport: SimulatedTransport, heard: boolean): void {
    const { node } = transport.identity;
    if (this.#transports.get(node) === transport) this.#transports.delete(node);
    for (const [key, link] of this.#links) {
      if (!link.joins(node)) continue;
      if (heard) link.close(this.#delayMs(node, link.other(node)));
      else link.abandon(node);
      this.#links.delete(key);
    }
  }

  /** Connections between the two end; both sides are told soon. */
  sever(a: number, b: number): void {
    const key = linkKey(a, b);
    this.#links.get(key)?.close(0.1);
    this.#links.delete(key);
  }

  /** One more reason why nothing passes from one to the other. */
  disturb(from: number, to: number, how: 'cut' | 'silent'): void {
    this.path(from, to)[how]++;
    if (how === 'cut') this.sever(from, to);
  }

  /** One reason less. */
  undisturb(from: number, to: number, how: 'cut' | 'silent'): void {
    this.path(from, to)[how]--;
    this.reconnect(from, to);
  }

  /** Nothing is in the way any more, anywhere. */
  heal(): void {
    for (const [key, path] of this.#paths) {
      const disturbed = path.silent + path.cut > 0;
      Object.assign(path, calmPath);
      if (disturbed) this.#healed.add(key);
    }
    for (const key of this.#healed) this.reconnect(Math.floor(key / PATH_BASE), key % PATH_BASE);
    this.#healed.clear();
  }

  /** Where the way between two is free: what waited arrives, or goes with the connection. */
  reconnect(a: number, b: number): void {
    if (!this.#reachable(a, b)) return;
    if (this.#random.below(2) === 0) this.#links.get(linkKey(a, b))?.release();
    else this.sever(a, b);
    this.connect(a, b);
  }

  /** Makes a link before long, unless something is in the way by then. */
  connect(a: number, b: number): void {
    this.world.after(1 + this.#random.fraction() * 20, 'link', null, () => {
      const [one, two] = [this.#transports.get(a), this.#transports.get(b)];
      if (one === undefined || two === undefined || !this.#reachable(a, b)) return;
      const key = linkKey(a, b);
      const known = this.#links.get(key);
      if (known?.isBetween(one, two) === true) return;
      known?.close(0);
      this.#links.set(key, new PeerLink(this.world, one, two));
    });
  }

  #reachable(a: number, b: number): boolean {
    const [there, back] = [this.path(a, b), this.path(b, a)];
    return there.cut + back.cut + there.silent + back.silent === 0;
  }

  carry(link: PeerLink, from: SimulatedTransport, to: number, lane: Lane, frame: Uint8Array): void {
    const path = this.path(from.identity.node, to);
    const delayMs = this.#delayMs(from.identity.node, to);
    const fate = this.#fate(path, frame);
    this.world.note(frame.length);
    this.onFrame?.(from.identity.node, to, frame, fate, delayMs);
    if (fate === 'lost') return;
    const parcel = { from, lane, frame: frame.slice(), path };
    switch (fate) {
      case 'held':
        link.hold(() => link.deliver(parcel, this.#delayMs(from.identity.node, to)));
        this.#doom(link, from.identity.node, to);
        return;
      case 'reordered':
        link.deliverApart(parcel, delayMs + this.#random.fraction() * 100);
        return;
      case 'repeated':
        link.deliver(parcel, delayMs);
        link.deliverApart(
          parcel,
          delayMs + this.#random.fraction() * (this.#random.below(2) === 0 ? 40 : 2_000),
        );
        return;
      case 'delivered':
        link.deliver(parcel, delayMs);
    }
  }

  #fate(path: Path, frame: Uint8Array): Fate {
    if (path.silent > 0) return 'held';
    const kind = frame[1];
    if (path.loss > 0 && kind !== STATUS_FRAME && this.#random.fraction() < path.loss) {
      this.#injected.add('frames lost');
      return 'lost';
    }
    if (kind !== RAFT_FRAME) return 'delivered';
    if (path.repeat > 0 && this.#random.fraction() < path.repeat) {
      this.#injected.add('frames repeated');
      return 'repeated';
    }
    if (path.reorder > 0 && this.#random.fraction() < path.reorder) {
      this.#injected.add('frames reordered');
      return 'reordered';
    }
    return 'delivered';
  }

  #doom(link: PeerLink, from: number, to: number): void {
    if (link.doomed) return;
    link.doomed = true;
    this.world.after(DEAD_LINK_MS, 'link', null, () => {
      if (this.#links.get(linkKey(from, to)) !== link || this.path(from, to).silent === 0)
        link.doomed = false;
      else this.sever(from, to);
    });
  }

  #delayMs(from: number, to: number): number {
    const { leastMs, spreadMs } = this.path(from, to);
    return leastMs + this.#random.fraction() * spreadMs;
  }

  /** Of a stream: null while nothing passes. */
  streamDelayMs(from: number, to: number): number | null {
    const { silent, cut } = this.path(from, to);
    return silent + cut > 0 ? null : this.#delayMs(from, to);
  }
}

const PATH_BASE = 1_024;
const pathKey = (from: number, to: number): number => from * PATH_BASE + to;
const linkKey = (a: number, b: number): string => (a < b ? `${a}-${b}` : `${b}-${a}`);
