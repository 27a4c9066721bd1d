/** Members change as an operator does it: real nodes, the admin command, and a client that was started with nodes that are gone in the end. */
import { spawn } from 'node:child_process';
import t from 'tap';
import { checkout } from '../../scripts/support/node-process.ts';
import { RealCluster } from '../../scripts/support/real-cluster.ts';
import { until } from '../../scripts/support/until.ts';
import { EXIT_REMOVED } from '../../src/base/exit-codes.ts';
import { connect } from '../../src/client/index.ts';
import { patienceOfFileMs } from './support/patience.ts';

t.setTimeout(patienceOfFileMs);
const waitMs = 60_000;
const cluster = await RealCluster.start({ label: 'members', nodes: 1, spares: 2 });
t.teardown(() => cluster.dispose({ keep: !t.passing() }));
t.afterEach((test) => {
  if (!test.passing()) test.comment(cluster.reportAll(30));
});

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The admin command, with the file as it is now. */
function admin(...operands: readonly string[]): Promise<Ran> {
  const flags = ['--import', 'tsx', `${checkout}src/cli/admin.ts`, '--config', cluster.configPath];
  const child = spawn(process.execPath, [...flags, ...operands], { cwd: checkout });
  const ran = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    ran.stdout += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    ran.stderr += String(chunk);
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...ran })));
}

const password = 'a long enough password';
const client = connect({ nodes: cluster.httpAddresses });
t.teardown(() => client.close());
await client.register('ann', password);
await client.login('ann', password);

async function says(text: string): Promise<void> {
  const reply = await client.send('ann', text);
  if (reply.kind !== 'receipt') throw new Error(`${text}: ${reply.text}`);
}

t.test('members: a cluster of one grows to three by the same command that starts any node', async (t) => {
  await says('one');
  t.match(await admin('members', 'add', '2'), { code: 1, stderr: /Refused: Node 2 is not connected/ });
  for (const id of [2, 3]) {
    await cluster.list([1, ...(id === 3 ? [2] : []), id]);
    cluster.run(id);
    await cluster.ready(id);
    const added = await admin('members', 'add', `${id}`);
    t.match(added, { code: 0, stdout: new RegExp(`Node ${id} was added.\n[^]*Node ${id} is a voter.\n$`) });
  }
  const table = await admin('members');
  t.equal(table.code, 0);
  t.equal(table.stdout.match(/ voter /g)?.length, 3, table.stdout);
  t.match(await admin('status'), { code: 0, stdout: /leads in term/ });
  await says('three');
});

t.test('members: leadership moves, a dead disk is replaced, and json is for programs', async (t) => {
  t.match(await admin('transfer', '3'), { code: 0, stdout: 'Node 3 leads.\n' });
  await cluster.end(2, 'SIGKILL');
  await cluster.wipe(2);
  // Its file is older than the cluster: it knows nothing of node 3, which leads.
  await cluster.list([1, 2]);
  cluster.run(2);
  await cluster.ready(2);
  await cluster.list([1, 2, 3]);
  const replaced = await admin('members', 'replace', '2', '--json');
  t.equal(replaced.code, 0, replaced.stderr);
  t.strictSame(JSON.parse(replaced.stdout), { status: 'done', node: 2, change: 'replace', voter: true });
  const again = await admin('members', 'replace', '2', '--json');
  t.equal(again.code, 1);
  t.match(JSON.parse(again.stdout), { status: 'refused', code: 'NODE_IN_USE' });
  const log = await admin('log', '--json');
  const { actions }: { actions: { action: string; subject: string; outcome: string }[] } = JSON.parse(
    log.stdout,
  );
  t.strictSame(
    actions.slice(-3).map(({ action, subject, outcome }) => `${action} ${subject}: ${outcome}`),
    ['transfer node 3: done', 'members replace node 2: done', 'members replace node 2: NODE_IN_USE'],
    'all of it is in the log of actions, what was refused too',
  );
  t.match(await admin('users', 'grant', 'ann'), { code: 0, stdout: 'ann is an administrator.\n' });
  await says('replaced');
});

t.test(
  'members: a removed node says so and stops, again at its next start; the client goes on',
  async (t) => {
    // The one that the client was started with, and no other.
    t.match(await admin('members', 'remove', '1'), { code: 0, stdout: 'Node 1 is no member any more.\n' });
    const exit = await cluster.process(1).exited;
    t.equal(exit.code, EXIT_REMOVED);
    const words = (): string => cluster.process(1).output.join('\n');
    t.match(words(), /Node 1 was removed from the cluster\. .*`members add 1`/);
    cluster.run(1);
    t.equal((await cluster.process(1).exited).code, EXIT_REMOVED);
    t.match(words(), /Node 1 was removed from the cluster/);
    await says('without the first');
    await until('the client uses another node', waitMs, () => client.node !== null && client.node !== 1);
    const reply = await client.history('ann', { limit: 10 });
    const texts = reply.kind === 'receipt' && reply.value.op === 'history' ? reply.value.messages : [];
    t.strictSame(
      texts.map(({ text }) => text),
      ['one', 'three', 'replaced', 'without the first'],
    );
    await cluster.end(2, 'SIGTERM');
    t.match(await admin('members', 'remove', '3'), { code: 2 }, 'without a majority nothing is decided');
  },
);
