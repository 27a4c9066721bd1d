/**
 * Adapter: links with the other nodes over TCP. Of each pair the node with the lower number dials, two connections a link (lanes), and
 * streams are connections of their own. The other one dials only when nothing comes for a while: it may know where the lower one is and
 * not be known there yet. Whoever cannot prove the cluster key is closed before anything it says is parsed.
 */
import { randomBytes } from 'node:crypto';
import type { CodedError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { Random } from '../../base/prng.ts';
import type { PeerMaterial } from '../../tls/material.ts';
import type { MaterialSource } from '../../tls/transport-security.ts';
import { formats, rangeOf, type VersionRange } from '../formats/versions.ts';
import type { Lane, PeerAddress, PeerIdentity, PeerTransport } from '../ports/peer-transport.ts';
import type { FrameFault } from './framing.ts';
import type { ConnectionLane, Hello } from './handshake.ts';
import { KeyDoubts } from './key-doubts.ts';
import { SpokenVersions } from './link-versions.ts';
import { type LinkListener, PeerLink } from './peer-link.ts';
import { type PeerSocket, PeerSockets } from './peer-sockets.ts';
import { describeRefusal, Refusals } from './refusals.ts';
import {
  acceptorHandshake,
  dialerHandshake,
  HandshakeError,
  type HandshakeOptions,
  type SecureConnection,
} from './secure-connection.ts';
import { encodeStreamFrame, receiveStream, type StreamHandler, serveStream } from './stream-frames.ts';
import { Timers } from './timers.ts';

const redialFirstMs = 20;
const redialLastMs = 500;
/** Until the node with the higher number dials too. */
const patienceMs = 300;
/** Two links that come up within this time were dialed at once, from both sides. */
const atOnceMs = 1_000;
const dialMs = 2_000;
/** Until a connection that is not taken is destroyed. */
const lingerMs = 100;
/** Connections that have not yet proven the key. */
const strangers = 64;
/** Links with nodes that nobody has listed: they want to be admitted. */
const guests = 16;
/** A link that is silent for so long may be one of a machine that is gone: its place can be taken. */
const silentMs = 2_000;

export interface TransportOptions {
  readonly cluster: string;
  readonly node: number;
  readonly incarnation: number;
  readonly host: string;
  readonly port: number;
  /** Until `setPeers` says more. */
  readonly peers: readonly PeerAddress[];
  readonly key: Uint8Array;
  /** Null: plain TCP, for the loopback demonstration. */
  readonly tls: MaterialSource<PeerMaterial> | null;
  /** Of the frames that are sent and taken; what this program speaks, if left out. */
  readonly versions?: VersionRange;
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
  readonly #sockets: PeerSockets;
  readonly #links = new Map<number, PeerLink>();
  /** When a link came up, and when its last frame came. */
  readonly #upMs = new Map<number, number>();
  readonly #heardMs = new Map<number, number>();
  /** Links of which the first lane has arrived, one for each node and direction. */
  readonly #joining = new Map<string, PeerLink>();
  readonly #peers = new Map<number, PeerAddress>();
  /** Nodes that are being dialed, or will be. */
  readonly #dialing = new Set<number>();
  #started = false;
  readonly #timers = new Timers();
  readonly #keys: KeyDoubts;
  readonly #versions: SpokenVersions;
  readonly #refusals: Refusals;
  readonly #faults: Record<FrameFault, number> = { length: 0, mac: 0 };
  #strangers = 0;
  #stopped = false;
  #onFrame: (from: PeerIdentity, lane: Lane, frame: Uint8Array) => void = () => undefined;
  #onLink: (peer: PeerIdentity, up: boolean) => void = () => undefined;
  #onStream: StreamHandler | null = null;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#refusals = new Refusals(options.logger);
    this.#keys = new KeyDoubts(options.onWrongKey);
    this.#versions = new SpokenVersions(options.versions ?? rangeOf(formats));
    this.setPeers(options.peers);
    const { cluster, host, port, tls } = options;
    this.#sockets = new PeerSockets({
      cluster,
      host,
      port,
      tls,
      arrived: (arrival) => void this.#accept(arrival),
      refused: (refusal) => this.#refuse(new HandshakeError(refusal, null), true),
    });
  }

  get counters(): TransportCounters {
    return { refused: this.#refusals.counts, faults: this.#faults };
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

  setPeers(peers: readonly PeerAddress[]): void {
    this.#peers.clear();
    for (const peer of peers) if (peer.id !== this.#options.node) this.#peers.set(peer.id, peer);
    if (this.#started) for (const id of this.#peers.keys()) this.#keepDialing(id, 0);
  }

  setOldest(version: number): void {
    this.#versions.raise(version);
    for (const link of [...this.#links.values()]) {
      if ((link.peer.versions?.newest ?? version) < version) link.close(true);
    }
  }

  alarms(): readonly string[] {
    return this.#versions.alarms();
  }

  /** Rejects with PORT_IN_USE. */
  async start(): Promise<void> {
    await this.#sockets.listen(this.#options.node, (error) =>
      this.#refusals.log(performance.now(), 'listener', error.message),
    );
    this.#started = true;
    for (const id of this.#peers.keys()) this.#keepDialing(id, 0);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timers.cancelAll();
    for (const link of this.#links.values()) link.close(true);
    for (const link of this.#joining.values()) link.close(false);
    const closed = this.#sockets.close();
    this.#timers.later(200, () => this.#sockets.destroyAll());
    await closed;
  }

  send(node: number, lane: Lane, frame: Uint8Array): boolean {
    return this.#links.get(node)?.send(lane, frame) ?? false;
  }

  async openStream(node: number, request: Uint8Array): Promise<AsyncIterable<Uint8Array>> {
    const connection = await this.#dial(node, 'stream', newLinkId());
    const frames = receiveStream(connection, this.#timers.later);
    connection.send(encodeStreamFrame({ kind: 'data', chunk: request }));
    return frames;
  }

  // ---- accepting

  async #accept({ socket, certified }: PeerSocket): Promise<void> {
    if (this.#stopped || this.#strangers >= strangers) {
      this.#refusals.count('too-many');
      socket.destroy();
      return;
    }
    this.#strangers += 1;
    try {
      const connection = await acceptorHandshake(socket, this.#handshake(null, certified));
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
    if (peer.lane === 'stream') {
      const from = this.#versions.identityOf(peer);
      serveStream(connection, from, this.#onStream, this.#timers.later).catch((error: unknown) => {
        this.#refusals.log(performance.now(), 'stream', error instanceof Error ? error.message : 'failed');
      });
    } else if (this.#isWelcome(peer)) this.#join(peer, peer.lane, 'in', connection);
    else {
      this.#refusals.count('no-place');
      connection.end();
      this.#timers.later(lingerMs, () => connection.destroy());
    }
  }

  /** A guest takes nobody's place, and there are few of them. */
  #isWelcome({ node, incarnation }: Hello): boolean {
    const link = this.#links.get(node);
    if (link !== undefined) {
      const heardMs = this.#heardMs.get(node) ?? 0;
      return link.peer.incarnation === incarnation || performance.now() - heardMs > silentMs;
    }
    const isGuest = (id: number): boolean => this.#peers.get(id)?.isGuest ?? true;
    return !isGuest(node) || [...this.#links.keys()].filter(isGuest).length < guests;
  }

  /** Lanes of one link carry one id; a newer id of the same peer means that it dialed anew. */
  #join(peer: Hello, lane: Lane, direction: 'in' | 'out', connection: SecureConnection): void {
    const key = `${direction} ${peer.node}`;
    let link = this.#joining.get(key);
    if (link === undefined || link.id !== peer.link || link.peer.incarnation !== peer.incarnation) {
      link?.close(false);
      const lowerDialed = (direction === 'out') === this.#options.node < peer.node;
      link = new PeerLink(this.#versions.identityOf(peer), peer.link, lowerDialed, this.#listener);
      this.#joining.set(key, link);
    }
    link.join(lane, connection);
    if (link.up) this.#joining.delete(key);
  }

  /** Dialed at the same time as the one that is there, which both sides prefer. */
  #isSurplus({ peer, isPreferred }: PeerLink): boolean {
    const there = this.#links.get(peer.node);
    if (there?.peer.incarnation !== peer.incarnation || isPreferred || !there.isPreferred) return false;
    return performance.now() - (this.#upMs.get(peer.node) ?? 0) < atOnceMs;
  }

  readonly #listener: LinkListener = {
    frame: (from, lane, frame) => {
      this.#heardMs.set(from.node, performance.now());
      this.#onFrame(from, lane, frame);
    },
    up: (link) => {
      const { node } = link.peer;
      if (this.#isSurplus(link)) return link.close(false);
      this.#upMs.set(node, performance.now());
      this.#heardMs.set(node, performance.now());
      this.#keys.settle();
      this.#versions.together(node);
      this.#links.get(node)?.close(false);
      this.#links.set(node, link);
      this.#onLink(link.peer, true);
    },
    down: (link, fault) => {
      const { node } = link.peer;
      if (fault !== null) this.#faults[fault] += 1;
      if (this.#links.get(node) !== link) return;
      this.#links.delete(node);
      this.#heardMs.delete(node);
      this.#onLink(link.peer, false);
      this.#keepDialing(node, 0);
    },
  };

  // ---- dialing

  /** Until there is a link, whoever made it. */
  #keepDialing(node: number, failures: number): void {
    const isWanted = this.#peers.has(node) && this.#links.get(node) === undefined;
    if (this.#stopped || !isWanted || this.#dialing.has(node)) return;
    const most = Math.min(redialLastMs, redialFirstMs * 2 ** failures);
    const delayMs = failures === 0 ? 0 : most / 2 + this.#options.random.fraction() * (most / 2);
    const isFirst = failures === 0 && this.#options.node > node;
    this.#dialing.add(node);
    this.#timers.later(isFirst ? patienceMs : delayMs, () => {
      void this.#tryLink(node).then(() => {
        this.#dialing.delete(node);
        this.#keepDialing(node, Math.min(failures + 1, 10));
      });
    });
  }

  async #tryLink(node: number): Promise<void> {
    if (this.#links.get(node) !== undefined) return;
    const id = newLinkId();
    const lanes: SecureConnection[] = [];
    try {
      for (const lane of ['control', 'bulk'] as const) {
        const connection = await this.#dial(node, lane, id);
        lanes.push(connection);
        this.#join({ ...connection.peer, link: id }, lane, 'out', connection);
      }
      if (lanes.some((lane) => lane.closed)) throw new HandshakeError('closed', node);
    } catch (error) {
      for (const lane of lanes) lane.destroy();
      this.#joining.get(`out ${node}`)?.close(false);
      this.#joining.delete(`out ${node}`);
      this.#refuse(error, false);
    }
  }

  async #dial(node: number, lane: ConnectionLane, link: string): Promise<SecureConnection> {
    const peer = this.#peers.get(node);
    if (peer === undefined || this.#stopped) throw new HandshakeError('unknown-node', node);
    const { socket, certified } = await this.#sockets.dial(peer, (giveUp) =>
      this.#timers.later(dialMs, giveUp),
    );
    return dialerHandshake(socket, this.#handshake({ node, lane, link }, certified));
  }

  #handshake(
    dialed: { readonly node: number; readonly lane: ConnectionLane; readonly link: string } | null,
    certified: number | null,
  ): HandshakeOptions {
    const { cluster, node, incarnation, key } = this.#options;
    return {
      key,
      certified,
      later: this.#timers.later,
      hello: (theirs) => ({
        conclave: this.#versions.range.newest,
        oldest: this.#versions.range.oldest,
        cluster,
        node,
        incarnation,
        to: dialed?.node ?? theirs?.node ?? 0,
        lane: dialed?.lane ?? theirs?.lane ?? 'probe',
        link: dialed?.link ?? theirs?.link ?? newLinkId(),
        nonce: randomBytes(16).toString('hex'),
      }),
      accepts: (theirs) =>
        theirs.to === node && theirs.node !== node && (dialed === null || theirs.node === dialed.node),
    };
  }

  #refuse(error: unknown, accepted: boolean): void {
    if (!(error instanceof HandshakeError)) {
      this.#refusals.log(performance.now(), 'socket', error instanceof Error ? error.message : 'failed');
      return;
    }
    this.#refusals.count(error.refusal);
    if (error.refusal === 'closed' && !accepted) return;
    if (error.refusal !== 'closed')
      this.#refusals.log(performance.now(), error.refusal, describeRefusal(error));
    if (error.node === null) return;
    // Anybody could say so: it counts of a listed node, and until there is a link.
    const awaited = this.#peers.has(error.node) && !this.#links.has(error.node);
    if (error.refusal === 'other-version' && awaited) this.#versions.apart(error.node, error.detail);
    if (error.refusal !== 'wrong-key') return;
    if (accepted) this.#probe(error.node);
    else this.#keys.differs(error.node, this.#peers.size);
  }

  #probe(node: number): void {
    if (!this.#peers.has(node) || !this.#keys.mayAsk(node, performance.now())) return;
    this.#dial(node, 'probe', newLinkId()).then(
      (connection) => connection.destroy(),
      (error: unknown) => this.#refuse(error, false),
    );
  }
}

function newLinkId(): string {
  return randomBytes(8).toString('hex');
}
