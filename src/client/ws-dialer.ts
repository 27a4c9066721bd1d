/** The adapter to the platform: WebSocket connections and cryptographic chance. Nothing else in this folder touches either. */
import { randomBytes } from 'node:crypto';
import { WebSocket } from 'ws';
import type { Dialer, Secrets } from './ports.ts';

/** A reply may be larger than a request (a long user list); what exceeds this ends the connection. */
const incomingFrameBytes = 16 * 1024 * 1024;
const closingMs = 500;

export const wsDialer: Dialer = {
  dial({ host, port }, listener) {
    const socket = new WebSocket(`ws://${host.includes(':') ? `[${host}]` : host}:${port}/ws`, {
      perMessageDeflate: false,
      maxPayload: incomingFrameBytes,
    });
    let reason = 'connection closed';
    socket.on('open', () => listener.opened());
    socket.on('message', (data) => listener.received(String(data)));
    socket.on('error', (error) => {
      reason = error.message;
    });
    // `ws` follows every error by a close, so this is the one place that reports the end.
    socket.on('close', () => listener.closed(reason));
    return {
      send(text) {
        if (socket.readyState === WebSocket.OPEN) socket.send(text);
      },
      close() {
        if (socket.readyState !== WebSocket.OPEN) {
          socket.terminate();
          return;
        }
        socket.close(1000);
        // A node that hangs does not answer the closing handshake.
        setTimeout(() => socket.terminate(), closingMs).unref();
      },
    };
  },
};

export const systemSecrets: Secrets = {
  hex: (bytes) => randomBytes(bytes).toString('hex'),
};
