/**
 * Connections between nodes before anything is said on them: plain TCP in the loopback demonstration, else mutual TLS 1.3 in which each
 * side shows a certificate of the cluster's own authority that names its node. Adapter: used by `tcp-transport.ts` only.
 */
import {
  connect as connectPlain,
  createServer as createPlainServer,
  type Server,
  type Socket,
} from 'node:net';
import {
  type ConnectionOptions,
  connect as connectTls,
  createServer as createTlsServer,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls';
import { CodedError } from '../../base/errors.ts';
import type { PeerMaterial } from '../../tls/material.ts';
import { namedNode } from '../../tls/node-name.ts';
import type { MaterialSource } from '../../tls/transport-security.ts';
import type { PeerAddress } from '../ports/peer-transport.ts';
import { HandshakeError, handshakeMs, type Refusal } from './secure-connection.ts';

const keepAliveMs = 5_000;
/** Connections within their TLS handshake. */
const shakingAtOnce = 64;

/** A connection on which nothing was said yet. */
export interface PeerSocket {
  readonly socket: Socket;
  /** The node that the other side's certificate names; null on plain TCP, where only the cluster key proves anything. */
  readonly certified: number | null;
}

export interface PeerSocketsOptions {
  readonly cluster: string;
  readonly host: string;
  readonly port: number;
  readonly tls: MaterialSource<PeerMaterial> | null;
  readonly arrived: (arrival: PeerSocket) => void;
  /** A connection that was closed before anything on it was parsed. */
  readonly refused: (refusal: Refusal) => void;
}

export class PeerSockets {
  readonly #options: PeerSocketsOptions;
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  readonly #shaking = new Set<string>();

  constructor(options: PeerSocketsOptions) {
    this.#options = options;
    this.#server = options.tls === null ? this.#plainServer() : this.#tlsServer(options.tls);
  }

  /** Rejects with PORT_IN_USE. `failed` hears of troubles after that. */
  async listen(node: number, failed: (error: Error) => void): Promise<void> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) => {
        const inUse = 'code' in error && error.code === 'EADDRINUSE';
        const text = `peer port ${host}:${port} of node ${node} is in use`;
        reject(inUse ? new CodedError('PORT_IN_USE', text) : error);
      });
      this.#server.listen(port, host, resolve);
    });
    this.#server.on('error', failed);
  }

  /** Resolves once every connection is gone. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  destroyAll(): void {
    for (const socket of this.#open) socket.destroy();
  }

  /** Resolves when the connection stands and, under TLS, the other side is the node that was meant; rejects with `HandshakeError`. */
  dial(peer: PeerAddress, later: (action: () => void) => () => void): Promise<PeerSocket> {
    const { tls } = this.#options;
    const address = { host: peer.host, port: peer.peerPort };
    return tls === null
      ? this.#dialled(connectPlain({ ...address, noDelay: true }), 'connect', peer.id, later, () => null)
      : this.#dialTls(connectTls({ ...address, ...optionsOf(tls.current()), ...anyName }), peer.id, later);
  }

  #dialTls(socket: TLSSocket, node: number, later: (action: () => void) => () => void): Promise<PeerSocket> {
    return this.#dialled(socket, 'secureConnect', node, later, () => {
      if (this.#nameIn(socket) !== node) throw new HandshakeError('other-certificate', node);
      return node;
    });
  }

  async #dialled(
    socket: Socket,
    ready: 'connect' | 'secureConnect',
    node: number,
    later: (action: () => void) => () => void,
    certify: () => number | null,
  ): Promise<PeerSocket> {
    this.#track(socket);
    let broken: Refusal = 'closed';
    socket.once('error', (error) => {
      if (isCertificateFault(error)) broken = 'bad-certificate';
    });
    await new Promise<void>((resolve, reject) => {
      const cancel = later(() => socket.destroy());
      socket.once(ready, resolve);
      socket.once(ready, cancel);
      socket.once('close', () => reject(new HandshakeError(broken, node)));
      socket.once('close', cancel);
    });
    socket.setNoDelay(true).setKeepAlive(true, keepAliveMs);
    try {
      return { socket, certified: certify() };
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  #plainServer(): Server {
    return createPlainServer({ noDelay: true }, (socket) => {
      this.#track(socket);
      this.#options.arrived({ socket, certified: null });
    });
  }

  #tlsServer(tls: MaterialSource<PeerMaterial>): Server {
    const options = (): TlsOptions => ({
      ...optionsOf(tls.current()),
      requestCert: true,
      rejectUnauthorized: true,
    });
    const server = createTlsServer({ ...options(), noDelay: true, handshakeTimeout: handshakeMs }, (socket) =>
      this.#arrived(socket),
    );
    server.on('connection', (socket: Socket) => this.#boundShaking(socket));
    server.on('tlsClientError', (error, socket) => {
      const isFault = isCertificateFault(error) || isUntrusted(socket);
      this.#options.refused(isFault ? 'bad-certificate' : 'not-a-peer');
      socket.destroy();
    });
    tls.onChange(() => server.setSecureContext(options()));
    return server;
  }

  #arrived(socket: TLSSocket): void {
    this.#track(socket);
    this.#shaking.delete(nameOf(socket));
    const certified = this.#nameIn(socket);
    // A resumed session would stand for a certificate that was not shown now.
    if (certified !== null && !socket.isSessionReused()) {
      this.#options.arrived({ socket, certified });
      return;
    }
    this.#options.refused('other-certificate');
    socket.destroy();
  }

  #nameIn(socket: TLSSocket): number | null {
    const certificate = socket.getPeerX509Certificate();
    return namedNode(certificate?.subjectAltName, this.#options.cluster);
  }

  /** The handshake costs this node more than whoever knocks. */
  #boundShaking(socket: Socket): void {
    if (this.#shaking.size >= shakingAtOnce) {
      this.#options.refused('too-many');
      socket.destroy();
      return;
    }
    const name = nameOf(socket);
    this.#shaking.add(name);
    socket.once('close', () => this.#shaking.delete(name));
  }

  #track(socket: Socket): void {
    this.#open.add(socket);
    socket.on('close', () => this.#open.delete(socket));
    // What went wrong is told by the close that follows.
    socket.on('error', () => socket.destroy());
  }
}

/** The certificate is checked against the authority by the platform, and by the number of the node here: not by a host's name. */
const anyName = { checkServerIdentity: () => undefined };

function optionsOf({
  key,
  cert,
  ca,
}: PeerMaterial): Pick<ConnectionOptions, 'key' | 'cert' | 'ca' | 'minVersion'> {
  return { key, cert, ca, minVersion: 'TLSv1.3' };
}

/** The handshake came to its end, and only then was the certificate found wanting: all that is told is that it is over. */
function isUntrusted({ authorizationError }: TLSSocket): boolean {
  return Boolean(authorizationError);
}

/** The platform's own codes, and the alerts of TLS that speak of certificates. */
function isCertificateFault(error: Error): boolean {
  const code = 'code' in error ? String(error.code) : '';
  return /CERT|UNABLE_TO|SELF_SIGNED|UNKNOWN_CA|INVALID_CA|VERIFY/.test(code);
}

function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
