/** Finds out, from the machine of an operator, what `findings.ts` judges. */
import { X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join, relative } from 'node:path';
import type { ClusterConfig, NodeConfig } from '../../base/config.ts';
import type { Checkup } from '../../gateway/operations/checkup.ts';
import { keyDirectory, keyFiles } from '../../tls/key-directory.ts';
import { type Asking, askStatus } from '../cluster/node-status.ts';
import { get, jsonIn, type OperatorClient } from '../cluster/operator-client.ts';
import type { ClusterFacts, FileFacts, NodeFacts } from './findings.ts';

const answerMs = 1_500;

export interface Place {
  readonly config: ClusterConfig;
  readonly configPath: string;
  readonly asking: Asking;
  /** Null: there is no cluster key here. */
  readonly client: OperatorClient | null;
}

export async function factsOf(place: Place): Promise<ClusterFacts> {
  const { config, configPath } = place;
  return {
    nowMs: Date.now(),
    profile: config.profile,
    listed: config.nodes.map(({ id, host, peerPort }) => ({ id, host, peerPort })),
    nodes: await Promise.all(config.nodes.map((node) => nodeFacts(node, place))),
    files: await fileFacts(config, configPath),
  };
}

async function nodeFacts(node: NodeConfig, { asking, client }: Place): Promise<NodeFacts> {
  const address = { host: node.host, port: node.httpPort };
  const { status, address: text } = await askStatus(address, asking);
  if (status === null) {
    return { id: node.id, address: text, status, checkup: null, clockSkewMs: null, closedPorts: [] };
  }
  const clockSkewMs = await skewOf(node, asking);
  const checkup = client === null ? null : await checkupOf(node, client);
  return { id: node.id, address: text, status, checkup, clockSkewMs, closedPorts: await closedPorts(node) };
}

async function checkupOf(node: NodeConfig, client: OperatorClient): Promise<Checkup | null> {
  const only = { host: node.host, port: node.httpPort };
  const answer = await client.ask({ method: 'GET', path: '/admin/checkup', only });
  return answer.kind === 'done' && isCheckup(answer.value) ? answer.value : null;
}

/** Made by the same program, or the next version of it: what is looked at is looked for. */
function isCheckup(value: unknown): value is Checkup {
  if (typeof value !== 'object' || value === null) return false;
  const checkup: Partial<Record<keyof Checkup, unknown>> = value;
  const { version, disk, syncMs, missingChunks, certificates } = checkup;
  return (
    typeof version === 'string' &&
    typeof missingChunks === 'number' &&
    Array.isArray(certificates) &&
    [disk, syncMs].every((part) => typeof part === 'object' && part !== null)
  );
}

async function skewOf(node: NodeConfig, { http }: Asking): Promise<number | null> {
  try {
    const sentMs = Date.now();
    const answer = await get(http, { host: node.host, port: node.httpPort }, '/admin/hello', answerMs);
    const receivedMs = Date.now();
    const value = jsonIn(answer.body);
    const isHello = typeof value === 'object' && value !== null && 'timeMs' in value;
    if (!isHello || typeof value.timeMs !== 'number') return null;
    const { timeMs } = value;
    // Anywhere between sending and receiving would do: only what lies outside is a difference.
    if (timeMs >= sentMs - 1 && timeMs <= receivedMs + 1) return 0;
    return timeMs < sentMs ? timeMs - sentMs : timeMs - receivedMs;
  } catch {
    return null;
  }
}

async function closedPorts(node: NodeConfig): Promise<NodeFacts['closedPorts']> {
  const ports = [
    { name: 'peer', port: node.peerPort },
    { name: 'chat', port: node.chatPort },
    { name: 'http', port: node.httpPort },
  ] as const;
  const open = await Promise.all(ports.map(({ port }) => isOpen(node.host, port)));
  return ports.filter((_, at) => open[at] !== true);
}

function isOpen(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: answerMs });
    const end = (isThere: boolean): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
  });
}

/** Of the keys that lie on this machine; which ones it should have, only its operator knows. */
async function fileFacts(config: ClusterConfig, configPath: string): Promise<readonly FileFacts[]> {
  const beside = dirname(configPath);
  const keys = keyDirectory(config, configPath);
  const always = [await factsOfFile(join(beside, 'cluster.key'), 'cluster key', beside)];
  const others: [string, FileFacts['kind']][] = [
    [join(beside, 'backup.key'), 'backup key'],
    [join(keys, keyFiles.privateKey), 'private key'],
    [join(keys, keyFiles.authorityKey), 'key of the CA'],
    [join(keys, keyFiles.certificate), 'certificate'],
    [join(keys, keyFiles.authority), 'certificate'],
    ...config.nodes.flatMap(({ id }): [string, FileFacts['kind']][] => [
      [join(keys, keyFiles.nodeKey(id)), 'private key'],
      [join(keys, keyFiles.nodeCertificate(id)), 'certificate'],
    ]),
  ];
  const found = await Promise.all(others.map(([path, kind]) => factsOfFile(path, kind, beside)));
  return [...always, ...found.filter(({ mode }) => mode !== null)];
}

async function factsOfFile(path: string, kind: FileFacts['kind'], beside: string): Promise<FileFacts> {
  const name = relative(beside, path);
  try {
    const { mode, mtimeMs } = await stat(path);
    const notAfterMs = kind === 'certificate' ? await expiryOf(path) : null;
    return { name, kind, mode: mode & 0o777, ageMs: Date.now() - mtimeMs, notAfterMs };
  } catch {
    return { name, kind, mode: null, ageMs: 0, notAfterMs: null };
  }
}

/** 0, and so expired, where it is none that can be read. */
async function expiryOf(path: string): Promise<number> {
  try {
    return Date.parse(new X509Certificate(await readFile(path)).validTo);
  } catch {
    return 0;
  }
}
