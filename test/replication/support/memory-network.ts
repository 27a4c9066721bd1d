import type { Clock } from '../../../src/base/clock.ts';
import {
  formats,
  rangeOf,
  spokenVersion,
  type VersionRange,
} from '../../../src/replication/formats/versions.ts';
import type {
  Lane,
  PeerAddress,
  PeerIdentity,
  PeerTransport,
} from '../../../src/replication/ports/peer-transport.ts';

const LATENCY_MS = 1;

type FrameListener = (from: PeerIdentity, lane: Lane, frame: Uint8Array) => void;
type LinkListener = (peer: PeerIdentity, up: boolean) => void;
type StreamHandler = (from: PeerIdentity, request: Uint8Array) => AsyncIterable<Uint8Array>;

/** All links of one process, by the rules of the port: frames of a lane arrive in order, or are lost with their link. */
export class MemoryNetwork {
  readonly clock: Clock;
  readonly transports = new Map<number, MemoryTransport>();
  /** Pairs whose frames vanish silently, as behind a dead switch: "a>b". */
  readonly #deaf = new Set<string>();
  readonly #cut = new Set<string>();
  readonly #severed = new Set<string>();
  /** No copy of a state gets through. */
  blocksStreams = false;
  /** Called before each chunk of a copy, and awaited. */
  beforeChunk: () => Promise<void> = async () => undefined;
  /** Told of every frame; false drops it. */
  filter: (from: number, to: number, lane: Lane, frame: Uint8Array) => boolean = () => true;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Closes links, as a firewall that answers: both sides notice. */
  cut(a: number, b: number): void {
    this.#cut.add(pair(a, b));
    this.#unlink(a, b);
  }

  /** Their link ends, and none is made before `join`. Streams between them go on. */
  sever(a: number, b: number): void {
    this.#severed.add(pair(a, b));
    this.#unlink(a, b);
  }

  #unlink(a: number, b: number): void {
    this.transports.get(a)?.unlink(b);
    this.transports.get(b)?.unlink(a);
  }

  join(a: number, b: number): void {
    this.#cut.delete(pair(a, b));
    this.#severed.delete(pair(a, b));
    this.#deaf.delete(`${a}>${b}`);
    this.#deaf.delete(`${b}>${a}`);
    this.link(a, b);
  }

  /** Nothing arrives any more and nobody notices, in one direction. */
  deafen(from: number, to: number): void {
    this.#deaf.add(`${from}>${to}`);
  }

  isolate(node: number, how: 'cut' | 'silent'): void {
    for (const other of this.transports.keys()) {
      if (other === node) continue;
      if (how === 'cut') this.cut(node, other);
      else {
        this.deafen(node, other);
        this.deafen(other, node);
      }
    }
  }

  heal(node: number): void {
    for (const other of this.transports.keys()) if (other !== node) this.join(node, other);
  }

  passes(from: number, to: number): boolean {
    return !this.#deaf.has(`${from}>${to}`) && !this.#cut.has(pair(from, to));
  }

  link(a: number, b: number): void {
    const [one, two] = [this.transports.get(a), this.transports.get(b)];
    if (one === undefined || two === undefined || !one.running || !two.running) return;
    if (this.#cut.has(pair(a, b)) || this.#severed.has(pair(a, b)) || one.linked(b)) return;
    if (!one.knows(b) && !two.knows(a)) return;
    if (spokenVersion(one.versions, two.versions) === null) return;
    one.relink(two.as(one.versions));
    two.relink(one.as(two.versions));
  }
}

function pair(a: number, b: number): string {
  return a < b ? `${a}-${b}` : `${b}-${a}`;
}

export class MemoryTransport implements PeerTransport {
  readonly identity: PeerIdentity;
  readonly #network: MemoryNetwork;
  /** Node → number of the link's life: frames of an older life are lost. */
  readonly #links = new Map<number, number>();
  #lives = 0;
  running = false;
  #onFrame: FrameListener = () => undefined;
  #onLink: LinkListener = () => undefined;
  #onStream: StreamHandler | null = null;
  readonly #identities = new Map<number, PeerIdentity>();
  #peers: ReadonlySet<number> = new Set();

  versions: VersionRange;

  constructor(network: MemoryNetwork, identity: PeerIdentity, versions = rangeOf(formats)) {
    this.#network = network;
    this.identity = identity;
    this.versions = versions;
  }

  /** Who this is to a peer that speaks such versions. */
  as(theirs: VersionRange): PeerIdentity {
    const spoken = spokenVersion(this.versions, theirs) ?? 0;
    return { ...this.identity, versions: { spoken, newest: this.versions.newest } };
  }

  setOldest(version: number): void {
    const { oldest, newest } = this.versions;
    this.versions = { oldest: Math.min(Math.max(oldest, version), newest), newest };
    for (const [node, { versions }] of this.#identities) {
      if (versions === undefined || versions.newest >= version) continue;
      this.unlink(node);
      this.#network.transports.get(node)?.unlink(this.identity.node);
    }
  }

  onFrame(listener: FrameListener): void {
    this.#onFrame = listener;
  }

  onLink(listener: LinkListener): void {
    this.#onLink = listener;
  }

  onStream(handler: StreamHandler): void {
    this.#onStream = handler;
  }

  setPeers(peers: readonly PeerAddress[]): void {
    this.#peers = new Set(peers.map(({ id }) => id));
    if (!this.running) return;
    // As a dialer would: later, and not from within the caller.
    this.#network.clock.after(LATENCY_MS, () => {
      for (const id of this.#peers) this.#network.link(this.identity.node, id);
    });
  }

  knows(node: number): boolean {
    return this.#peers.has(node);
  }

  async start(): Promise<void> {
    this.#network.transports.set(this.identity.node, this);
    this.running = true;
    for (const other of this.#network.transports.keys()) {
      if (other !== this.identity.node) this.#network.link(this.identity.node, other);
    }
  }

  async stop(): Promise<void> {
    this.die();
  }

  /** As a killed process: its connections close a moment later. */
  die(): void {
    if (!this.running) return;
    this.running = false;
    for (const other of [...this.#links.keys()]) {
      this.#links.delete(other);
      const transport = this.#network.transports.get(other);
      const life = transport?.lifeOf(this.identity.node);
      this.#network.clock.after(LATENCY_MS, () => {
        if (transport?.lifeOf(this.identity.node) === life) transport?.unlink(this.identity.node);
      });
    }
  }

  linked(node: number): boolean {
    return this.#links.has(node);
  }

  lifeOf(node: number): number | undefined {
    return this.#links.get(node);
  }

  relink(peer: PeerIdentity): void {
    this.unlink(peer.node);
    this.#links.set(peer.node, ++this.#lives);
    this.#identities.set(peer.node, peer);
    this.#onLink(peer, true);
  }

  unlink(node: number): void {
    const peer = this.#identities.get(node);
    if (!this.#links.delete(node) || peer === undefined || !this.running) return;
    this.#onLink(peer, false);
  }

  send(node: number, lane: Lane, frame: Uint8Array): boolean {
    const life = this.#links.get(node);
    if (life === undefined || !this.running) return false;
    const to = this.#network.transports.get(node);
    const copy = frame.slice();
    if (!this.#network.filter(this.identity.node, node, lane, copy)) return true;
    this.#network.clock.after(LATENCY_MS, () => {
      if (this.#links.get(node) !== life || to === undefined || !to.running) return;
      if (this.#network.passes(this.identity.node, node)) to.receive(this.identity, lane, copy);
    });
    return true;
  }

  receive(from: PeerIdentity, lane: Lane, frame: Uint8Array): void {
    this.#onFrame(from, lane, frame);
  }

  async openStream(node: number, request: Uint8Array): Promise<AsyncIterable<Uint8Array>> {
    const to = this.#network.transports.get(node);
    if (to === undefined || !to.running || !this.linked(node)) throw new Error('no link');
    if (!this.knows(node)) throw new Error('nobody said where it is');
    if (this.#network.blocksStreams) throw new Error('no copies today');
    const source = to.serve(this.as(to.versions), request);
    const isUp = (): boolean => this.running && to.running && this.#network.passes(node, this.identity.node);
    const { beforeChunk } = this.#network;
    return (async function* () {
      for await (const chunk of source) {
        await beforeChunk();
        if (!isUp()) throw new Error('the stream broke');
        yield chunk;
      }
    })();
  }

  serve(from: PeerIdentity, request: Uint8Array): AsyncIterable<Uint8Array> {
    if (this.#onStream === null) throw new Error('nobody serves streams');
    return this.#onStream(from, request);
  }
}
