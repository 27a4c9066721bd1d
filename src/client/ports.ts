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
  /** Returns at once and calls the listener later, never before it has returned. */
  dial(address: ServerAddress, listener: SocketListener): Socket;
}

/** The only chance that must not be guessable: what a session is known by. */
export interface Secrets {
  /** Hexadecimal digits of a cryptographic generator, two a byte. */
  hex(bytes: number): string;
}
