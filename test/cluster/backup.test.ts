/** The whole road on real nodes: a backup under load, all of them gone, five new ones out of it. */
import { randomBytes } from 'node:crypto';
import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { RealCluster } from '../../scripts/support/real-cluster.ts';
import { until } from '../../scripts/support/until.ts';
import { BackupReader } from '../../src/backup/reader.ts';
import { Restorer } from '../../src/backup/restorer.ts';
import { openSurvivor } from '../../src/backup/survivor.ts';
import { systemClock } from '../../src/base/system-clock.ts';
import { ChatMachine } from '../../src/chat/machine.ts';
import { connectFlag } from '../../src/cli/cluster/nodes.ts';
import { OperatorClient } from '../../src/cli/cluster/operator-client.ts';
import { trustFlags } from '../../src/cli/cluster/trust.ts';
import { backupFlags, restore } from '../../src/cli/commands/backup.ts';
import { configFlag, readArguments } from '../../src/cli/program/arguments.ts';
import { type Client, callerFor, connect } from '../../src/client/index.ts';
import type { ExportLine } from '../../src/gateway/transfer/export-line.ts';
import { Exporter } from '../../src/gateway/transfer/exporter.ts';
import { openDataDirectory } from '../../src/replication/storage/data-directory.ts';
import { loadClusterKey } from '../../src/replication/transport/cluster-key.ts';
import { nodeDisk } from '../../src/wal/node-disk.ts';
import { filesOf, replayed } from '../backup/support/replay.ts';
import { exported } from '../support/transfer.ts';
import { runAdmin } from './support/admin.ts';
import { patienceOfFileMs } from './support/patience.ts';

t.setTimeout(patienceOfFileMs);
const cluster = await RealCluster.prepare({ label: 'backup', spares: 2, logLevel: 'warn' });
t.teardown(() => cluster.dispose({ keep: !t.passing() }));
t.afterEach((test) => {
  if (!test.passing()) test.comment(cluster.reportAll(30));
});

const waitMs = 100_000;
const backupPath = join(cluster.root, 'backup');
const content = randomBytes(700_000);
const all = [1, 2, 3, 4, 5];
const key = ['--backup-key', join(cluster.root, 'kept.key')];

async function person(name: string, isNew: boolean): Promise<Client> {
  const client = connect({ nodes: cluster.httpAddresses });
  t.teardown(() => client.close());
  if (isNew) await client.register(name, 'secret pw');
  const outcome = await client.login(name, 'secret pw');
  if (outcome.kind !== 'receipt') throw new Error(outcome.text);
  return client;
}

/** As it is now, of any node. */
async function exportNow(): Promise<string> {
  const clusterKey = await loadClusterKey(cluster.configPath, false);
  const client = new OperatorClient(cluster.httpAddresses.slice(-1), clusterKey, callerFor(cluster.trust));
  let text = '';
  const failure = await client.read('/admin/export', async (pieces) => {
    for await (const piece of pieces) text += Buffer.from(piece).toString('utf8');
  });
  if (failure !== null) throw new Error(failure.text);
  return text;
}

/** The majority is lost: out of one node's directory, which stays as it is, comes all that was acknowledged. */
async function checkSurvivor(t: Test, directory: string, acknowledged: number): Promise<void> {
  const names = await readdir(join(directory, '..'));
  const survivor = await openSurvivor(directory, systemClock);
  const root = join(cluster.root, 'saved');
  const nodes = cluster.places;
  const restorer = await Restorer.begin({
    root,
    cluster: 'new',
    node: 1,
    nodes,
    random53: () => 7,
    clock: systemClock,
  });
  const reader = new BackupReader(restorer);
  for await (const piece of survivor.records) await reader.write(piece);
  const { head } = reader.finish();
  await survivor.close();
  await restorer.commit();
  t.strictSame(await readdir(join(directory, '..')), names);
  const { store, log } = await openDataDirectory({
    root,
    disk: nodeDisk(root),
    clock: systemClock,
    cluster: 'new',
    node: 1,
    random53: () => 7,
  });
  const machine = new ChatMachine();
  await machine.load(store.rows());
  const lines: ExportLine[] = [];
  for await (const line of new Exporter(machine, store, null).lines()) lines.push(line);
  await log.close();
  await store.close();
  t.strictSame(lines, await exported(await replayed(directory, head.index)));
  t.ok(lines.filter(({ kind }) => kind === 'message').length >= acknowledged, 'all that was acknowledged');
}

t.test(
  'backup: under load, all nodes destroyed, restored into five: the export of its index, byte for byte (SECURITY 40)',
  async (t) => {
    for (const { id } of cluster.nodes) cluster.run(id);
    await cluster.allReady();
    const ann = await person('ann', true);
    const bob = await person('bob', true);
    await person('eve', true);
    await ann.joinGroup('dev');
    const file = {
      name: 'a.bin',
      type: '',
      bytes: content.length,
      read: async (from: number, to: number) => content.subarray(from, to),
    };
    t.match(await ann.sendFile('bob', file), { kind: 'receipt' });
    let isLoaded = true;
    let sent = 0;
    const load = [ann, bob].map(async (client, at) => {
      while (isLoaded) {
        const to = ['bob', 'ann'][at] ?? '';
        // As people do, not as fast as it goes: the machine has other tests to run.
        await delay(5);
        const outcomes = await Promise.all([
          client.send(to, `n ${sent}`),
          client.send('#lobby', `m ${sent}`),
        ]);
        sent += outcomes.filter(({ kind }) => kind === 'receipt').length;
      }
    });
    await until('some messages', waitMs, () => sent > 50);
    const before = sent;
    const made = await runAdmin(cluster, 'backup', backupPath, '--json');
    t.equal(made.code, 0, made.text);
    t.ok(sent > before, 'people went on meanwhile');
    isLoaded = false;
    await Promise.all(load);
    await Promise.all([ann, bob].map((client) => client.close()));
    const [line = ''] = made.text.split('\n').filter((text) => text.startsWith('{'));
    const { index, node, pieces } = JSON.parse(line) as { index: number; node: number; pieces: number };
    t.equal(pieces, 3, 'the two chunks of the file, and their list');

    const acknowledged = sent;
    for (const id of cluster.runningIds) await cluster.end(id, 'SIGKILL');
    await checkSurvivor(t, cluster.dataPath(2), acknowledged);
    const world = await replayed(cluster.dataPath(node), index);
    const expected = (await exported(world, await filesOf(cluster.dataPath(node))))
      .map((item) => `${JSON.stringify(item)}\n`)
      .join('');
    t.match(expected, /"n \d+"/);
    for (const id of [1, 2, 3]) await cluster.wipe(id);
    await cluster.list(all);
    // On new machines: of the old ones, only the file and its key are left.
    await rename(join(cluster.root, 'backup.key'), join(cluster.root, 'kept.key'));
    await rm(join(cluster.root, 'cluster.key'));
    const restored = await runAdmin(cluster, 'restore', backupPath, '--data', cluster.dataPath(1), ...key);
    t.equal(restored.code, 0, restored.text);
    // The first one leads the new cluster; a few at a time, as a slow machine can bear it.
    for (const ids of [[1], [2, 3], [4, 5]]) {
      for (const id of ids) cluster.run(id);
      await cluster.allReady();
    }
    await until('five voters', waitMs, async () => {
      const status = await cluster.get(1, '/cluster');
      const { members = [] } = JSON.parse(status?.body ?? '{}') as { members?: { state: string }[] };
      return members.filter(({ state }) => state === 'voter').length === all.length;
    });
    t.ok((await exportNow()) === expected, 'equal');
  },
);

t.test(
  'backup: what was restored is a chat: after another kill people log in, read the file, and write on',
  async (t) => {
    await cluster.end(1, 'SIGKILL');
    const bob = await person('bob', false);
    const history = await bob.history('ann', { limit: 10_000 });
    if (history.kind !== 'receipt') throw new Error(history.text);
    const file = history.value.messages.find((message) => message.file !== undefined)?.file;
    if (file === undefined) throw new Error('no file');
    const pieces: Uint8Array[] = [];
    t.match(await bob.fetchFile(file, async (piece) => void pieces.push(piece)), { kind: 'fetched' });
    t.ok(Buffer.concat(pieces).equals(content), 'the file');
    t.match(await bob.send('ann', 'we are back'), { kind: 'receipt' });
  },
);

t.test('backup: beside a cluster that runs nothing is restored', async (t) => {
  const flags = ['--config', cluster.configPath, '--data', join(cluster.root, 'else')];
  const args = readArguments(
    {
      command: '',
      summary: '',
      operands: 'FILE',
      flags: [connectFlag, configFlag, ...trustFlags, ...backupFlags],
    },
    flags,
    {},
  );
  if (typeof args === 'string') throw new Error(args);
  await t.rejects(restore(args, [backupPath]), {
    code: 'NODE_IN_USE',
    message: /runs, and belongs to a cluster/,
  });
});
