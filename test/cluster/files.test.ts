/** Files on a cluster of real nodes: through the death of the leader, onto a wiped disk, past a damaged one. */
import { createHash, randomBytes } from 'node:crypto';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { RealCluster, type RealNode } from '../../scripts/support/real-cluster.ts';
import { until } from '../../scripts/support/until.ts';
import { type Client, connect, type FileSource } from '../../src/client/index.ts';
import { chunkBytes, chunkCount } from '../../src/protocol/manifest.ts';
import type { FileEntry, MessageEntry } from '../../src/protocol/requests.ts';
import { patienceOfFileMs } from './support/patience.ts';

t.setTimeout(patienceOfFileMs);
const cluster = await RealCluster.start({ label: 'files' });
t.teardown(() => cluster.dispose({ keep: !t.passing() }));
t.afterEach((test) => {
  if (!test.passing()) test.comment(cluster.reportAll(30));
});

const waitMs = 60_000;
const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function source(content: Uint8Array): FileSource {
  return {
    name: 'a.bin',
    type: '',
    bytes: content.length,
    read: async (from, to) => content.subarray(from, to),
  };
}

async function person(name: string, nodes: readonly RealNode[] = cluster.nodes): Promise<Client> {
  const client = connect({ nodes: nodes.map(({ host, httpPort }) => ({ host, port: httpPort })) });
  t.teardown(() => client.close());
  await client.register(name, 'pw');
  const outcome = await client.login(name, 'pw');
  if (outcome.kind !== 'receipt') throw new Error(outcome.text);
  return client;
}

async function hashFrom(node: RealNode, name: string, file: FileEntry): Promise<string> {
  const client = await person(name, [node]);
  const digest = createHash('sha256');
  const outcome = await client.fetchFile(file, async (piece) => void digest.update(piece));
  await client.close();
  return outcome.kind === 'fetched' ? digest.digest('hex') : outcome.text;
}

async function metric(node: RealNode, name: string): Promise<number> {
  const text = await (await fetch(`http://${node.host}:${node.httpPort}/metrics`)).text();
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return Number(line?.split(' ').at(-1));
}

const content = randomBytes(20 * chunkBytes + 77);
const chunks = chunkCount(content.length) + 1;
const ann = await person('ann');
const bob = await person('bob');
const got: MessageEntry[] = [];
bob.onMessage((message) => void got.push(message));

t.test('file: the leader dies while it is sent; it arrives once, whole, and is on every node', async (t) => {
  const leader = await cluster.leader();
  let killed = false;
  const sent = await ann.sendFile('bob', source(content), (bytes) => {
    if (killed || bytes < content.length / 3) return;
    killed = true;
    cluster.signal(leader.id, 'SIGKILL');
  });
  t.match(sent, { kind: 'receipt' });
  t.ok(killed);
  await cluster.restart(leader.id);
  await ann.send('bob', 'that was it');
  await until('both messages', waitMs, () => got.length >= 2);
  t.equal(got.length, 2);
  const file = got[0]?.file;
  if (file === undefined) throw new Error('no file');
  for (const node of cluster.nodes) {
    t.equal(await hashFrom(node, 'bob', file), hash(content), `from node ${node.id}`);
  }
  for (const node of cluster.nodes) {
    await until('every chunk', waitMs, async () => (await metric(node, 'conclave_file_chunks')) === chunks);
  }
});

t.test(
  'file: a node without its chunks, and one with damaged ones, serves it and mends itself',
  async (t) => {
    const file = got[0]?.file;
    if (file === undefined) throw new Error('no file');
    const [lost, damaged] = cluster.nodes as [RealNode, RealNode, RealNode];
    const directory = (node: RealNode): string => join(cluster.dataPath(node.id), 'files');
    for (const node of [lost, damaged]) await cluster.end(node.id, 'SIGTERM');
    await rm(directory(lost), { recursive: true });
    const [first] = await readdir(directory(damaged));
    const [name] = await readdir(join(directory(damaged), first ?? ''));
    await writeFile(join(directory(damaged), first ?? '', name ?? ''), 'not what it was');
    for (const node of [lost, damaged]) await cluster.restart(node.id);
    await until('fetched again', waitMs, async () => (await metric(lost, 'conclave_file_chunks')) === chunks);
    t.equal(await hashFrom(lost, 'bob', file), hash(content));
    t.equal(await hashFrom(damaged, 'bob', file), hash(content));
    t.equal(await metric(damaged, 'conclave_file_chunks_damaged_total'), 1);
    t.equal(await metric(damaged, 'conclave_file_chunks'), chunks);
    t.equal(await metric(damaged, 'conclave_file_chunks_missing'), 0);
  },
);
