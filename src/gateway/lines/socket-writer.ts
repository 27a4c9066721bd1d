/**
 * Text out of one TCP connection: what is written in one turn of the event loop leaves in one write. Tells when the platform has taken
 * it, which is when a push counts as delivered.
 */
import type { Socket } from 'node:net';

/** Called once the bytes written before it have been taken; never when the connection broke first. */
export type Taken = () => void;

interface Batch {
  readonly parts: string[];
  readonly taken: Taken[];
}

export class SocketWriter {
  readonly #socket: Socket;
  #batch: Batch = { parts: [], taken: [] };
  #scheduled = false;
  /** Of the newest write that the platform has not finished; null when all is taken. */
  #newest: Taken[] | null = null;
  #drained: (() => void)[] = [];
  /** To be called when the connection is gone. */
  readonly #gone = new Set<() => void>();

  constructor(socket: Socket) {
    this.#socket = socket;
    const wake = (): void => this.#wake();
    socket.on('drain', wake);
    socket.on('close', () => {
      wake();
      callAll([...this.#gone]);
      this.#gone.clear();
    });
  }

  write(text: string, taken?: Taken): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    if (text !== '') this.#batch.parts.push(text);
    if (taken !== undefined) this.#batch.taken.push(taken);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.flush());
  }

  flush(): void {
    this.#scheduled = false;
    const { parts, taken } = this.#batch;
    if (parts.length === 0 && taken.length === 0) return;
    this.#batch = { parts: [], taken: [] };
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    if (parts.length === 0) {
      // Nothing to send: taken as soon as all before it is.
      if (this.#newest === null) callAll(taken);
      else this.#newest.push(...taken);
      return;
    }
    this.#newest = taken;
    this.#socket.write(parts.join(''), (error) => {
      if (this.#newest === taken) this.#newest = null;
      if (!error) callAll(taken);
    });
  }

  /** Resolves when the connection takes more (true), or is gone (false). */
  async drained(): Promise<boolean> {
    this.flush();
    if (this.#socket.writableNeedDrain) await new Promise<void>((resolve) => this.#drained.push(resolve));
    return !this.#socket.destroyed;
  }

  /** Resolves when all that was written has been taken, or the connection is gone. */
  async flushed(): Promise<void> {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    await new Promise<void>((resolve) => {
      this.#gone.add(resolve);
      this.write('', () => {
        this.#gone.delete(resolve);
        resolve();
      });
    });
  }

  /** Sends what was written, then the end. */
  end(): void {
    this.flush();
    this.#socket.end();
  }

  #wake(): void {
    const drained = this.#drained;
    this.#drained = [];
    callAll(drained);
  }
}

function callAll(callbacks: readonly (() => void)[]): void {
  for (const callback of callbacks) callback();
}
