/** One connection of a client with a node: the node's end is what the package `ws` would give, the client's what its dialer promises. */
import type { Socket, SocketListener } from '../../src/client/ports.ts';
import type { NativeSocket } from '../../src/gateway/native/native-socket.ts';
import type { Host } from './host.ts';

const OPEN = 1;
const CLOSED = 3;
const settled = Promise.resolve();

/** How a connection fares; changed while it lives. */
export interface Wire {
  /** Nothing passes, and nobody is told. What is sent waits, as the platform sends it again until it is heard. */
  silent: boolean;
  leastMs: number;
  spreadMs: number;
}

export interface ConnectionOptions {
  readonly client: Host;
  readonly node: Host;
  readonly wire: Wire;
  readonly delayMs: () => number;
  readonly listener: SocketListener;
  readonly onEnd: (connection: Connection) => void;
}

export class Connection {
  readonly node: Host;
  readonly wire: Wire;
  readonly nodeEnd: NodeEnd;
  readonly clientEnd: Socket;
  readonly #options: ConnectionOptions;
  /** When the newest frame each way arrives. */
  readonly #arrivesMs = { client: 0, node: 0 };
  #held: (readonly [side: 'client' | 'node', action: () => void])[] = [];
  #ended = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.node = options.node;
    this.wire = options.wire;
    this.nodeEnd = new NodeEnd(this);
    this.clientEnd = {
      send: (text) => this.#toNode(text),
      close: () => this.#closedByClient(),
    };
  }

  toClient(text: string): void {
    this.#arrive('client', () => {
      if (!this.#ended) this.#options.listener.received(text);
    });
  }

  /** The node ends it; what was sent before arrives first. */
  closedByNode(reason: string): void {
    this.#arrive('client', () => {
      if (this.#ended) return;
      this.#end();
      this.#options.listener.closed(reason);
      this.#arrive('node', () => this.nodeEnd.closed());
    });
  }

  /** The wire is whole again: what waited goes on its way. */
  release(): void {
    for (const [side, action] of this.#held.splice(0)) this.#arrive(side, action);
  }

  /** The process at one end is gone; the other hears of it. */
  nodeDied(): void {
    if (this.#ended) return;
    this.#arrive('client', () => {
      if (this.#ended) return;
      this.#end();
      this.#options.listener.closed('connection reset');
    });
  }

  #toNode(text: string): void {
    if (this.#ended) return;
    this.#arrive('node', () => this.nodeEnd.receive(Buffer.from(text)));
  }

  #closedByClient(): void {
    if (this.#ended) return;
    this.#end();
    this.#arrive('node', () => this.nodeEnd.closed());
  }

  #end(): void {
    this.#ended = true;
    this.#options.onEnd(this);
  }

  #arrive(side: 'client' | 'node', action: () => void): void {
    const { delayMs, client, node } = this.#options;
    if (this.wire.silent) {
      this.#held.push([side, action]);
      return;
    }
    const host = side === 'client' ? client : node;
    const { world } = host;
    const atMs = Math.max(world.nowMs + delayMs(), this.#arrivesMs[side]);
    this.#arrivesMs[side] = atMs;
    world.after(atMs - world.nowMs, 'socket', host, action);
  }
}

class NodeEnd implements NativeSocket {
  readonly OPEN = OPEN;
  readyState = OPEN;
  readonly bufferedAmount = 0;
  readonly #connection: Connection;
  #onMessage: (data: unknown, isBinary: boolean) => void = () => undefined;
  readonly #onClose: (() => void)[] = [];
  #paused = false;
  #unread: Buffer[] = [];

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  send(frame: string, taken?: (error?: Error) => void): void {
    if (this.readyState === OPEN) this.#connection.toClient(frame);
    if (taken !== undefined) void settled.then(() => taken());
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    while (!this.#paused) {
      const data = this.#unread.shift();
      if (data === undefined) return;
      this.#onMessage(data, false);
    }
  }

  close(_code: number, reason: string): void {
    if (this.readyState === OPEN) this.#connection.closedByNode(reason);
    this.readyState = CLOSED;
  }

  terminate(): void {
    if (this.readyState === OPEN) this.#connection.closedByNode('connection reset');
    this.readyState = CLOSED;
    this.closed();
  }

  on(_event: 'message', listener: (data: unknown, isBinary: boolean) => void): void {
    this.#onMessage = listener;
  }

  once(_event: 'close', listener: () => void): void {
    this.#onClose.push(listener);
  }

  receive(data: Buffer): void {
    if (this.readyState !== OPEN) return;
    if (this.#paused) this.#unread.push(data);
    else this.#onMessage(data, false);
  }

  closed(): void {
    this.readyState = CLOSED;
    for (const listener of this.#onClose.splice(0)) listener();
  }
}
