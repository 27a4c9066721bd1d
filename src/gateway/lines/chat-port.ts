/** The chat port: TCP connections of line dialects. Silent on connect; the first line decides. A port of one dialect may take WebSockets too. */
import type { Server, Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { assert } from '../../base/assert.ts';
import type { Clock } from '../../base/clock.ts';
import type { ErrorCode } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { Logger } from '../../base/logger.ts';
import type { Material } from '../../tls/material.ts';
import type { MaterialSource } from '../../tls/transport-security.ts';
import type { AddressLimits, Ticket } from '../connections/address-limits.ts';
import type { Counters } from '../connections/counters.ts';
import { listen } from '../connections/listen.ts';
import { createLineServer } from '../connections/secure-server.ts';
import { errorLine, type LineDialect } from './errors.ts';
import { FrameLines } from './frame-lines.ts';
import { LineConnection, type LineTimeouts, type OpenSession } from './line-connection.ts';
import type { UpgradeDoor } from './upgrade-door.ts';

export interface ChatPortOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: Counters;
  readonly timeouts: LineTimeouts;
  readonly open: OpenSession;
  readonly addresses: Pick<AddressLimits, 'open'>;
  /** A listener of one dialect; null: the first line decides. */
  readonly dialect: LineDialect | null;
  /** Null: plain text. */
  readonly tls: MaterialSource<Material> | null;
  /** Of a listener of one dialect: it may be spoken in frames, too. Null: in lines only. */
  readonly door: UpgradeDoor | null;
}

export class ChatPort {
  readonly #options: ChatPortOptions;
  readonly #server: Server;
  readonly #connections = new Set<LineConnection | FrameLines>();
  /** Connections that have not said yet what they speak. */
  readonly #silent = new Set<Socket>();

  constructor(options: ChatPortOptions) {
    this.#options = options;
    this.#server = createLineServer(options.tls, options.counters, (socket) => this.#accept(socket));
  }

  /** Rejects with `CodedError` PORT_IN_USE. Port 0 takes a free one; resolves with the port. */
  listen(host: string, port: number): Promise<number> {
    return listen(this.#server, host, port, 'chat port');
  }

  /** Accepts no more, lets running lines finish, closes: within the time of one operation. */
  async stop(): Promise<void> {
    const insist = this.#options.clock.after(limits.operationMs, () => {
      for (const connection of this.#connections) connection.destroy();
      for (const socket of this.#silent) socket.destroy();
    });
    const closed = this.#server.listening
      ? new Promise<void>((resolve) => {
          this.#server.close(() => resolve());
        })
      : Promise.resolve();
    for (const socket of this.#silent) socket.destroy();
    for (const connection of this.#connections) connection.stop();
    await Promise.all([...this.#connections].map((connection) => connection.closed));
    await closed;
    insist.cancel();
  }

  #accept(socket: Socket): void {
    const { counters, addresses, door } = this.#options;
    // Its handshake ended after this port did.
    if (!this.#server.listening) {
      socket.destroy();
      return;
    }
    if (counters.chatConnections + counters.nativeConnections >= limits.connectionsPerNode) {
      this.#refuse(socket, 'TOO_MANY_CONNECTIONS');
      return;
    }
    // A line connection has no token to show: over the limit of its address it is refused.
    const ticket = addresses.open(socket.remoteAddress ?? null, false);
    if (ticket.kind === 'refused') {
      this.#refuse(socket, 'RATE_LIMITED');
      return;
    }
    counters.chatConnections += 1;
    socket.once('close', () => {
      ticket.closed();
      counters.chatConnections -= 1;
      this.#silent.delete(socket);
    });
    if (door === null) {
      this.#speakLines(socket, ticket);
      return;
    }
    this.#silent.add(socket);
    door.tell(socket, {
      lines: () => this.#speakLines(socket, ticket),
      frames: (frames) => this.#speakFrames(frames, socket, ticket),
    });
  }

  #speakLines(socket: Socket, { loggedIn }: Ticket): void {
    const { clock, logger, timeouts, open, dialect } = this.#options;
    this.#keep(socket, new LineConnection(socket, { clock, logger, timeouts, open, dialect, loggedIn }));
  }

  #speakFrames(frames: WebSocket, socket: Socket, ticket: Ticket): void {
    const { clock, timeouts, open, dialect } = this.#options;
    assert(dialect !== null, 'a port with a door speaks one dialect');
    const address = socket.remoteAddress ?? null;
    this.#keep(socket, new FrameLines(frames, { clock, timeouts, dialect, open, address, ticket }));
  }

  #keep(socket: Socket, connection: LineConnection | FrameLines): void {
    this.#silent.delete(socket);
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
  }

  #refuse(socket: Socket, code: ErrorCode): void {
    const { counters, dialect } = this.#options;
    counters.connectionsRefused += 1;
    socket.on('error', () => socket.destroy());
    socket.end(errorLine(dialect ?? 'pipe', code), () => socket.destroy());
  }
}
