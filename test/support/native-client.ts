/** A client of the native protocol without any cleverness: sends what a test says, keeps what comes. */
import { randomBytes } from 'node:crypto';
import { WebSocket } from 'ws';

export type Frame = Readonly<Record<string, unknown>>;

export interface Credentials {
  readonly session: string;
  readonly secret: string;
}

export function newSession(): Credentials {
  return { session: randomBytes(16).toString('hex'), secret: randomBytes(32).toString('hex') };
}

export class NativeClient {
  readonly #socket: WebSocket;
  readonly received: Frame[] = [];
  /** Frames of the wire, of which each may hold several objects. */
  frames = 0;
  closedWith: { readonly code: number; readonly reason: string } | null = null;
  #wake: (() => void)[] = [];
  #n = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => {
      this.frames += 1;
      const value: unknown = JSON.parse(String(data));
      this.received.push(...((Array.isArray(value) ? value : [value]) as Frame[]));
      this.#wakeAll();
    });
    socket.on('close', (code, reason) => {
      this.closedWith = { code, reason: String(reason) };
      this.#wakeAll();
    });
    socket.on('error', () => this.#wakeAll());
  }

  static async open(
    port: number,
    headers: Readonly<Record<string, string>> = {},
    path = '/ws',
  ): Promise<NativeClient> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers, perMessageDeflate: false });
    const client = new NativeClient(socket);
    await new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    return client;
  }

  /** Connected and welcomed. */
  static async greet(port: number, credentials: Credentials, after?: number): Promise<NativeClient> {
    const client = await NativeClient.open(port);
    client.send({ op: 'hello', v: 1, ...credentials, ...(after === undefined ? {} : { after }) });
    await client.next((frame) => frame.ev === 'welcome');
    return client;
  }

  /** Connected, with an account of its own, logged in. */
  static async join(port: number, user: string, credentials = newSession()): Promise<NativeClient> {
    const client = await NativeClient.greet(port, credentials);
    await client.change({ op: 'register', user, password: 'pw' });
    await client.change({ op: 'login', user, password: 'pw' });
    return client;
  }

  send(value: unknown): void {
    this.#socket.send(typeof value === 'string' ? value : JSON.stringify(value));
  }

  /** Sends a numbered request and gives its reply. */
  async change(request: Frame): Promise<Frame> {
    this.#n += 1;
    const n = this.#n;
    this.send({ ...request, n, low: n });
    return this.next((frame) => frame.n === n);
  }

  async query(request: Frame, q = 1_000_000 + this.received.length): Promise<Frame> {
    this.send({ ...request, q });
    return this.next((frame) => frame.q === q);
  }

  /** The first object, received already or yet to come, of which it holds. Rejects when the connection closes before. */
  async next(matches: (frame: Frame) => boolean): Promise<Frame> {
    for (let seen = 0; ; ) {
      for (; seen < this.received.length; seen++) {
        const frame = this.received[seen];
        if (frame !== undefined && matches(frame)) return frame;
      }
      if (this.closedWith !== null)
        throw new Error(`closed: ${this.closedWith.code} ${this.closedWith.reason}`);
      await this.#more();
    }
  }

  async closed(): Promise<{ readonly code: number; readonly reason: string }> {
    while (this.closedWith === null) await this.#more();
    return this.closedWith;
  }

  messages(): readonly Frame[] {
    return this.received.filter((frame) => frame.ev === 'message');
  }

  texts(): readonly unknown[] {
    return this.messages().map((frame) => frame.text);
  }

  stall(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.terminate();
  }

  async #more(): Promise<void> {
    await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  #wakeAll(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }
}
