/**
 * A `WebSocket` of the package `ws` beside the stream that it writes to, so that frames made for many connections need not be made again
 * for each. Without compression `ws` writes every frame to its stream before `send` returns, so the two ways keep one order.
 */
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { NativeSocket } from './native-socket.ts';

export class WireSocket implements NativeSocket {
  readonly #socket: WebSocket;
  readonly #stream: Duplex;

  constructor(socket: WebSocket, stream: Duplex) {
    this.#socket = socket;
    this.#stream = stream;
  }

  get readyState(): number {
    return this.#socket.readyState;
  }

  get OPEN(): number {
    return this.#socket.OPEN;
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  send(frame: string, taken?: (error?: Error) => void): void {
    this.#socket.send(frame, taken);
  }

  sendWire(frame: Uint8Array, taken?: (error?: Error) => void): void {
    this.#stream.write(frame, (error) => taken?.(error ?? undefined));
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  terminate(): void {
    this.#socket.terminate();
  }

  on(event: 'message', listener: (data: unknown, isBinary: boolean) => void): unknown {
    return this.#socket.on(event, listener);
  }

  once(event: 'close', listener: () => void): unknown {
    return this.#socket.once(event, listener);
  }
}
