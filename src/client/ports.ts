/** What the platform must give a client besides `Clock` and `Random`. A simulation gives its own. */
import type { ServerAddress } from './server-pool.ts';

/** One connection that carries text frames, in order, both ways. */
export interface Socket {
  /** Never throws; what is sent on a broken connection is lost. */
  send(text: string): void;
  /** Idempotent. The listener may still hear `closed`, nothing else. */
  close(): void;
}

export interface SocketListener {
  opened(): void;
  received(text: string): void;
  /** Told once, also when the connection never opened. `reason` is for people. */
  closed(reason: string): void;
}

export interface Dialer {
  /** Until a connection must be open; `timings.dialMs` if left out. For one that has more to do than to be reached. */
  readonly openMs?: number;
  /** Returns at once and calls the listener later, never before it has returned. */
  dial(address: ServerAddress, listener: SocketListener): Socket;
}

/** The only chance that must not be guessable: what a session is known by. */
export interface Secrets {
  /** Hexadecimal digits of a cryptographic generator, two a byte. */
  hex(bytes: number): string;
}

/** One request over HTTP with bodies that fit in memory. */
export interface HttpCaller {
  /** Rejects when no whole answer came, or one over `mostBytes`. */
  call(address: ServerAddress, request: HttpRequest): Promise<HttpAnswer>;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** `application/octet-stream`. */
  readonly body?: Uint8Array;
  readonly mostBytes: number;
  /** Takes the body of a 200 as it comes, however long, in place of the answer's `body`. */
  readonly receive?: (pieces: AsyncIterable<Uint8Array>) => Promise<void>;
  /** Without a byte either way for so long, it is given up. */
  readonly idleMs: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: Uint8Array;
}

export interface Digest {
  /** 64 hex digits. */
  sha256(bytes: Uint8Array): Promise<string>;
}

/** What the platform must give to send and fetch files. */
export interface FilePorts {
  readonly http: HttpCaller;
  readonly digest: Digest;
}

/** Takes a file in order, piece by piece; a rejection ends the transfer. */
export type FileTaker = (piece: Uint8Array) => Promise<void>;

/** Something on this side that can be sent as a file. */
export interface FileSource {
  /** As the receiver is to see it; made safe before it is sent. */
  readonly name: string;
  /** Media type; empty when it is not known. */
  readonly type: string;
  readonly bytes: number;
  /** Bytes [from, to), all of them. The content must not change while it is sent. */
  read(from: number, to: number): Promise<Uint8Array>;
}
