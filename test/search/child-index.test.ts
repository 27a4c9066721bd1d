import t from 'tap';
import { silentLogger } from '../../src/base/logger.ts';
import { systemClock } from '../../src/base/system-clock.ts';
import { ChildIndex } from '../../src/search/child-index.ts';
import { document, question, temporaryPath } from './support/index.ts';

const path = temporaryPath(t);
const index = new ChildIndex(path, systemClock, silentLogger);
t.teardown(() => index.stop());

t.test('search process: it starts with the first question; what was written outlives its kill', async (t) => {
  t.equal(index.pid, null);
  const documents = [document(1, 'kept', ['g1'])];
  await index.write({
    documents,
    places: [['g:1', { first: 1, sequence: 1, revision: 0 }]],
    gone: [],
    removed: [],
  });
  t.same(await index.places(), new Map([['g:1', { first: 1, sequence: 1, revision: 0 }]]));
  const first = index.pid;
  if (first === null) throw new Error('no process');
  const refused = index.find(question('kept', ['g1']));
  process.kill(first, 'SIGKILL');
  await refused.catch((error: unknown) => t.match(error, { code: 'UNAVAILABLE' }));
  const deadlineMs = Date.now() + 60_000;
  let hits: readonly { readonly id: number }[] = [];
  while (hits.length === 0 && Date.now() < deadlineMs) {
    hits = await index.find(question('kept', ['g1'])).catch(() => []);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  t.same(
    hits.map(({ id }) => id),
    [1],
  );
  t.not(index.pid, first);
});

t.test('search process: after a stop it is gone, and refuses', async (t) => {
  const { pid } = index;
  await index.stop();
  if (pid === null) throw new Error('no process');
  t.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  await t.rejects(index.places(), { code: 'UNAVAILABLE' });
});
