/** TLS on the ports that people connect to, and the bound on connections that have not finished its handshake. */
import { createServer as createPlainServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions, type Server as TlsServer } from 'node:tls';
import type { Material } from '../../tls/material.ts';
import type { MaterialSource } from '../../tls/transport-security.ts';
import type { Counters } from './counters.ts';

const handshakeMs = 5_000;
/** Connections of one port within their handshake; further ones are closed. */
const handshakesAtOnce = 512;
/** A server of lines; `accept` is given connections that are ready to speak. A client that ends its side may still be owed answers. */
export function createLineServer(
  tls: MaterialSource<Material> | null,
  counters: Counters,
  accept: (socket: Socket) => void,
): Server {
  if (tls === null) return createPlainServer({ noDelay: true, allowHalfOpen: true }, accept);
  const server = createTlsServer({ noDelay: true, ...serverOptions(tls) }, (socket) => {
    // Not before: a client that leaves within the handshake must be gone at once.
    socket.allowHalfOpen = true;
    accept(socket);
  });
  guardHandshakes(server, tls, counters);
  return server;
}

export function serverOptions(tls: MaterialSource<Material>): TlsOptions {
  const { key, cert } = tls.current();
  return { key, cert, minVersion: 'TLSv1.3', handshakeTimeout: handshakeMs };
}

/** Bounds and counts handshakes, and takes up new certificates. */
export function guardHandshakes(server: TlsServer, tls: MaterialSource<Material>, counters: Counters): void {
  const shaking = new Set<string>();
  server.on('connection', (socket: Socket) => {
    const peer = peerOf(socket);
    if (shaking.size >= handshakesAtOnce) {
      counters.connectionsRefused += 1;
      socket.destroy();
      return;
    }
    shaking.add(peer);
    socket.once('close', () => shaking.delete(peer));
  });
  server.on('secureConnection', (socket) => shaking.delete(peerOf(socket)));
  server.on('tlsClientError', (_error, socket) => {
    counters.handshakesFailed += 1;
    socket.destroy();
  });
  tls.onChange(() => server.setSecureContext(serverOptions(tls)));
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
