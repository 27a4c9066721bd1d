/** The chat port: TCP connections of line dialects. Silent on connect; the first line decides. */
import type { Server, Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import type { ErrorCode } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import type { Material } from '../tls/material.ts';
import type { MaterialSource } from '../tls/transport-security.ts';
import type { AddressLimits } from './address-limits.ts';
import type { Counters } from './counters.ts';
import { errorLine, type LineDialect } from './dialects/errors.ts';
import { LineConnection, type LineTimeouts, type OpenSession } from './line-connection.ts';
import { listen } from './listen.ts';
import { createLineServer } from './secure-server.ts';

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
}

export class ChatPort {
  readonly #options: ChatPortOptions;
  readonly #server: Server;
  readonly #connections = new Set<LineConnection>();

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
    });
    const closed = this.#server.listening
      ? new Promise<void>((resolve) => {
          this.#server.close(() => resolve());
        })
      : Promise.resolve();
    for (const connection of this.#connections) connection.stop();
    await Promise.all([...this.#connections].map((connection) => connection.closed));
    await closed;
    insist.cancel();
  }

  #accept(socket: Socket): void {
    const { counters, clock, logger, timeouts, open, dialect, addresses } = this.#options;
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
    const loggedIn = ticket.loggedIn;
    const connection = new LineConnection(socket, { clock, logger, timeouts, open, dialect, loggedIn });
    this.#connections.add(connection);
    void connection.closed.then(() => {
      ticket.closed();
      counters.chatConnections -= 1;
      this.#connections.delete(connection);
    });
  }

  #refuse(socket: Socket, code: ErrorCode): void {
    const { counters, dialect } = this.#options;
    counters.connectionsRefused += 1;
    socket.on('error', () => socket.destroy());
    socket.end(errorLine(dialect ?? 'pipe', code), () => socket.destroy());
  }
}
