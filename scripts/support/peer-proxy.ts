/**
 * Stands between the nodes of a cluster: each node listens on a port of its own, and the others dial the proxy's port for it. Who dials is
 * read off the first frame of a connection, which is not encrypted, so that pairs of nodes can be parted, one way or both.
 */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface Route {
  readonly id: number;
  /** Where the others dial. */
  readonly port: number;
  /** Where the node listens. */
  readonly target: number;
}

/** `cut`: connections end, as with a firewall that answers. `silent`: nothing arrives and nobody is told. */
export type Parting = 'cut' | 'silent';

const host = '127.0.0.1';
const largestHello = 2_048;

interface Conversation {
  readonly from: number;
  readonly to: number;
  /** Of the dialer, and of the node that was dialed. */
  readonly sockets: readonly [Socket, Socket];
}

export class PeerProxy {
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #conversations = new Set<Conversation>();
  readonly #cut = new Set<string>();
  /** One way: "from>to". */
  readonly #silent = new Set<string>();
  #partings = 0;

  /** Listens for all of them. Rejects when a port is in use. */
  static async open(routes: readonly Route[]): Promise<PeerProxy> {
    const proxy = new PeerProxy();
    for (const route of routes) {
      const server = createServer({ noDelay: true }, (socket) => void proxy.#accept(socket, route));
      proxy.#servers.push(server);
      server.listen(route.port, host);
      await once(server, 'listening');
    }
    return proxy;
  }

  /** How often nodes were parted. */
  get partings(): number {
    return this.#partings;
  }

  part(a: number, b: number, how: Parting): void {
    this.#partings++;
    if (how === 'cut') this.#cut.add(pairOf(a, b));
    else for (const way of [`${a}>${b}`, `${b}>${a}`]) this.#silent.add(way);
    this.#enforce();
  }

  /** What `from` says to `to` does not arrive; what it hears does. */
  deafen(from: number, to: number): void {
    this.#partings++;
    this.#silent.add(`${from}>${to}`);
    this.#enforce();
  }

  heal(): void {
    this.#cut.clear();
    this.#silent.clear();
    this.#enforce();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(
      this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
    );
  }

  async #accept(dialer: Socket, { id, target }: Route): Promise<void> {
    this.#track(dialer);
    const hello = await readHello(dialer);
    // Closed meanwhile, it would leave the other half open.
    if (hello === null || dialer.destroyed || this.#cut.has(pairOf(hello.from, id))) {
      dialer.destroy();
      return;
    }
    const node = connect({ host, port: target, noDelay: true });
    this.#track(node);
    const conversation: Conversation = { from: hello.from, to: id, sockets: [dialer, node] };
    this.#conversations.add(conversation);
    node.once('close', () => this.#conversations.delete(conversation));
    this.#forward(dialer, node, `${hello.from}>${id}`);
    this.#forward(node, dialer, `${id}>${hello.from}`);
    dialer.unshift(hello.bytes);
    this.#steer(conversation);
  }

  #forward(source: Socket, sink: Socket, way: string): void {
    source.on('data', (chunk) => {
      if (!sink.write(chunk)) source.pause();
    });
    sink.on('drain', () => {
      if (!this.#silent.has(way)) source.resume();
    });
    source.on('end', () => sink.end());
    source.on('close', () => sink.destroy());
  }

  #enforce(): void {
    for (const conversation of this.#conversations) {
      if (!this.#cut.has(pairOf(conversation.from, conversation.to))) this.#steer(conversation);
      else for (const socket of conversation.sockets) socket.destroy();
    }
  }

  #steer({ from, to, sockets: [dialer, node] }: Conversation): void {
    if (this.#silent.has(`${from}>${to}`)) dialer.pause();
    else dialer.resume();
    if (this.#silent.has(`${to}>${from}`)) node.pause();
    else node.resume();
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    // The close that follows says all there is to say.
    socket.on('error', () => socket.destroy());
  }
}

interface FirstFrame {
  readonly from: number;
  /** All that has been read. */
  readonly bytes: Buffer;
}

/** Null when the connection ends first, or begins with something else. */
async function readHello(socket: Socket): Promise<FirstFrame | null> {
  let bytes = Buffer.alloc(0);
  return new Promise((resolve) => {
    const finish = (found: FirstFrame | null): void => {
      socket.off('data', take);
      socket.off('close', give);
      socket.pause();
      resolve(found);
    };
    const give = (): void => finish(null);
    const take = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk]);
      const length = bytes.length < 2 ? largestHello : bytes.readUInt16BE(0);
      if (bytes.length >= 2 + length) finish(firstFrame(bytes, length));
      else if (bytes.length > largestHello) finish(null);
    };
    socket.on('data', take);
    socket.on('close', give);
  });
}

function firstFrame(bytes: Buffer, length: number): FirstFrame | null {
  try {
    const hello: unknown = JSON.parse(bytes.subarray(2, 2 + length).toString('utf8'));
    const isHello = typeof hello === 'object' && hello !== null && 'node' in hello;
    return isHello && typeof hello.node === 'number' ? { from: hello.node, bytes } : null;
  } catch {
    return null;
  }
}

function pairOf(a: number, b: number): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}
