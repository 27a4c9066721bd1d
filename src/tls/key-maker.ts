/** Makes the files of `keys/`: the cluster's CA, a certificate for each node, and the key that clients may pin. */
import { createPublicKey, randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isLoopback } from '../base/config.ts';
import { CodedError } from '../base/errors.ts';
import { type Issuer, makeCertificate, makeKeyPair, publicKeyOf } from './certificate-maker.ts';
import { keyFiles } from './key-directory.ts';
import { certificatesIn } from './material.ts';
import { nodeUri } from './node-name.ts';

export interface KeyOrder {
  readonly directory: string;
  readonly cluster: string;
  readonly nodes: readonly { readonly id: number; readonly host: string }[];
  /** Of the certificates; the CA lives ten years. */
  readonly validDays: number;
  readonly nowMs: number;
  /**
   * `new`: everything, and nothing may be there yet. `renew`: certificates of the CA that is there, so that old and new ones work
   * side by side; the pinned key stays. `replace`: everything, over what is there.
   */
  readonly mode: 'new' | 'renew' | 'replace';
}

export interface MadeKeys {
  readonly directory: string;
  readonly files: readonly string[];
  readonly notAfterMs: number;
}

const dayMs = 24 * 3_600_000;
const authorityDays = 3_650;
/** A node whose clock is a little behind must find a new certificate valid. */
const clockSkewMs = 3_600_000;
const secretMode = 0o600;
const publicMode = 0o644;

interface File {
  readonly name: string;
  readonly text: string;
  readonly mode: number;
}

/** Rejects with CodedError USAGE when a file would be overwritten unasked, TLS_INVALID when there is nothing to renew from. */
export async function makeKeys(order: KeyOrder): Promise<MadeKeys> {
  const { directory, mode, nowMs, validDays } = order;
  if (mode === 'new') await refuseOverwriting(order);
  const authority = mode === 'renew' ? await readAuthority(directory) : await makeAuthority(order);
  const privateKey =
    mode === 'renew' ? await readText(directory, keyFiles.privateKey) : makeKeyPair().privateKey;
  const files = [...authority.files, ...(await serverFiles(order, authority.issuer, privateKey))];
  for (const node of order.nodes) files.push(...(await nodeFiles(order, authority.issuer, node)));
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  for (const file of files) await write(directory, file);
  return { directory, files: files.map(({ name }) => name), notAfterMs: nowMs + validDays * dayMs };
}

async function makeAuthority({ cluster, nowMs }: KeyOrder): Promise<{ issuer: Issuer; files: File[] }> {
  const { privateKey, publicKey } = makeKeyPair();
  // A name of its own: where two authorities are trusted for a while, the platform finds the right one by it.
  const name = `Conclave ${cluster} ${randomBytes(4).toString('hex')}`;
  const issuer = { name, privateKey };
  const certificate = await makeCertificate(
    {
      subject: name,
      publicKey,
      notBeforeMs: nowMs - clockSkewMs,
      notAfterMs: nowMs + authorityDays * dayMs,
      use: { kind: 'authority' },
    },
    issuer,
  );
  return {
    issuer,
    files: [secret(keyFiles.authorityKey, privateKey), shared(keyFiles.authority, certificate)],
  };
}

async function readAuthority(directory: string): Promise<{ issuer: Issuer; files: File[] }> {
  const privateKey = await readText(directory, keyFiles.authorityKey);
  const text = await readText(directory, keyFiles.authority);
  // There are several while one authority replaces another.
  const publicKey = createPublicKey(privateKey);
  const own = certificatesIn(keyFiles.authority, text).find((each) => each.publicKey.equals(publicKey));
  const name = /^CN=(.+)$/m.exec(own?.subject ?? '')?.[1];
  if (name === undefined) {
    throw new CodedError('TLS_INVALID', `${keyFiles.authorityKey} is not the key of ${keyFiles.authority}`);
  }
  return { issuer: { name, privateKey }, files: [] };
}

async function serverFiles(order: KeyOrder, issuer: Issuer, privateKey: string): Promise<File[]> {
  const publicKey = publicKeyOf(privateKey);
  const hosts = [...new Set(order.nodes.flatMap(({ host }) => namesOf(host)))];
  const certificate = await issue(order, issuer, publicKey, `Conclave ${order.cluster}`, {
    kind: 'server',
    hosts,
  });
  return [
    secret(keyFiles.privateKey, privateKey),
    shared(keyFiles.publicKey, publicKey),
    shared(keyFiles.certificate, certificate),
  ];
}

async function nodeFiles(order: KeyOrder, issuer: Issuer, node: KeyOrder['nodes'][number]): Promise<File[]> {
  const { privateKey, publicKey } = makeKeyPair();
  const uri = nodeUri(order.cluster, node.id);
  const subject = `Conclave ${order.cluster} node ${node.id}`;
  const use = { kind: 'peer', uri, hosts: namesOf(node.host) } as const;
  const certificate = await issue(order, issuer, publicKey, subject, use);
  return [
    secret(keyFiles.nodeKey(node.id), privateKey),
    shared(keyFiles.nodeCertificate(node.id), certificate),
  ];
}

function issue(
  { nowMs, validDays }: KeyOrder,
  issuer: Issuer,
  publicKey: string,
  subject: string,
  use: Parameters<typeof makeCertificate>[0]['use'],
): Promise<string> {
  const notBeforeMs = nowMs - clockSkewMs;
  return makeCertificate(
    { subject, publicKey, notBeforeMs, notAfterMs: nowMs + validDays * dayMs, use },
    issuer,
  );
}

function namesOf(host: string): string[] {
  return isLoopback(host) ? [...new Set([host, 'localhost', '127.0.0.1', '::1'])] : [host];
}

function secret(name: string, text: string): File {
  return { name, text, mode: secretMode };
}

function shared(name: string, text: string): File {
  return { name, text, mode: publicMode };
}

async function refuseOverwriting({ directory, nodes }: KeyOrder): Promise<void> {
  const { authority, authorityKey, privateKey, publicKey, certificate, nodeKey, nodeCertificate } = keyFiles;
  const names: string[] = [authority, authorityKey, privateKey, publicKey, certificate];
  for (const { id } of nodes) names.push(nodeKey(id), nodeCertificate(id));
  for (const name of names) {
    const there = await stat(join(directory, name)).catch(() => null);
    if (there === null) continue;
    throw new CodedError(
      'USAGE',
      `${join(directory, name)} is there already: --renew makes new certificates of the same CA, --force replaces everything`,
    );
  }
}

async function readText(directory: string, name: string): Promise<string> {
  try {
    return await readFile(join(directory, name), 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new CodedError('TLS_INVALID', `${join(directory, name)} is needed to renew: ${code}`);
  }
}

/** Whole or not at all, and never readable by others, not even for a moment. */
async function write(directory: string, { name, text, mode }: File): Promise<void> {
  const place = join(directory, `.${name}.${randomBytes(4).toString('hex')}`);
  const file = await open(place, 'wx', mode);
  try {
    await file.writeFile(text);
    await file.chmod(mode);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(place, join(directory, name));
}
