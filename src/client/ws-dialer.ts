/** The adapter to the platform: WebSocket connections and cryptographic chance. Nothing else in this folder touches either. */
import { randomBytes } from 'node:crypto';
import { WebSocket, type ClientOptions as WebSocketOptions } from 'ws';
import { plainTrust, type Trust } from '../tls/trust.ts';
import { TrustedAgent } from '../tls/trusted-agent.ts';
import type { Dialer, Secrets, Socket, SocketListener } from './ports.ts';
import type { ServerAddress } from './server-pool.ts';
import { timings } from './timings.ts';

/** A reply may be larger than a request (a long user list); what exceeds this ends the connection. */
const incomingFrameBytes = 16 * 1024 * 1024;
const closingMs = 500;

export const wsDialer: Dialer = dialerFor(plainTrust);

/** Over TLS unless `trust` is plain; the upgrade is asked for only once the server was found to be the right one. */
export function dialerFor(trust: Trust): Dialer {
  if (trust.kind === 'plain') return { dial: (address, listener) => dial(address, listener, null) };
  const agent = new TrustedAgent(trust, { reachMs: timings.dialMs });
  return { openMs: timings.secureDialMs, dial: (address, listener) => dial(address, listener, agent) };
}

function dial({ host, port }: ServerAddress, listener: SocketListener, agent: TrustedAgent | null): Socket {
  const options: WebSocketOptions = {
    perMessageDeflate: false,
    maxPayload: incomingFrameBytes,
    ...(agent === null ? {} : { agent }),
  };
  const scheme = agent === null ? 'ws' : 'wss';
  const socket = new WebSocket(`${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}/ws`, options);
  let reason = 'connection closed';
  socket.on('open', () => listener.opened());
  socket.on('message', (data) => listener.received(String(data)));
  socket.on('error', (error) => {
    reason = reasonOf(error, agent !== null);
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
}

/** What a person can do something about is said so. */
function reasonOf({ message }: Error, isSecure: boolean): string {
  if (message.startsWith('Parse Error')) return 'this is a port for lines: name the HTTP port';
  if (message === 'socket hang up' && !isSecure) {
    return 'the connection was closed at once; a port with TLS needs --trust or --ca';
  }
  return message;
}

export const systemSecrets: Secrets = {
  hex: (bytes) => randomBytes(bytes).toString('hex'),
};
