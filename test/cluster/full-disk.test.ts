/** One real node on a small file system of its own, which fills up: told in time, refused, and over as soon as there is room. */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { httpGet } from '../../scripts/support/http-get.ts';
import { NodeProcess } from '../../scripts/support/node-process.ts';
import { freePorts } from '../../scripts/support/ports.ts';
import { until } from '../../scripts/support/until.ts';
import { MIB } from '../../src/base/limits.ts';
import { nodeDisk } from '../../src/wal/node-disk.ts';
import { LineClient } from './support/line-client.ts';
import { patienceOfFileMs } from './support/patience.ts';

t.setTimeout(patienceOfFileMs);

const root = await mkdtemp(join(tmpdir(), 'conclave-full-disk-'));
const dataPath = join(root, 'data');
await mkdir(dataPath);
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', dataPath]).status === 0;
let node: NodeProcess | null = null;
t.teardown(async () => {
  await node?.end('SIGKILL');
  if (mounted) spawnSync('umount', [dataPath]);
  await rm(root, { recursive: true, force: true });
});
const skip = mounted ? false : 'needs the right to mount a small tmpfs';

const [peerPort = 0, chatPort = 0, httpPort = 0] = await freePorts(3);
const configPath = join(root, 'cluster.config.json');
await writeFile(
  configPath,
  JSON.stringify({
    profile: 'loopback-demo',
    nodes: [{ id: 1, host: '127.0.0.1', peerPort, chatPort, httpPort }],
  }),
);

/** Fills the file system, or frees it, until so much is left. */
async function leave(freeBytes: number): Promise<void> {
  const filler = join(dataPath, 'filler');
  await writeFile(filler, '');
  const { freeBytes: left } = await nodeDisk(dataPath).space();
  const bytes = Math.max(0, left - freeBytes);
  // A sparse file would take no room.
  await writeFile(filler, Buffer.alloc(bytes, 1)).catch(async () => await truncate(filler, bytes));
}

async function alarms(): Promise<readonly string[]> {
  const answer = await httpGet(httpPort, '/cluster');
  return answer === null ? [] : (JSON.parse(answer.body) as { alarms: string[] }).alarms;
}

async function isReady(): Promise<boolean> {
  return (await httpGet(httpPort, '/readyz'))?.status === 200;
}

function start(): NodeProcess {
  node = new NodeProcess({ id: 1, configPath, dataPath });
  return node;
}

const patienceMs = 30_000;

t.test('full disk: writes are refused before it is full, and go on by themselves', { skip }, async (t) => {
  start();
  await until('it is ready', patienceMs, isReady);
  const line = await LineClient.open(chatPort);
  t.match(await line.ask('1|ann|pw'), /^New account created/);
  await leave(4 * MIB);
  await until('the alarm', patienceMs, async () => (await alarms()).length > 0);
  t.match((await alarms()).join(), /writes are refused.*low on space \(\d MiB free, mark 8 MiB\)/);
  t.match(await line.ask('1|bob|pw'), /too little disk space is left/);
  const metrics = async (): Promise<string> => (await httpGet(httpPort, '/metrics'))?.body ?? '';
  t.match(await metrics(), /conclave_disk_low_bytes 8388608/);
  // The alarm may have come while the disk was still being filled.
  await until('all of it is measured', patienceMs, async () =>
    /conclave_disk_free_bytes [34]\d{6}/.test(await metrics()),
  );
  await leave(40 * MIB);
  await until('the alarm is over', patienceMs, async () => (await alarms()).length === 0);
  t.match(await line.ask('1|bob|pw'), /^New account created/);
  line.close();
});

t.test(
  'full disk: a node that is started without room says so, and takes part once there is some',
  { skip },
  async (t) => {
    await node?.end('SIGKILL');
    await leave(0);
    const waiting = start();
    await until('its alarm', patienceMs, async () => (await alarms()).length > 0);
    t.match(await alarms(), [/^disk: no space \(\d MiB free\): this node does not take part until/]);
    t.equal((await httpGet(httpPort, '/healthz'))?.status, 200, 'it is alive');
    t.equal((await httpGet(httpPort, '/readyz'))?.status, 503);
    t.equal(waiting.exit, null);
    await leave(40 * MIB);
    await until('it is ready', patienceMs, isReady);
    t.strictSame(await alarms(), []);
    const line = await LineClient.open(chatPort);
    // A busy machine may be busy for a while more.
    let answer = await line.ask('2|ann|pw');
    await until('it is not busy', patienceMs, async () => {
      if (/BUSY/.test(answer)) answer = await line.ask('2|ann|pw');
      return !/BUSY/.test(answer);
    });
    t.match(answer, /^Login successful/, 'nothing is lost');
    t.match(await line.ask('d|bob|hi'), /^Message/);
    line.close();
  },
);

t.test('full disk: a node that waits for room stops when it is told to', { skip }, async (t) => {
  t.strictSame(await node?.end('SIGTERM'), { code: 0, signal: null });
  await leave(0);
  const waiting = start();
  await until('its alarm', patienceMs, async () => (await alarms()).length > 0);
  t.strictSame(await waiting.end('SIGTERM'), { code: 0, signal: null });
});
