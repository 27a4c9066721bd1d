import { limits } from '../../base/limits.ts';

/** Port: one connection that carries whole frames, both ways, in order. A `WebSocket` of the package `ws` is one. */
export interface NativeSocket {
  readonly readyState: number;
  readonly OPEN: number;
  /** Bytes sent and not yet taken by the platform. */
  readonly bufferedAmount: number;
  send(frame: string, taken?: (error?: Error) => void): void;
  /** The same for a frame in the form that it has on the wire; where there is no wire, there is no such form. */
  sendWire?(frame: Uint8Array, taken?: (error?: Error) => void): void;
  /** No further frames are read until `resume`. */
  pause(): void;
  resume(): void;
  /** With the closing handshake. */
  close(code: number, reason: string): void;
  /** At once. */
  terminate(): void;
  on(event: 'message', listener: (data: unknown, isBinary: boolean) => void): unknown;
  once(event: 'close', listener: () => void): unknown;
}

/** What a peer may send before it is known: the bytes of one message, the pieces it may come in, and pieces that wait to be put together. */
export const webSocketBounds = {
  maxPayload: limits.frameBytes,
  maxFragments: 16,
  maxBufferedChunks: 1_024,
  perMessageDeflate: false,
} as const;
