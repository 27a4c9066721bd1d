/** How a client decides whether it talks to the right server, before it says a word. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { CodedError } from '../base/errors.ts';

export type Trust =
  /** No TLS: to a node on this machine, or where somebody asked for it by name. */
  | { readonly kind: 'plain' }
  /** Servers for which one of these authorities vouches (PEM). */
  | { readonly kind: 'authorities'; readonly ca: string }
  /** Servers that hold one of these keys, and no other, whoever vouches for it. */
  | { readonly kind: 'pinned'; readonly keys: readonly KeyObject[] };

export type SecureTrust = Exclude<Trust, { readonly kind: 'plain' }>;

export const plainTrust: Trust = { kind: 'plain' };

const handshakeMs = 5_000;

/** `pem`: one public key, or the old one and the new one while they are exchanged. Throws CodedError TLS_INVALID. */
export function trustKeys(pem: string, name = 'the pinned key'): Trust {
  const blocks = pem.match(/-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g) ?? [];
  if (blocks.length === 0)
    throw new CodedError('TLS_INVALID', `${name} holds no public key (PEM, BEGIN PUBLIC KEY)`);
  try {
    return { kind: 'pinned', keys: blocks.map((block) => createPublicKey(block)) };
  } catch (error) {
    throw new CodedError('TLS_INVALID', `${name} cannot be read`, { cause: error });
  }
}

/** Throws CodedError TLS_INVALID. */
export function trustAuthorities(pem: string, name = 'the CA file'): Trust {
  if (pem.includes('-----BEGIN CERTIFICATE-----')) return { kind: 'authorities', ca: pem };
  throw new CodedError('TLS_INVALID', `${name} holds no certificate (PEM, BEGIN CERTIFICATE)`);
}

/** `socket` is of no use beside an error. */
export type Connected = (error: Error | null, socket: TLSSocket) => void;

/**
 * A connection to a server that was found to be the right one; an error otherwise, and then nothing was sent to it. Sessions are not resumed:
 * a resumed one shows no certificate that could be compared with a pinned key. `reachMs`: until the server must have been reached, handshake
 * apart.
 */
export function connectTrusted(
  address: { readonly host: string; readonly port: number },
  trust: SecureTrust,
  connected: Connected,
  reachMs = handshakeMs,
): void {
  const { host, port } = address;
  const name = isIP(host) === 0 ? { servername: host } : {};
  const socket = connectTls({ host, port, minVersion: 'TLSv1.3', ...name, ...checksOf(trust) });
  const failed = (error: Error): void => {
    socket.destroy();
    connected(error, socket);
  };
  const late = setTimeout(() => socket.destroy(new Error('no TLS handshake in time')), handshakeMs);
  const unreached = setTimeout(() => socket.destroy(new Error('not reached in time')), reachMs);
  socket.once('connect', () => clearTimeout(unreached));
  socket.once('close', () => {
    clearTimeout(late);
    clearTimeout(unreached);
  });
  socket.once('error', failed);
  socket.once('secureConnect', () => {
    clearTimeout(late);
    socket.off('error', failed);
    if (isRight(socket, trust)) {
      connected(null, socket);
      return;
    }
    socket.on('error', () => socket.destroy());
    failed(new Error(`${host}:${port} has another key than the pinned one`));
  });
}

function checksOf(trust: SecureTrust): ConnectionOptions {
  // A pinned key stands above names, dates and authorities; it is compared once the other side has proved to hold it.
  if (trust.kind === 'pinned') return { rejectUnauthorized: false };
  return { rejectUnauthorized: true, ca: trust.ca };
}

function isRight(socket: TLSSocket, trust: SecureTrust): boolean {
  if (trust.kind === 'authorities') return socket.authorized;
  const key = socket.getPeerX509Certificate()?.publicKey;
  return key !== undefined && trust.keys.some((pinned) => pinned.equals(key));
}
