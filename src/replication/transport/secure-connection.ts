/**
 * One TCP connection between two nodes: handshake, then frames in both directions. Knows sockets and nothing of links or lanes.
 * Adapter: used by `tcp-transport.ts` only.
 */
import type { Socket } from 'node:net';
import { describeRange, spokenVersion } from '../formats/versions.ts';
import { type FrameFault, RecordOpener, RecordSealer, recordBytes } from './framing.ts';
import {
  decodeHello,
  deriveSecrets,
  encodeHello,
  type Hello,
  helloBytes,
  proofBytes,
  type Secrets,
  sameProof,
  versionsIn,
} from './handshake.ts';

export const handshakeMs = 3_000;
/** Until a refused connection that does not close is destroyed. */
const lingerMs = 100;

export type Refusal =
  | 'not-a-peer'
  | 'other-version'
  | 'other-cluster'
  | 'unknown-node'
  | 'wrong-key'
  | 'handshake-timeout'
  /** Of another authority, expired, or none. */
  | 'bad-certificate'
  /** It names another node, another cluster, or none. */
  | 'other-certificate'
  | 'too-many'
  | 'closed';

/** A handshake that failed. `node` is what the other side called itself, unproven; `detail` is for people. */
export class HandshakeError extends Error {
  readonly refusal: Refusal;
  readonly node: number | null;
  readonly detail: string;
  constructor(refusal: Refusal, node: number | null, detail = '') {
    super(`handshake: ${refusal}`);
    this.name = 'HandshakeError';
    this.refusal = refusal;
    this.node = node;
    this.detail = detail;
  }
}

export interface HandshakeOptions {
  readonly key: Uint8Array;
  /** Runs the action once, after so many milliseconds; returns how to prevent it. */
  readonly later: (delayMs: number, action: () => void) => () => void;
  /** What to say about oneself to this peer; the acceptor echoes lane and link of the dialer's hello. */
  readonly hello: (theirs: Hello | null) => Hello;
  /** Whether the other side's claims fit this cluster. */
  readonly accepts: (theirs: Hello) => boolean;
  /** The node that the other side's certificate names: it can claim no other. Null without TLS. */
  readonly certified: number | null;
}

/** Reads bytes in exact amounts from a socket that may deliver them in any pieces; bounded by what is asked for. */
class HandshakeReader {
  readonly #socket: Socket;
  #buffer: Buffer = Buffer.alloc(0);
  #wanted = 0;
  #resolve: ((bytes: Buffer) => void) | null = null;
  #reject: ((error: HandshakeError) => void) | null = null;
  readonly #onData = (piece: Buffer): void => {
    this.#buffer = Buffer.concat([this.#buffer, piece]);
    if (this.#buffer.length > 2 * (helloBytes + proofBytes)) this.#socket.pause();
    this.#serve();
  };
  readonly #onClose = (): void => this.fail('closed');

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', this.#onData);
    socket.on('close', this.#onClose);
  }

  read(bytes: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#wanted = bytes;
      this.#resolve = resolve;
      this.#reject = reject;
      if (this.#socket.destroyed) this.fail('closed');
      this.#serve();
    });
  }

  fail(refusal: Refusal): void {
    this.#reject?.(new HandshakeError(refusal, null));
    this.#resolve = null;
    this.#reject = null;
  }

  /** Ends the reading; what has arrived beyond the handshake is handed back. */
  finish(): Buffer {
    this.#socket.off('data', this.#onData);
    this.#socket.off('close', this.#onClose);
    this.#socket.pause();
    return this.#buffer;
  }

  #serve(): void {
    if (this.#resolve === null || this.#buffer.length < this.#wanted) return;
    const bytes = this.#buffer.subarray(0, this.#wanted);
    this.#buffer = this.#buffer.subarray(this.#wanted);
    const resolve = this.#resolve;
    this.#resolve = null;
    this.#reject = null;
    resolve(bytes);
  }
}

function withLength(bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(bytes.length);
  return Buffer.concat([head, bytes]);
}

async function readHello(reader: HandshakeReader): Promise<{ hello: Hello; bytes: Buffer }> {
  const length = (await reader.read(2)).readUInt16BE(0);
  if (length === 0 || length > helloBytes) throw new HandshakeError('not-a-peer', null);
  const bytes = await reader.read(length);
  const hello = decodeHello(bytes);
  if (hello === null) throw new HandshakeError('not-a-peer', null);
  return { hello, bytes };
}

function check(theirs: Hello, ours: Hello, options: HandshakeOptions): void {
  if (spokenVersion(versionsIn(ours), versionsIn(theirs)) === null) {
    const detail = `it speaks ${describeRange(versionsIn(theirs))}, this node ${describeRange(versionsIn(ours))}`;
    throw new HandshakeError('other-version', theirs.node, detail);
  }
  if (theirs.cluster !== ours.cluster) throw new HandshakeError('other-cluster', theirs.node);
  if (options.certified !== null && theirs.node !== options.certified) {
    throw new HandshakeError('other-certificate', theirs.node);
  }
  if (!options.accepts(theirs)) throw new HandshakeError('unknown-node', theirs.node);
}

/** Resolves with a connection that is proven both ways, or rejects with `HandshakeError`; the socket is then destroyed. */
export async function dialerHandshake(socket: Socket, options: HandshakeOptions): Promise<SecureConnection> {
  return guarded(socket, options, async (reader) => {
    const ours = options.hello(null);
    const oursBytes = encodeHello(ours);
    socket.write(withLength(oursBytes));
    const { hello: theirs, bytes } = await readHello(reader);
    check(theirs, ours, options);
    const secrets = deriveSecrets(options.key, oursBytes, bytes);
    const proof = await reader.read(proofBytes);
    // Our proof leaves in any case: it tells nothing, and lets the other side see that the keys differ.
    socket.write(secrets.dialerProof);
    if (!sameProof(secrets.acceptorProof, proof)) throw new HandshakeError('wrong-key', theirs.node);
    return { theirs, secrets, dialed: true };
  });
}

export async function acceptorHandshake(
  socket: Socket,
  options: HandshakeOptions,
): Promise<SecureConnection> {
  return guarded(socket, options, async (reader) => {
    const { hello: theirs, bytes } = await readHello(reader);
    const ours = options.hello(theirs);
    const oursBytes = encodeHello(ours);
    // Told without a proof, so that the other side, too, can say which versions do not go together.
    if (spokenVersion(versionsIn(ours), versionsIn(theirs)) === null) socket.write(withLength(oursBytes));
    check(theirs, ours, options);
    const secrets = deriveSecrets(options.key, bytes, oursBytes);
    socket.write(Buffer.concat([withLength(oursBytes), secrets.acceptorProof]));
    const proof = await reader.read(proofBytes);
    if (!sameProof(secrets.dialerProof, proof)) throw new HandshakeError('wrong-key', theirs.node);
    return { theirs, secrets, dialed: false };
  });
}

interface Proven {
  readonly theirs: Hello;
  readonly secrets: Secrets;
  readonly dialed: boolean;
}

async function guarded(
  socket: Socket,
  { later }: HandshakeOptions,
  shake: (reader: HandshakeReader) => Promise<Proven>,
): Promise<SecureConnection> {
  socket.setNoDelay(true);
  const reader = new HandshakeReader(socket);
  const cancelDeadline = later(handshakeMs, () => reader.fail('handshake-timeout'));
  try {
    const proven = await shake(reader);
    return new SecureConnection(socket, proven, reader.finish());
  } catch (error) {
    reader.finish();
    // The last write (a proof) may still be on its way: end, then destroy.
    socket.end();
    later(lingerMs, () => socket.destroy());
    throw error;
  } finally {
    cancelDeadline();
  }
}

export class SecureConnection {
  readonly peer: Hello;
  readonly #socket: Socket;
  readonly #sealer: RecordSealer;
  readonly #opener: RecordOpener;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #early: Buffer;

  constructor(socket: Socket, proven: Proven, early: Buffer) {
    const { secrets, dialed } = proven;
    this.peer = proven.theirs;
    this.#socket = socket;
    this.#sealer = new RecordSealer(dialed ? secrets.toAcceptor : secrets.toDialer);
    this.#opener = new RecordOpener(dialed ? secrets.toDialer : secrets.toAcceptor);
    this.#early = early;
  }

  /** Bytes taken by `send` that the kernel has not taken yet. */
  get queuedBytes(): number {
    return this.#waitingBytes + this.#socket.writableLength;
  }

  /** Begins to deliver frames. `onEnd` is called exactly once, with the fault when what arrived was not in order. */
  open(onFrame: (frame: Uint8Array) => void, onEnd: (fault: FrameFault | null) => void): void {
    let ended = false;
    const end = (fault: FrameFault | null): void => {
      if (ended) return;
      ended = true;
      this.#socket.destroy();
      onEnd(fault);
    };
    const take = (piece: Buffer): void => {
      if (ended || piece.length === 0) return;
      const fault = this.#opener.take(piece, (frame) => {
        if (!ended) onFrame(frame);
      });
      if (fault !== null) end(fault);
    };
    this.#socket.on('data', take);
    this.#socket.on('close', () => end(null));
    // A peer that ends its side is gone: the protocol has no half-closed state.
    this.#socket.on('end', () => end(null));
    if (this.#socket.destroyed) {
      end(null);
      return;
    }
    const early = this.#early;
    this.#early = Buffer.alloc(0);
    take(early);
    this.#socket.resume();
  }

  /** Queues a frame; what one turn queues leaves together. */
  send(frame: Uint8Array): void {
    if (this.#waiting.length === 0) process.nextTick(() => this.#flush());
    else if (this.#waitingBytes + frame.length + 8 > recordBytes / 2) {
      this.#flush();
      process.nextTick(() => this.#flush());
    }
    this.#waiting.push(frame);
    this.#waitingBytes += frame.length;
  }

  /** Resolves when the kernel's queue has room again; at once if it has. */
  drained(): Promise<void> {
    this.#flush();
    if (!this.#socket.writableNeedDrain || this.#socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#socket.off('drain', done);
        this.#socket.off('close', done);
        resolve();
      };
      this.#socket.on('drain', done);
      this.#socket.on('close', done);
    });
  }

  get closed(): boolean {
    return this.#socket.destroyed;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** What was sent still leaves. */
  end(): void {
    this.#flush();
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #flush(): void {
    if (this.#waiting.length === 0) return;
    const frames = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (this.#socket.destroyed) return;
    this.#socket.cork();
    for (const part of this.#sealer.seal(frames)) this.#socket.write(part);
    this.#socket.uncork();
  }
}
