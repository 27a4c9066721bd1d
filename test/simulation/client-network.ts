/** The way from clients to nodes: who listens where, how long it takes, and what is cut. */

import type { Random } from '../../src/base/prng.ts';
import type { Dialer, HttpAnswer, HttpCaller, HttpRequest, SocketListener } from '../../src/client/ports.ts';
import type { NativeSocket } from '../../src/gateway/native/native-socket.ts';
import { Connection, type Wire } from './connection.ts';
import type { Host } from './host.ts';
import type { World } from './world.ts';

export interface Listening {
  readonly host: Host;
  readonly accept: (socket: NativeSocket) => void;
  /** Of a request for files. */
  readonly answer: (request: HttpRequest) => Promise<HttpAnswer>;
}

export type Delay = Pick<Wire, 'leastMs' | 'spreadMs'>;

export const nearby: Delay = { leastMs: 0.2, spreadMs: 1 };

/** A request that is at a node. */
interface OpenCall {
  readonly node: Host;
  readonly fail: (reason: string) => void;
}

export class ClientNetwork {
  readonly #world: World;
  readonly #random: Random;
  /** By HTTP port, as clients know nodes. Absent: refused; null: the machine is off, nothing is heard. */
  readonly #listening = new Map<number, Listening | null>();
  readonly #wires = new Map<number, Wire>();
  readonly #connections = new Set<Connection>();
  readonly #calls = new Set<OpenCall>();

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
  }

  listen(port: number, listening: Listening): void {
    this.#listening.set(port, listening);
  }

  /** The process that listened is gone. `heard`: its connections are closed. */
  ended(port: number, host: Host, heard: boolean): void {
    if (this.#listening.get(port)?.host === host) {
      if (heard) this.#listening.delete(port);
      else this.#listening.set(port, null);
    }
    for (const connection of this.#connections) {
      if (connection.node !== host) continue;
      if (heard) connection.nodeDied();
      this.#connections.delete(connection);
    }
    for (const call of this.#calls) {
      if (call.node !== host) continue;
      if (heard) call.fail('connection reset');
      this.#calls.delete(call);
    }
  }

  #wire(port: number): Wire {
    const known = this.#wires.get(port);
    if (known !== undefined) return known;
    const wire: Wire = { silent: false, ...nearby };
    this.#wires.set(port, wire);
    return wire;
  }

  /** How long everything takes, from now on; what is on its way is not overtaken. */
  setDelay(port: number, { leastMs, spreadMs }: Delay): void {
    Object.assign(this.#wire(port), { leastMs, spreadMs });
  }

  silence(port: number): void {
    this.#wire(port).silent = true;
  }

  restore(port: number): void {
    const wire = this.#wire(port);
    wire.silent = false;
    for (const connection of this.#connections) if (connection.wire === wire) connection.release();
  }

  /** All connections with the node break at once. */
  reset(port: number): void {
    const host = this.#listening.get(port)?.host;
    for (const connection of this.#connections) {
      if (connection.node === host) connection.nodeEnd.terminate();
    }
  }

  dialerOf(client: Host): Dialer {
    return { dial: ({ port }, listener) => this.#dial(client, port, listener) };
  }

  #dial(client: Host, port: number, listener: SocketListener): ReturnType<Dialer['dial']> {
    let connection: Connection | null = null;
    let closed = false;
    let waiting: string[] = [];
    const wire = this.#wire(port);
    this.#world.after(2 * this.#delayMs(wire), 'socket', client, () => {
      const listening = this.#listening.get(port);
      if (closed || wire.silent || listening === null) return;
      if (listening === undefined || !listening.host.alive) {
        listener.closed('connection refused');
        return;
      }
      connection = this.#connect(client, wire, listening, listener);
      listener.opened();
      for (const text of waiting) connection.clientEnd.send(text);
      waiting = [];
    });
    return {
      send: (text) => (connection === null ? waiting.push(text) : connection.clientEnd.send(text)),
      close: () => {
        closed = true;
        connection?.clientEnd.close();
      },
    };
  }

  httpOf(client: Host): HttpCaller {
    return {
      call: ({ port }, request) =>
        new Promise((resolve, reject) => {
          const fail = (reason: string): void => reject(new Error(reason));
          const idle = this.#world.after(request.idleMs, 'client', client, () => fail('no answer'));
          this.#call(client, port, request, {
            fail,
            answered: (answer) => {
              idle.cancel();
              resolve(answer);
            },
          });
        }),
    };
  }

  /** While nothing passes nothing is answered: whoever asked gives it up in his time. */
  #call(
    client: Host,
    port: number,
    request: HttpRequest,
    { fail, answered }: { fail: (reason: string) => void; answered: (answer: HttpAnswer) => void },
  ): void {
    const wire = this.#wire(port);
    const later = (host: Host, action: () => void): void => {
      this.#world.after(this.#delayMs(wire), 'socket', host, action);
    };
    later(client, () => {
      const listening = this.#listening.get(port);
      if (wire.silent || listening === null) return;
      if (listening === undefined || !listening.host.alive) {
        fail('connection refused');
        return;
      }
      const call: OpenCall = { node: listening.host, fail };
      this.#calls.add(call);
      later(listening.host, () => {
        void listening.answer(request).then((answer) => {
          this.#calls.delete(call);
          later(client, () => {
            if (!wire.silent) answered(answer);
          });
        });
      });
    });
  }

  #connect(client: Host, wire: Wire, { host, accept }: Listening, listener: SocketListener): Connection {
    const connection = new Connection({
      client,
      node: host,
      wire,
      delayMs: () => this.#delayMs(wire),
      listener,
      onEnd: (ended) => this.#connections.delete(ended),
    });
    this.#connections.add(connection);
    // In the node's own time: it may be paused.
    this.#world.after(0, 'socket', host, () => accept(connection.nodeEnd));
    return connection;
  }

  #delayMs({ leastMs, spreadMs }: Wire): number {
    return leastMs + this.#random.fraction() * spreadMs;
  }
}
