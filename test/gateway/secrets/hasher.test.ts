import { readFileSync } from 'node:fs';
import t from 'tap';
import { limits } from '../../../src/base/limits.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { systemClock } from '../../../src/base/system-clock.ts';
import { ChildHasher } from '../../../src/gateway/secrets/hasher.ts';

/** Deadlines ten times as long: a busy test machine takes its time to start a process. */
const patientClock = {
  ...systemClock,
  after: (ms: number, action: () => void) => systemClock.after(10 * ms, action),
};
const hasher = new ChildHasher(patientClock, silentLogger);
t.teardown(() => hasher.stop());

t.test('hasher: hashes are argon2id of the required strength, and verify', async (t) => {
  const hash = await hasher.hash('correct horse');
  t.match(hash, /^\$argon2id\$v=19\$m=19456,(t=2,p=1|p=1,t=2)\$/);
  t.equal(await hasher.verify(hash, 'correct horse'), true);
  t.equal(await hasher.verify(hash, 'correct horse1'), false, 'nothing is truncated');
});

t.test('hasher: nobody’s hash is verified too, and never matches', async (t) => {
  t.equal(await hasher.verify(null, ''), false);
  t.equal(await hasher.verify(null, 'anything'), false);
});

t.test('hasher: what does not fit the queue is BUSY at once, the rest is answered', async (t) => {
  const room = limits.hashQueue + limits.hashConcurrency;
  const answers = await Promise.allSettled(
    Array.from({ length: room + 10 }, () => hasher.verify('no hash at all', 'pw')),
  );
  const busy = answers.filter((one) => one.status === 'rejected' && one.reason.code === 'BUSY');
  t.equal(busy.length, 10);
  t.equal(hasher.load, 0);
});

t.test('hasher: a child that dies is replaced and the work is done once more', async (t) => {
  const first = hasher.pid;
  t.ok(first);
  const pending = hasher.hash('again');
  if (first !== null) process.kill(first, 'SIGKILL');
  t.match(await pending, /^\$argon2id\$/);
  t.not(hasher.pid, first);
});

t.test('hasher: the child yields to the node', async (t) => {
  const fields = readFileSync(`/proc/${hasher.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  t.ok(Number(fields[16]) > 0, 'niceness');
});
