/** What happens to servers, under load, judged by the oracle: nothing acknowledged is lost, doubled or reordered. */
import { spawn, spawnSync } from 'node:child_process';
import t, { type Test } from 'tap';
import { runDrill } from '../../scripts/support/drill/drill.ts';
import { worstGapMs } from '../../scripts/support/drill/outages.ts';
import { type Played, type Stage, underLoad } from '../../scripts/support/drill/under-load.ts';
import { RealCluster } from '../../scripts/support/real-cluster.ts';
import { EXIT_DISK_FAILED } from '../../src/base/exit-codes.ts';
import { seededRandom } from '../../src/base/prng.ts';
import { patienceOfFileMs } from './support/patience.ts';
import { scan } from './support/scans.ts';

const seed = 20_240_607;
const rate = 200;
const writers = 4;

t.setTimeout(patienceOfFileMs);
const cluster = await RealCluster.start({ label: 'faults' });
t.teardown(() => cluster.dispose({ keep: !t.passing() }));
t.afterEach((test) => {
  if (!test.passing()) test.comment(cluster.reportAll(30));
});

const play = (label: string, faults: (stage: Stage) => Promise<void>): Promise<Played> =>
  underLoad(cluster, { label, rate, writers, random: seededRandom(seed) }, faults);

/** Every promise held, and every send was acknowledged: clients that may retry end with no unknown. */
function promisesHeld(t: Test, played: Played): void {
  t.same(played.verdict.violations, [], 'nothing lost, doubled, reordered or invented');
  t.equal(played.trouble, null, 'everything could be read in the end');
  t.match(played.verdict, { unknown: 0, rejected: 0 }, 'every send was acknowledged');
  t.ok(played.verdict.acknowledged > writers, 'and there were some');
}

function tellGap(t: Test, { recorder }: Stage, sinceMs: number): void {
  const gapMs = worstGapMs(recorder.acknowledgedAt.values(), sinceMs, performance.now());
  t.comment(`longest time between two acknowledgements of one writer: ${gapMs.toFixed(0)} ms`);
}

t.test('kill: the leader dies in mid-conversation, twice', async (t) => {
  const report = await runDrill(cluster, { kills: 2, rate, writers, seed, label: 'kill' });
  t.same(report.failures, []);
  t.match(report, { kills: 2, lost: 0, duplicated: 0, reordered: 0, unknown: 0, rejected: 0 });
  t.comment(`outages ${report.outagesMs.join(' ms, ')} ms`);
});

t.test('kill: all nodes die at once under load, and everything acknowledged is there after', async (t) => {
  const played = await play('crash', async (stage) => {
    const ids = cluster.runningIds;
    await Promise.all(ids.map((id) => cluster.end(id, 'SIGKILL')));
    for (const id of ids) cluster.run(id);
    await cluster.allReady();
    await stage.goesOn();
  });
  promisesHeld(t, played);
});

t.test('hand-over: a leader that is told to stop hands over first, no request fails', async (t) => {
  const statuses: string[] = [];
  const leader = await cluster.leader();
  const played = await play('plan', async (stage) => {
    for (const { client } of stage.cast.members) client.onStatus((status) => statuses.push(status.kind));
    const toldMs = performance.now();
    const exit = await cluster.end(leader.id, 'SIGTERM');
    t.same(exit, { code: 0, signal: null }, 'a clean stop');
    await stage.goesOn();
    tellGap(t, stage, toldMs);
    await cluster.restart(leader.id);
  });
  promisesHeld(t, played);
  const after = await cluster.leader();
  t.not(after.id, leader.id, 'the one that came back does not lead by itself');
  t.notOk(statuses.includes('unreachable'), 'no client was ever without a node');
});

t.test('pause: another node leads meanwhile, and the old leader answers no stale read after', async (t) => {
  const paused = await cluster.leader();
  const played = await play('pause', async (stage) => {
    const [member] = stage.cast.members;
    if (member === undefined) throw new Error('nobody is there');
    const client = await stage.cast.session(member, cluster.node(paused.id));
    await scan(stage.recorder, member, client, 'before the pause', 2);
    cluster.signal(paused.id, 'SIGSTOP');
    const stoppedMs = performance.now();
    await cluster.leader(paused.term);
    await stage.goesOn(stoppedMs);
    tellGap(t, stage, stoppedMs);
    const early = scan(stage.recorder, member, client, 'over the pause', 10);
    cluster.signal(paused.id, 'SIGCONT');
    await early;
    await cluster.converged();
    await scan(stage.recorder, member, client, 'after the pause', 5);
    await client.close();
  });
  promisesHeld(t, played);
});

const tracer = spawnSync('strace', ['-qq', '-o', '/dev/null', 'true']);
const skip = tracer.status === 0 ? false : 'needs strace and the right to trace (Debian package strace)';

/** The log is written through (a write is its own sync), the rest is synced apart: a failure of either is fatal. */
const failingCalls = ['pwrite64', 'fdatasync,fsync'];

t.test('disk: a leader whose disk fails stops with 74, nothing acknowledged is lost', { skip }, async (t) => {
  const played = await play('disk', async (stage) => {
    for (const calls of failingCalls) {
      const leader = await cluster.leader();
      const node = cluster.process(leader.id);
      const inject = ['-e', `trace=${calls}`, '-e', `inject=${calls}:error=EIO`];
      spawn('strace', ['-f', '-qq', '-o', '/dev/null', ...inject, '-p', `${node.pid}`], { stdio: 'ignore' });
      t.same(await node.exited, { code: EXIT_DISK_FAILED, signal: null }, `${calls} of node ${leader.id}`);
      await cluster.leader(leader.term);
      await stage.goesOn();
      await cluster.restart(leader.id);
      await stage.goesOn();
    }
  });
  promisesHeld(t, played);
});
