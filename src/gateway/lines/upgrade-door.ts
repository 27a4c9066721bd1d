/**
 * WebSockets on a port of lines. A connection whose first bytes are `GET ` is a request for one, and gets nothing else; any other speaks
 * lines from its first byte on. The platform's HTTP server reads the request, on connections that it is handed and listens for none.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Clock, Timer } from '../../base/clock.ts';
import type { Counters } from '../connections/counters.ts';
import { webSocketBounds } from '../native/native-socket.ts';
import type { LineTimeouts } from './line-connection.ts';

export interface UpgradeDoorOptions {
  readonly clock: Clock;
  readonly timeouts: LineTimeouts;
  /** Origins of the members' own pages; any other page's WebSocket is refused. */
  readonly origins: () => readonly string[];
  readonly counters: Pick<Counters, 'badFrames'>;
}

export interface Speaks {
  /** Nothing was read of the connection. */
  lines(): void;
  frames(socket: WebSocket): void;
}

const request = Buffer.from('GET ');

export class UpgradeDoor {
  readonly #options: UpgradeDoorOptions;
  readonly #http: Server;
  readonly #frames = new WebSocketServer({ noServer: true, clientTracking: false, ...webSocketBounds });
  readonly #asked = new WeakMap<Duplex, (socket: WebSocket) => void>();

  constructor(options: UpgradeDoorOptions) {
    this.#options = options;
    this.#http = createServer((_request, response) => {
      response.writeHead(426, { connection: 'close', upgrade: 'websocket' }).end();
    });
    this.#http.on('upgrade', (asked, socket, head) => this.#upgrade(asked, socket, head));
    this.#http.on('clientError', (_error, socket) => socket.destroy());
  }

  /** Calls one of them, unless the connection ends or says nothing in time before. */
  tell(socket: Socket, speaks: Speaks): void {
    const { clock, timeouts } = this.#options;
    // As for the first line of any connection: some time in silence, less for what was begun.
    let patience = clock.after(timeouts.silentMs, () => socket.destroy());
    let begun = Buffer.alloc(0);
    const look = (): void => {
      const piece = socket.read();
      if (!Buffer.isBuffer(piece)) return;
      const isFirst = begun.length === 0;
      begun = Buffer.concat([begun, piece]);
      const known = Math.min(begun.length, request.length);
      const isRequest = begun.subarray(0, known).equals(request.subarray(0, known));
      if (isRequest && known < request.length) {
        if (!isFirst) return;
        patience.cancel();
        patience = clock.after(timeouts.halfLineMs, () => socket.destroy());
        return;
      }
      leave();
      // Not before: what is given back is readable at once, and would be looked at for ever.
      socket.unshift(begun);
      if (isRequest) this.#ask(socket, (opened) => speaks.frames(opened));
      else speaks.lines();
    };
    const leave = (): void => {
      patience.cancel();
      socket.off('readable', look);
      socket.off('end', ended);
      socket.off('close', leave);
      socket.off('error', ignore);
    };
    // Less than a line, and no more to come.
    const ended = (): void => void socket.destroy();
    socket.on('readable', look);
    socket.on('end', ended);
    socket.on('close', leave);
    socket.on('error', ignore);
  }

  #ask(socket: Socket, opened: (socket: WebSocket) => void): void {
    const { clock, timeouts } = this.#options;
    const patience: Timer = clock.after(timeouts.halfLineMs, () => socket.destroy());
    socket.once('close', () => patience.cancel());
    this.#asked.set(socket, (frames) => {
      patience.cancel();
      opened(frames);
    });
    this.#http.emit('connection', socket);
  }

  #upgrade(asked: IncomingMessage, socket: Duplex, head: Buffer): void {
    // The platform has let go of it, its errors too.
    socket.on('error', ignore);
    const { origin } = asked.headers;
    const opened = this.#asked.get(socket);
    if (opened === undefined || (origin !== undefined && !this.#options.origins().includes(origin))) {
      socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    this.#frames.handleUpgrade(asked, socket, head, (frames) => {
      // A frame over the limit, bad UTF-8, a broken connection: `ws` has begun to close with the code that says so.
      frames.on('error', () => {
        this.#options.counters.badFrames += 1;
      });
      opened(frames);
    });
  }
}

function ignore(): void {
  // Its close follows, and is what counts.
}
