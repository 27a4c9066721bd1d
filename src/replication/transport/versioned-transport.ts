import { CodedError } from '../../base/errors.ts';
import type { FormatStep, Formats, Translation } from '../formats/versions.ts';
import type { Lane, PeerAddress, PeerIdentity, PeerTransport } from '../ports/peer-transport.ts';

/**
 * A transport to nodes of this version and of the one before: what is above it sees frames of this version only. A frame that cannot be told
 * in the older version counts as not sent; one that is not understood is handed on as it came, for the inbox to drop and count.
 */
export function inVersions(transport: PeerTransport, { newest, before }: Formats): PeerTransport {
  return before === null ? transport : new VersionedTransport(transport, newest, before);
}

class VersionedTransport implements PeerTransport {
  readonly #inner: PeerTransport;
  readonly #newest: number;
  readonly #step: FormatStep;
  /** Nodes with a link in the older version. */
  readonly #older = new Set<number>();

  constructor(inner: PeerTransport, newest: number, step: FormatStep) {
    this.#inner = inner;
    this.#newest = newest;
    this.#step = step;
  }

  send(node: number, lane: Lane, frame: Uint8Array): boolean {
    const told = this.#older.has(node) ? this.#step.frames.down(frame) : frame;
    return told !== null && this.#inner.send(node, lane, told);
  }

  onFrame(listener: (from: PeerIdentity, lane: Lane, frame: Uint8Array) => void): void {
    this.#inner.onFrame((from, lane, frame) => {
      const understood = this.#older.has(from.node) ? this.#step.frames.up(frame) : frame;
      listener(from, lane, understood ?? frame);
    });
  }

  onLink(listener: (peer: PeerIdentity, up: boolean) => void): void {
    this.#inner.onLink((peer, up) => {
      if (up && this.#isOlder(peer)) this.#older.add(peer.node);
      else this.#older.delete(peer.node);
      listener(peer, up);
    });
  }

  async openStream(node: number, request: Uint8Array): Promise<AsyncIterable<Uint8Array>> {
    if (!this.#older.has(node)) return this.#inner.openStream(node, request);
    const told = this.#step.requests.down(request);
    if (told === null) throw new CodedError('UNAVAILABLE', `node ${node} does not know such a stream yet`);
    return translated(await this.#inner.openStream(node, told), this.#step.answers(request), 'up');
  }

  onStream(handler: (from: PeerIdentity, request: Uint8Array) => AsyncIterable<Uint8Array>): void {
    this.#inner.onStream((from, request) => {
      if (!this.#isOlder(from)) return handler(from, request);
      const understood = this.#step.requests.up(request) ?? request;
      return translated(handler(from, understood), this.#step.answers(understood), 'down');
    });
  }

  setPeers(peers: readonly PeerAddress[]): void {
    this.#inner.setPeers(peers);
  }

  setOldest(version: number): void {
    this.#inner.setOldest?.(version);
  }

  start(): Promise<void> {
    return this.#inner.start();
  }

  stop(): Promise<void> {
    return this.#inner.stop();
  }

  alarms(): readonly string[] {
    return this.#inner.alarms?.() ?? [];
  }

  #isOlder({ versions }: PeerIdentity): boolean {
    return versions !== undefined && versions.spoken < this.#newest;
  }
}

async function* translated(
  chunks: AsyncIterable<Uint8Array>,
  translation: Translation,
  way: 'up' | 'down',
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    const told = translation[way](chunk);
    if (told === null) throw new CodedError('UNAVAILABLE', 'a stream that the other version does not know');
    yield told;
  }
}
