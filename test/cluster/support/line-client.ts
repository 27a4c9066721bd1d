import { connect, type Socket } from 'node:net';
import { connectTrusted, type SecureTrust } from '../../../src/tls/trust.ts';

const patienceMs = 30_000;

/** What `nc` is: bytes out, lines in, nothing understood. */
export class LineClient {
  readonly #socket: Socket;
  readonly #lines: string[] = [];
  #rest = '';
  #closed = false;
  #wake: (() => void) | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.setNoDelay(true);
    socket.on('data', (chunk: string) => {
      const lines = (this.#rest + chunk).split('\n');
      this.#rest = lines.pop() ?? '';
      this.#lines.push(...lines);
      this.#wake?.();
    });
    // An error is followed by a close, which is what a waiting reader is told.
    socket.on('error', () => this.#wake?.());
    socket.on('close', () => {
      this.#closed = true;
      this.#wake?.();
    });
  }

  static open(port: number): Promise<LineClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.removeListener('error', reject);
        resolve(new LineClient(socket));
      });
    });
  }

  static openSecure(port: number, trust: SecureTrust): Promise<LineClient> {
    return new Promise((resolve, reject) => {
      connectTrusted({ host: '127.0.0.1', port }, trust, (error, socket) => {
        if (error === null) resolve(new LineClient(socket));
        else reject(error);
      });
    });
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  send(...lines: readonly string[]): void {
    this.#socket.write(lines.map((line) => `${line}\n`).join(''));
  }

  sendBytes(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** The next line; rejects when the connection ends first, or after `timeoutMs`. */
  async next(timeoutMs = patienceMs): Promise<string> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#wake?.();
    }, timeoutMs);
    try {
      for (;;) {
        const line = this.#lines.shift();
        if (line !== undefined) return line;
        if (this.#closed) throw new Error('the connection ended before a line came');
        if (late) throw new Error(`no line came within ${timeoutMs} ms`);
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends a line and gives the one line that answers it. */
  ask(line: string, timeoutMs = patienceMs): Promise<string> {
    this.send(line);
    return this.next(timeoutMs);
  }

  /** Sends a line and gives the lines up to the empty one that ends a list. */
  async list(line: string): Promise<string[]> {
    this.send(line);
    const lines: string[] = [];
    for (let next = await this.next(); next !== ''; next = await this.next()) lines.push(next);
    return lines;
  }

  /** Until the other side has closed. */
  async closed(timeoutMs = patienceMs): Promise<void> {
    const timer = setTimeout(() => this.#socket.destroy(), timeoutMs);
    while (!this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    clearTimeout(timer);
  }

  close(): void {
    this.#socket.destroy();
  }
}
