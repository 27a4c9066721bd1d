/** Objects out of one WebSocket: what is written in one turn of the event loop leaves in as few frames as their limit allows. */
import { KIB, limits } from '../../base/limits.ts';
import type { FramePacker, PackedFrames } from './frame-packer.ts';
import type { NativeSocket } from './native-socket.ts';

/** Bytes not taken by the platform above which the session reads no more requests. */
const highWaterBytes = 256 * KIB;

export interface FrameWriterPorts {
  /** Runs the action once, soon: after whatever else is ready. */
  readonly turn: (action: () => void) => void;
  /** Shared by all connections of the node. */
  readonly packer: FramePacker;
}

export class FrameWriter {
  readonly #socket: NativeSocket;
  readonly #ports: FrameWriterPorts;
  /** Bytes of pushes that the platform has taken. */
  readonly #taken: (bytes: number) => void;
  #parts: string[] = [];
  #pushBytes = 0;
  #scheduled = false;
  #paused = false;
  #waiting: (() => void)[] = [];

  constructor(socket: NativeSocket, ports: FrameWriterPorts, taken: (bytes: number) => void) {
    this.#socket = socket;
    this.#ports = ports;
    this.#taken = taken;
    socket.once('close', () => this.#wake());
  }

  /** One encoded object. `pushBytes`: what is to be reported as taken once it has been. */
  write(part: string, pushBytes = 0): void {
    this.#parts.push(part);
    this.#pushBytes += pushBytes;
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#ports.turn(() => this.flush());
  }

  flush(): void {
    this.#scheduled = false;
    const [parts, pushBytes] = [this.#parts, this.#pushBytes];
    if (parts.length === 0) return;
    this.#parts = [];
    this.#pushBytes = 0;
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#send(this.#ports.packer.pack(parts), (error) => this.#sent(pushBytes, error ?? null));
    if (this.#socket.bufferedAmount > highWaterBytes && !this.#paused) {
      this.#paused = true;
      this.#socket.pause();
    }
  }

  get lags(): boolean {
    return this.#socket.bufferedAmount > limits.outboxBytes;
  }

  /** Resolves when the connection takes more (true), or is gone (false). */
  async drained(): Promise<boolean> {
    this.flush();
    while (this.#socket.readyState === this.#socket.OPEN && this.#socket.bufferedAmount > highWaterBytes) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this.#socket.readyState === this.#socket.OPEN;
  }

  /** `taken`: of the last one, and so of all. */
  #send({ texts, wire }: PackedFrames, taken: (error?: Error) => void): void {
    const socket = this.#socket;
    for (let at = 0; at < texts.length; at++) {
      const last = at === texts.length - 1 ? taken : undefined;
      const frame = wire?.[at];
      if (frame !== undefined && socket.sendWire !== undefined) socket.sendWire(frame, last);
      else socket.send(texts[at] ?? '', last);
    }
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
