import { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { loadClusterKey } from '../../../src/replication/transport/cluster-key.ts';

function configPath(t: Test): string {
  return join(t.testdir(), 'cluster.config.json');
}

t.test('key: nodes that start at once make one key, for its owner only', async (t) => {
  const path = configPath(t);
  const keys = await Promise.all(Array.from({ length: 8 }, () => loadClusterKey(path, true)));
  t.equal(new Set(keys.map((key) => Buffer.from(key).toString('hex'))).size, 1);
  t.equal(keys[0]?.length, 32);
  const file = join(path, '..', 'cluster.key');
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.strictSame(readdirSync(join(path, '..')), ['cluster.key'], 'nothing else is left');
});

t.test('key: a missing one says how to make it, where it is not made by itself', async (t) => {
  await t.rejects(loadClusterKey(configPath(t), false), { code: 'KEY_MISSING', message: /openssl rand/ });
});

t.test('key: one that others may read, or that is no key, is refused', async (t) => {
  const path = configPath(t);
  const file = join(path, '..', 'cluster.key');
  writeFileSync(file, 'ab'.repeat(32), { mode: 0o600 });
  t.equal((await loadClusterKey(path, false)).length, 32);
  chmodSync(file, 0o640);
  await t.rejects(loadClusterKey(path, true), { code: 'KEY_WRONG', message: /chmod 600/ });
  chmodSync(file, 0o600);
  for (const content of ['', 'not hex', 'ab'.repeat(31)]) {
    writeFileSync(file, content);
    await t.rejects(loadClusterKey(path, true), { code: 'KEY_WRONG' }, JSON.stringify(content));
  }
});
