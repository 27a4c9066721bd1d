/**
 * Adapter: links with the other nodes over TCP. Of each pair the node with the lower number dials, two connections a link (lanes), and
 * streams are connections of their own. Whoever cannot prove the cluster key is closed before anything it says is parsed.
 */
import { randomBytes } from 'node:crypto';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { CodedError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { Random } from '../base/prng.ts';
import type { FrameFault } from './framing.ts';
import { type ConnectionLane, type Hello, wireVersion } from './handshake.ts';
import { type LinkListener, PeerLink } from './peer-link.ts';
import type { Lane, PeerIdentity, PeerTransport } from './ports.ts';
import {
  acceptorHandshake,
  dialerHandshake,
  HandshakeError,
  type HandshakeOptions,
  type Refusal,
  type SecureConnection,
} from './secure-connection.ts';
import { encodeStreamFrame, receiveStream } from './stream-frames.ts';

const redialFirstMs = 20;
const redialLastMs = 500;
const dialMs = 2_000;
const probeEveryMs = 1_000;
const logEveryMs = 60_000;
/** Connections that have not yet proven the key. */
const strangers = 64;

export interface TransportOptions {
  readonly cluster: string;
  readonly node: number;
  readonly incarnation: number;
  readonly host: string;
  readonly port: number;
  readonly peers: readonly { readonly id: number; readonly host: string; readonly peerPort: number }[];
  readonly key: Uint8Array;
  readonly random: Random;
  readonly logger: Logger;
  /** No peer of a majority accepts this node's key, and no link has ever been up: this node's key is wrong. */
  readonly onWrongKey: (error: CodedError) => void;
}

export interface TransportCounters {
  readonly refused: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<FrameFault, number>>;
}

export function createTcpTransport(options: TransportOptions): TcpTransport {
  return new TcpTransport(options);
}

export class TcpTransport implements PeerTransport {
  readonly #options: TransportOptions;
  readonly #server: Server;
  readonly #links = new Map<number, PeerLink>();
  /** Links of which the first lane has arrived. */
  readonly #joining = new Map<number, PeerLink>();
  readonly #sockets = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #mismatched = new Set<number>();
  readonly #probedMs = new Map<number, number>();
  readonly #loggedMs = new Map<string, number>();
  readonly #refused: Record<string, number> = {};
  readonly #faults: Record<FrameFault, number> = { length: 0, mac: 0 };
  #everLinked = false;
  #strangers = 0;
  #stopped = false;
  #onFrame: (from: PeerIdentity, lane: Lane, frame: Uint8Array) => void = () => undefined;
  #onLink: (peer: PeerIdentity, up: boolean) => void = () => undefined;
  #onStream: ((from: PeerIdentity, request: Uint8Array) => AsyncIterable<Uint8Array>) | null = null;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#server = createServer({ noDelay: true }, (socket) => void this.#accept(socket));
  }

  get counters(): TransportCounters {
    return { refused: this.#refused, faults: this.#faults };
  }

  onFrame(listener: (from: PeerIdentity, lane: Lane, frame: Uint8Array) => void): void {
    this.#onFrame = listener;
  }

  onLink(listener: (peer: PeerIdentity, up: boolean) => void): void {
    this.#onLink = listener;
  }

  onStream(handler: (from: PeerIdentity, request: Uint8Array) => AsyncIterable<Uint8Array>): void {
    this.#onStream = handler;
  }

  /** Rejects with PORT_IN_USE. */
  async start(): Promise<void> {
    const { host, port, node, peers } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) => {
        const inUse = 'code' in error && error.code === 'EADDRINUSE';
        reject(
          inUse
            ? new CodedError('PORT_IN_USE', `peer port ${host}:${port} of node ${node} is in use`)
            : error,
        );
      });
      this.#server.listen(port, host, resolve);
    });
    this.#server.on('error', (error) => this.#log('listener', error.message));
    for (const peer of peers) if (node < peer.id) this.#dialLink(peer.id, 0);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const link of this.#links.values()) link.close(true);
    for (const link of this.#joining.values()) link.close(false);
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#later(200, () => {
      for (const socket of this.#sockets) socket.destroy();
    });
    await closed;
  }

  send(node: number, lane: Lane, frame: Uint8Array): boolean {
    return this.#links.get(node)?.send(lane, frame) ?? false;
  }

  async openStream(node: number, request: Uint8Array): Promise<AsyncIterable<Uint8Array>> {
    const connection = await this.#dial(node, 'stream', newLinkId());
    const frames = receiveStream(connection);
    connection.send(encodeStreamFrame({ kind: 'data', chunk: request }));
    return frames;
  }

  // ---- accepting

  async #accept(socket: Socket): Promise<void> {
    if (this.#stopped || this.#strangers >= strangers) {
      this.#count('too-many');
      socket.destroy();
      return;
    }
    this.#track(socket);
    this.#strangers += 1;
    try {
      const connection = await acceptorHandshake(socket, this.#handshake(null));
      this.#admit(connection);
    } catch (error) {
      this.#refuse(error, true);
    } finally {
      this.#strangers -= 1;
    }
  }

  #admit(connection: SecureConnection): void {
    const { peer } = connection;
    if (this.#stopped || peer.lane === 'probe') {
      connection.end();
      connection.open(
        () => undefined,
        () => undefined,
      );
      return;
    }
    if (peer.lane === 'stream') void this.#serveStream(connection);
    else this.#join(peer, peer.lane, connection);
  }

  /** Lanes of one link carry one id; a newer id of the same peer means that it dialed anew. */
  #join(peer: Hello, lane: Lane, connection: SecureConnection): void {
    let link = this.#joining.get(peer.node);
    if (link === undefined || link.id !== peer.link || link.peer.incarnation !== peer.incarnation) {
      link?.close(false);
      link = new PeerLink({ node: peer.node, incarnation: peer.incarnation }, peer.link, this.#listener);
      this.#joining.set(peer.node, link);
    }
    link.join(lane, connection);
  }

  readonly #listener: LinkListener = {
    frame: (from, lane, frame) => this.#onFrame(from, lane, frame),
    up: (link) => {
      const { node } = link.peer;
      this.#everLinked = true;
      this.#joining.delete(node);
      this.#links.get(node)?.close(false);
      this.#links.set(node, link);
      this.#onLink(link.peer, true);
    },
    down: (link, fault) => {
      const { node } = link.peer;
      if (fault !== null) this.#faults[fault] += 1;
      if (this.#links.get(node) !== link) return;
      this.#links.delete(node);
      this.#onLink(link.peer, false);
      if (this.#options.node < node) this.#dialLink(node, 0);
    },
  };

  // ---- dialing

  #dialLink(node: number, failures: number): void {
    if (this.#stopped) return;
    const most = Math.min(redialLastMs, redialFirstMs * 2 ** failures);
    const delayMs = failures === 0 ? 0 : most / 2 + this.#options.random.fraction() * (most / 2);
    this.#later(delayMs, () => void this.#tryLink(node, failures));
  }

  async #tryLink(node: number, failures: number): Promise<void> {
    const id = newLinkId();
    const lanes: SecureConnection[] = [];
    try {
      for (const lane of ['control', 'bulk'] as const) {
        const connection = await this.#dial(node, lane, id);
        lanes.push(connection);
        this.#join({ ...connection.peer, link: id }, lane, connection);
      }
      if (lanes.some((lane) => lane.closed)) throw new HandshakeError('closed', node);
    } catch (error) {
      for (const lane of lanes) lane.destroy();
      this.#joining.get(node)?.close(false);
      this.#joining.delete(node);
      this.#refuse(error, false);
      // A link that was up and fell meanwhile has begun to dial by itself.
      if (this.#links.get(node) === undefined) this.#dialLink(node, Math.min(failures + 1, 10));
    }
  }

  async #dial(node: number, lane: ConnectionLane, link: string): Promise<SecureConnection> {
    const peer = this.#options.peers.find((candidate) => candidate.id === node);
    if (peer === undefined || this.#stopped) throw new HandshakeError('unknown-node', node);
    const socket = dial({ host: peer.host, port: peer.peerPort, noDelay: true });
    this.#track(socket);
    await new Promise<void>((resolve, reject) => {
      const timer = this.#later(dialMs, () => socket.destroy());
      socket.once('connect', resolve);
      socket.once('close', () => reject(new HandshakeError('closed', node)));
      socket.once('connect', () => this.#cancel(timer));
      socket.once('close', () => this.#cancel(timer));
    });
    socket.setKeepAlive(true, 5_000);
    return dialerHandshake(socket, this.#handshake({ node, lane, link }));
  }

  #handshake(
    dialed: { readonly node: number; readonly lane: ConnectionLane; readonly link: string } | null,
  ): HandshakeOptions {
    const { cluster, node, incarnation, key, peers } = this.#options;
    return {
      key,
      later: (delayMs, action) => {
        const timer = this.#later(delayMs, action);
        return () => this.#cancel(timer);
      },
      hello: (theirs) => ({
        conclave: wireVersion,
        cluster,
        node,
        incarnation,
        to: dialed?.node ?? theirs?.node ?? 0,
        lane: dialed?.lane ?? theirs?.lane ?? 'probe',
        link: dialed?.link ?? theirs?.link ?? newLinkId(),
        nonce: newNonce(),
      }),
      accepts: (theirs) =>
        theirs.to === node &&
        peers.some((peer) => peer.id === theirs.node) &&
        (dialed === null || theirs.node === dialed.node),
    };
  }

  // ---- streams

  async #serveStream(connection: SecureConnection): Promise<void> {
    const { node, incarnation } = connection.peer;
    // Not a loop over the requests: leaving one would close the connection before the answer has left.
    const requests = receiveStream(connection);
    try {
      const { value: request } = await requests.next();
      if (request === undefined || this.#onStream === null) throw new CodedError('UNAVAILABLE');
      for await (const chunk of this.#onStream({ node, incarnation }, request)) {
        connection.send(encodeStreamFrame({ kind: 'data', chunk }));
        await connection.drained();
        if (connection.closed) return;
      }
      connection.send(encodeStreamFrame({ kind: 'end' }));
    } catch (error) {
      this.#log('stream', error instanceof Error ? error.message : 'failed');
      if (!connection.closed) connection.send(encodeStreamFrame({ kind: 'failed' }));
    }
    connection.end();
  }

  // ---- refusals

  #refuse(error: unknown, accepted: boolean): void {
    if (!(error instanceof HandshakeError)) {
      this.#log('socket', error instanceof Error ? error.message : 'failed');
      return;
    }
    this.#count(error.refusal);
    if (error.refusal === 'closed' && !accepted) return;
    if (error.refusal !== 'closed') this.#log(error.refusal, describe(error.refusal, error.node));
    if (error.refusal !== 'wrong-key' || error.node === null) return;
    if (accepted) this.#probe(error.node);
    else this.#keyDiffers(error.node);
  }

  /** Anyone can come with a wrong key and call itself node 2. Whether node 2 has another key is asked at its own address. */
  #probe(node: number): void {
    const nowMs = performance.now();
    if (this.#everLinked || nowMs - (this.#probedMs.get(node) ?? -probeEveryMs) < probeEveryMs) return;
    this.#probedMs.set(node, nowMs);
    this.#dial(node, 'probe', newLinkId()).then(
      (connection) => connection.destroy(),
      (error: unknown) => this.#refuse(error, false),
    );
  }

  #keyDiffers(node: number): void {
    this.#mismatched.add(node);
    const { peers } = this.#options;
    const others = peers.filter((peer) => peer.id !== this.#options.node).length;
    const quorum = Math.floor((others + 1) / 2) + 1;
    if (this.#everLinked || this.#mismatched.size < Math.min(quorum, others)) return;
    const nodes = [...this.#mismatched].sort((a, b) => a - b).join(', ');
    this.#options.onWrongKey(
      new CodedError(
        'KEY_WRONG',
        `the cluster key differs from the one of node ${nodes}: copy cluster.key from there`,
      ),
    );
  }

  #count(what: string): void {
    this.#refused[what] = (this.#refused[what] ?? 0) + 1;
  }

  /** A line a minute and reason: whoever knocks a thousand times fills no disk. */
  #log(reason: string, text: string): void {
    const nowMs = performance.now();
    if (nowMs - (this.#loggedMs.get(reason) ?? -logEveryMs) < logEveryMs) return;
    this.#loggedMs.set(reason, nowMs);
    this.#options.logger.warn({ reason }, `peer connection: ${text}`);
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    // What went wrong is told by the close that follows.
    socket.on('error', () => socket.destroy());
  }

  #later(delayMs: number, action: () => void): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, delayMs);
    this.#timers.add(timer);
    return timer;
  }

  #cancel(timer: NodeJS.Timeout): void {
    clearTimeout(timer);
    this.#timers.delete(timer);
  }
}

function newNonce(): string {
  return randomBytes(16).toString('hex');
}

function newLinkId(): string {
  return randomBytes(8).toString('hex');
}

function describe(refusal: Refusal, node: number | null): string {
  const who = node === null ? 'a stranger' : `what calls itself node ${node}`;
  switch (refusal) {
    case 'wrong-key':
      return `${who} has another cluster key`;
    case 'other-cluster':
      return `${who} belongs to another cluster`;
    case 'other-version':
      return `${who} speaks another version of the peer protocol`;
    case 'unknown-node':
      return `${who} is not in the configuration, or meant another node`;
    case 'handshake-timeout':
      return `${who} did not finish the handshake in time`;
    default:
      return `${who} does not speak the peer protocol`;
  }
}
