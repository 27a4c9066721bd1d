/** What operators alone may ask of a node: its checkup, and its groups. */
import t from 'tap';
import { silentLogger } from '../../../src/base/logger.ts';
import { OperatorClient } from '../../../src/cli/cluster/operator-client.ts';
import { callerFor } from '../../../src/client/index.ts';
import { BackupRecord } from '../../../src/gateway/operations/backup-record.ts';
import { DiskFigures } from '../../../src/gateway/operations/disk-figures.ts';
import { plainTrust } from '../../../src/tls/trust.ts';
import { LineClient, startNodes, testOperatorKey } from '../../support/gateway.ts';
import { MemoryDisk } from '../../support/memory-disk.ts';

const disk = new MemoryDisk();
const storage = {
  disk,
  version: 'conclave 1.2.3',
  figures: new DiskFigures(),
  backups: await BackupRecord.open(disk, silentLogger),
  log: { bytes: 4_096 },
  state: { pendingBytes: 0, exportSnapshot: (): Promise<never> => Promise.reject(new Error('broken')) },
};
const { nodes, stop } = await startNodes(1, {}, { storage });
t.teardown(stop);
const port = nodes[0]?.httpPort ?? 0;
const address = { host: '127.0.0.1', port };
const client = new OperatorClient([address], testOperatorKey, callerFor(plainTrust));

t.test('checkup: what only the node can say, for operators only; nothing stays on the disk', async (t) => {
  t.equal((await fetch(`http://127.0.0.1:${port}/admin/checkup`)).status, 401);
  const before = await disk.list('.');
  const answer = await client.ask({ method: 'GET', path: '/admin/checkup' });
  t.match(answer, {
    kind: 'done',
    value: { node: 1, version: 'conclave 1.2.3', logBytes: 4_096, missingChunks: 0, backupFinishedMs: null },
  });
  t.match(answer, { value: { syncMs: { median: Number, slowest: Number }, disk: { freeBytes: Number } } });
  t.strictSame(await disk.list('.'), before);
});

t.test('groups: operators see owner, size and access of each, in pages', async (t) => {
  const line = await LineClient.open(nodes[0]?.chatPort ?? 0);
  await line.ask('1|ann|password');
  await line.ask('2|ann|password');
  await line.ask('j|#zoo|secret');
  await line.ask('j|#dev');
  line.destroy();
  const answer = await client.ask({ method: 'GET', path: '/admin/groups?after=' });
  t.match(answer, {
    kind: 'done',
    value: {
      groups: [
        { name: 'dev', owner: 'ann', members: 1, messages: 0, closed: false, port: null },
        { name: 'zoo', owner: 'ann', members: 1, messages: 0, closed: true, port: null },
      ],
      more: false,
    },
  });
  t.notMatch(JSON.stringify(answer), /secret|plain/);
  const rest = await client.ask({ method: 'GET', path: '/admin/groups?after=dev' });
  t.match(rest, { value: { groups: [{ name: 'zoo' }] } });
});

t.test('backup: a copy that cannot be made is an answer, and the next one is not kept waiting', async (t) => {
  for (const _ of [1, 2]) {
    const failure = await client.read('/admin/backup', async () => undefined);
    t.match(failure, { kind: 'refused', code: 'INTERNAL' });
  }
});
