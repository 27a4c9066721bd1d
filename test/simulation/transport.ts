/** What one process sees of the network between the nodes. */
import type { Lane, PeerIdentity, PeerTransport } from '../../src/replication/ports/peer-transport.ts';
import type { Host } from './host.ts';
import type { LinkedProcess, PeerLink } from './peer-link.ts';

type StreamHandler = (from: PeerIdentity, request: Uint8Array) => AsyncIterable<Uint8Array>;

/** After this time a reader of a stream that says nothing gives it up. */
const STREAM_SILENCE_MS = 5_000;

/** After this time a connection that was closed on the other side, unheard, ends here too. */
const DEAD_STREAM_MS = 8_000;

interface Served {
  readonly reader: number;
  readonly end: () => void;
}

/** What a process asks of the network between the nodes. */
export interface Wires {
  transport(node: number): SimulatedTransport | undefined;
  started(transport: SimulatedTransport): void;
  ended(transport: SimulatedTransport, heard: boolean): void;
  connect(a: number, b: number): void;
  carry(link: PeerLink, from: SimulatedTransport, to: number, lane: Lane, frame: Uint8Array): void;
  /** Null while nothing passes. */
  streamDelayMs(from: number, to: number): number | null;
}

export class SimulatedTransport implements PeerTransport, LinkedProcess {
  readonly identity: PeerIdentity;
  readonly host: Host;
  readonly #network: Wires;
  readonly #links = new Map<number, PeerLink>();
  /** Links to machines that are gone without a word. */
  readonly #abandoned = new Map<PeerLink, () => void>();
  /** Streams that others read. */
  readonly #served = new Set<Served>();
  #running = false;
  #onFrame: (from: PeerIdentity, lane: Lane, frame: Uint8Array) => void = () => undefined;
  #onLink: (peer: PeerIdentity, up: boolean) => void = () => undefined;
  #onStream: StreamHandler | null = null;

  constructor(network: Wires, host: Host, identity: PeerIdentity) {
    this.#network = network;
    this.host = host;
    this.identity = identity;
  }

  onFrame(listener: (from: PeerIdentity, lane: Lane, frame: Uint8Array) => void): void {
    this.#onFrame = listener;
  }

  onLink(listener: (peer: PeerIdentity, up: boolean) => void): void {
    this.#onLink = listener;
  }

  onStream(handler: StreamHandler): void {
    this.#onStream = handler;
  }

  /** Every machine can reach every other one: who may come in is the engine's matter. */
  setPeers(): void {
    return;
  }

  async start(): Promise<void> {
    this.#running = true;
    this.#network.started(this);
  }

  async stop(): Promise<void> {
    this.end(true);
  }

  /** The process is over. `heard`: its connections are closed, as the platform does for a process that ends. */
  end(heard: boolean): void {
    if (!this.#running) return;
    this.#running = false;
    this.#network.ended(this, heard);
  }

  linked(peer: PeerIdentity, link: PeerLink): void {
    if (!this.#running) return;
    for (const [gone, giveUp] of this.#abandoned) {
      if (gone.joins(peer.node)) giveUp();
    }
    if (this.#links.has(peer.node)) {
      for (const served of this.#served) if (served.reader === peer.node) this.#endServed(served);
      this.#onLink(peer, false);
    }
    this.#links.set(peer.node, link);
    this.#onLink(peer, true);
  }

  unlinked(peer: PeerIdentity, link: PeerLink): void {
    this.#abandoned.delete(link);
    if (this.#links.get(peer.node) !== link) return;
    this.#links.delete(peer.node);
    if (!this.#running) return;
    for (const served of this.#served) if (served.reader === peer.node) this.#endServed(served);
    this.#onLink(peer, false);
    this.#network.connect(this.identity.node, peer.node);
  }

  abandoned(link: PeerLink, giveUp: () => void): void {
    this.#abandoned.set(link, giveUp);
    this.host.world.after(8_000, 'link', this.host, () => {
      if (this.#abandoned.has(link)) giveUp();
    });
  }

  send(node: number, lane: Lane, frame: Uint8Array): boolean {
    const link = this.#links.get(node);
    if (link === undefined || !this.#running) return false;
    if (!this.#abandoned.has(link)) this.#network.carry(link, this, node, lane, frame);
    return true;
  }

  receive(from: PeerIdentity, lane: Lane, frame: Uint8Array): void {
    if (this.#running) this.#onFrame(from, lane, frame);
  }

  async openStream(node: number, request: Uint8Array): Promise<AsyncIterable<Uint8Array>> {
    const server = this.#network.transport(node);
    if (server === undefined || !this.#links.has(node)) throw new Error('no link');
    const iterator = server.#serve(this.identity, request)[Symbol.asyncIterator]();
    const served = { reader: this.identity.node, end: () => void iterator.return?.() };
    server.#served.add(served);
    const take = async (): Promise<IteratorResult<Uint8Array>> => {
      if (!server.#served.has(served)) throw new Error('the stream broke');
      return await iterator.next();
    };
    const next = (): Promise<IteratorResult<Uint8Array>> => this.#ask(server, take);
    const close = async (): Promise<IteratorResult<Uint8Array>> => {
      this.#tellEnd(server, () => server.#endServed(served));
      return { done: true, value: undefined };
    };
    return { [Symbol.asyncIterator]: () => ({ next, return: close }) };
  }

  #serve(from: PeerIdentity, request: Uint8Array): AsyncIterable<Uint8Array> {
    if (this.#onStream === null) throw new Error('nobody serves streams');
    return this.#onStream(from, request);
  }

  #endServed(served: Served): void {
    if (this.#served.delete(served)) served.end();
  }

  /** A connection that is closed on one side ends on the other, at the latest when the platform gives it up. */
  #tellEnd(server: SimulatedTransport, action: () => void): void {
    const delayMs = this.#network.streamDelayMs(this.identity.node, server.identity.node);
    this.host.world.after(delayMs ?? DEAD_STREAM_MS, 'stream', server.host, action);
  }

  /** One chunk, there and back. */
  #ask<Value>(server: SimulatedTransport, take: () => Promise<Value>): Promise<Value> {
    return new Promise((resolve, reject) => {
      const { world } = this.host;
      const broken = (): void => reject(new Error('the stream broke'));
      const silence = world.after(STREAM_SILENCE_MS, 'stream', this.host, broken);
      const answer = (settle: () => void): void => {
        const delayMs = this.#network.streamDelayMs(server.identity.node, this.identity.node);
        if (delayMs === null || !server.#running) return;
        world.after(delayMs, 'stream', this.host, () => {
          silence.cancel();
          settle();
        });
      };
      this.#tell(server, () => {
        take().then(
          (value) => answer(() => resolve(value)),
          (error) => answer(() => reject(error)),
        );
      });
    });
  }

  #tell(server: SimulatedTransport, action: () => void): void {
    const delayMs = this.#network.streamDelayMs(this.identity.node, server.identity.node);
    if (delayMs !== null) this.host.world.after(delayMs, 'stream', server.host, action);
  }
}
