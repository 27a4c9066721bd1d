/** A private key with its certificate, read and checked: what cannot work is refused in one line, before a port is opened. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { open } from 'node:fs/promises';
import { CodedError } from '../base/errors.ts';
import type { PeerTlsPaths, ServerTlsPaths } from '../base/transport-config.ts';
import { namedNode } from './node-name.ts';

/** PEM texts, as the platform's TLS takes them. */
export interface Material {
  readonly key: string;
  /** The leaf first. */
  readonly cert: string;
}

export interface PeerMaterial extends Material {
  /** One authority, or several while one replaces another. */
  readonly ca: string;
}

/** When a certificate in use ends. */
export interface Expiry {
  readonly path: string;
  readonly notAfterMs: number;
}

export interface Loaded<Kind extends Material> {
  readonly material: Kind;
  readonly expiries: readonly Expiry[];
}

const othersMayRead = 0o077;
const fileBytes = 1024 * 1024;
const hint = 'make keys with `npm run admin -- keys`, see docs/operations.md';

/** Rejects with CodedError TLS_INVALID. */
export async function loadServer(paths: ServerTlsPaths, nowMs: number): Promise<Loaded<Material>> {
  const { material, leaf } = await loadPair(paths, nowMs);
  return { material, expiries: [expiryOf(paths.cert, leaf)] };
}

/** Rejects with CodedError TLS_INVALID, also when the certificate names another node or is of another authority. */
export async function loadPeer(
  paths: PeerTlsPaths,
  self: { readonly cluster: string; readonly node: number },
  nowMs: number,
): Promise<Loaded<PeerMaterial>> {
  const { material, leaf } = await loadPair(paths, nowMs);
  const ca = await read(paths.ca, false);
  const authorities = certificatesIn(paths.ca, ca);
  if (namedNode(leaf.subjectAltName, self.cluster) !== self.node) {
    throw invalid(
      `${paths.cert} is not the certificate of node ${self.node} of the cluster "${self.cluster}"`,
    );
  }
  const isDirect = certificatesIn(paths.cert, material.cert).length === 1;
  if (isDirect && !authorities.some((authority) => leaf.verify(authority.publicKey))) {
    throw invalid(`${paths.cert} was not signed by ${paths.ca}`);
  }
  for (const authority of authorities) refuseEnded(paths.ca, authority, nowMs);
  const expiries = [expiryOf(paths.cert, leaf), ...authorities.map((each) => expiryOf(paths.ca, each))];
  return { material: { ...material, ca }, expiries };
}

async function loadPair(
  paths: ServerTlsPaths,
  nowMs: number,
): Promise<{ readonly material: Material; readonly leaf: X509Certificate }> {
  const key = await read(paths.key, true);
  const cert = await read(paths.cert, false);
  const [leaf] = certificatesIn(paths.cert, cert);
  if (leaf === undefined) throw invalid(`${paths.cert} holds no certificate`);
  if (!leaf.checkPrivateKey(parse(paths.key, () => createPrivateKey(key)))) {
    throw invalid(`${paths.cert} is not the certificate of ${paths.key}`);
  }
  refuseEnded(paths.cert, leaf, nowMs);
  return { material: { key, cert }, leaf };
}

export function certificatesIn(path: string, text: string): readonly X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw invalid(`${path} holds no certificate`);
  return blocks.map((block) => parse(path, () => new X509Certificate(block)));
}

function refuseEnded(path: string, certificate: X509Certificate, nowMs: number): void {
  if (Date.parse(certificate.validTo) <= nowMs) throw invalid(`${path} expired on ${certificate.validTo}`);
  if (Date.parse(certificate.validFrom) > nowMs) {
    throw invalid(`${path} is not valid before ${certificate.validFrom}`);
  }
}

function expiryOf(path: string, certificate: X509Certificate): Expiry {
  return { path, notAfterMs: Date.parse(certificate.validTo) };
}

function parse<Parsed>(path: string, action: () => Parsed): Parsed {
  try {
    return action();
  } catch (error) {
    throw invalid(`${path} cannot be read: ${error instanceof Error ? error.message : 'not PEM'}`);
  }
}

async function read(path: string, isPrivate: boolean): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { mode, size } = await file.stat();
      if (isPrivate && (mode & othersMayRead) !== 0)
        throw invalid(`${path} may be read by others: chmod 600 it`);
      if (size > fileBytes) throw invalid(`${path} is too large`);
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof CodedError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    if (code === 'ENOENT') throw invalid(`${path} is missing: ${hint}`);
    throw invalid(`${path} cannot be read: ${code}`);
  }
}

function invalid(text: string): CodedError {
  return new CodedError('TLS_INVALID', `TLS: ${text}`);
}
