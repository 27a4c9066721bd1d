/** Objects out of one WebSocket: what is written in one turn of the event loop leaves in as few frames as their limit allows. */
import { KIB } from '../base/limits.ts';
import { packNative } from '../protocol/native-codec.ts';
import type { NativeSocket } from './native-socket.ts';

/** Bytes not taken by the platform above which the session reads no more requests. */
const highWaterBytes = 256 * KIB;

export class FrameWriter {
  readonly #socket: NativeSocket;
  /** Runs the action once, soon: after whatever else is ready. */
  readonly #turn: (action: () => void) => void;
  /** Bytes of pushes that the platform has taken. */
  readonly #taken: (bytes: number) => void;
  #parts: string[] = [];
  #pushBytes = 0;
  #scheduled = false;
  #paused = false;
  #waiting: (() => void)[] = [];

  constructor(socket: NativeSocket, turn: (action: () => void) => void, taken: (bytes: number) => void) {
    this.#socket = socket;
    this.#turn = turn;
    this.#taken = taken;
    socket.once('close', () => this.#wake());
  }

  /** One encoded object. `pushBytes`: what is to be reported as taken once it has been. */
  write(part: string, pushBytes = 0): void {
    this.#parts.push(part);
    this.#pushBytes += pushBytes;
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#turn(() => this.flush());
  }

  flush(): void {
    this.#scheduled = false;
    const [parts, pushBytes] = [this.#parts, this.#pushBytes];
    if (parts.length === 0) return;
    this.#parts = [];
    this.#pushBytes = 0;
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    const frames = packNative(parts);
    for (const [at, frame] of frames.entries()) {
      if (at < frames.length - 1) this.#socket.send(frame);
      else this.#socket.send(frame, (error) => this.#sent(pushBytes, error ?? null));
    }
    if (this.#socket.bufferedAmount > highWaterBytes && !this.#paused) {
      this.#paused = true;
      this.#socket.pause();
    }
  }

  /** Resolves when the connection takes more (true), or is gone (false). */
  async drained(): Promise<boolean> {
    this.flush();
    while (this.#socket.readyState === this.#socket.OPEN && this.#socket.bufferedAmount > highWaterBytes) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this.#socket.readyState === this.#socket.OPEN;
  }

  #sent(pushBytes: number, error: Error | null): void {
    if (error !== null) return;
    this.#taken(pushBytes);
    if (this.#socket.bufferedAmount > highWaterBytes) return;
    if (this.#paused) {
      this.#paused = false;
      this.#socket.resume();
    }
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
