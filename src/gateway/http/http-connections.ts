/**
 * Connections of the HTTP port, from their first byte until they are over or have become a WebSocket (which `address-limits.ts` counts):
 * so many at once, and so many from one address. What is over is closed unread.
 */
import type { Server, Socket } from 'node:net';
import { networkOf } from '../connections/address-limits.ts';
import type { Counters } from '../connections/counters.ts';

export interface HttpConnectionBounds {
  readonly total: number;
  /** 0 for no limit. */
  readonly perAddress: number;
}

export interface HttpConnections {
  /** To be told of a connection that becomes a WebSocket. No listener for `upgrade`: one that answers nothing would leave it open. */
  leave(socket: Socket): void;
  /**
   * Closes all, and from now on whoever comes. The platform's own server forgets a connection that asks to become a WebSocket, and would wait
   * for ever for one that was then refused because the node stops.
   */
  end(): void;
}

export function boundConnections(
  server: Server,
  /** TLS or not: when a connection is there. Handshakes have a bound of their own. */
  event: 'connection' | 'secureConnection',
  { total, perAddress }: HttpConnectionBounds,
  counters: Counters,
): HttpConnections {
  const held = new Map<Socket, string>();
  const counts = new Map<string, number>();
  let isOver = false;
  const leave = (socket: Socket): void => {
    const key = held.get(socket);
    if (key === undefined) return;
    held.delete(socket);
    const left = (counts.get(key) ?? 1) - 1;
    if (left > 0) counts.set(key, left);
    else counts.delete(key);
  };
  server.on(event, (socket: Socket) => {
    if (isOver) {
      socket.destroy();
      return;
    }
    const key = networkOf(socket.remoteAddress ?? '');
    const own = counts.get(key) ?? 0;
    if (held.size >= total || (perAddress > 0 && own >= perAddress)) {
      counters.connectionsRefused += 1;
      socket.destroy();
      return;
    }
    held.set(socket, key);
    counts.set(key, own + 1);
    socket.once('close', () => leave(socket));
  });
  const end = (): void => {
    isOver = true;
    for (const socket of [...held.keys()]) socket.destroy();
  };
  return { leave, end };
}
