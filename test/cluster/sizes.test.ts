/** Clusters of five nodes and of one, and rolling restarts of both, under load and judged by the oracle. */
import t from 'tap';
import { runDrill } from '../../scripts/support/drill/drill.ts';
import { runRolling } from '../../scripts/support/drill/rolling.ts';
import { underLoad } from '../../scripts/support/drill/under-load.ts';
import { RealCluster } from '../../scripts/support/real-cluster.ts';
import { seededRandom } from '../../src/base/prng.ts';
import { patienceOfFileMs } from './support/patience.ts';

const load = { rate: 100, writers: 2, seed: 20_250_411 };
const flawless = { failures: [], lost: 0, duplicated: 0, reordered: 0, otherViolations: 0 };

t.setTimeout(patienceOfFileMs);

async function withNodes(nodes: number, work: (cluster: RealCluster) => Promise<void>): Promise<void> {
  const cluster = await RealCluster.start({ nodes, label: `of-${nodes}` });
  try {
    await work(cluster);
  } catch (error) {
    t.comment(cluster.reportAll(30));
    throw error;
  } finally {
    await cluster.dispose();
  }
}

t.test('five: the leader and another node die at once, and the rest goes on', async (t) => {
  await withNodes(5, async (cluster) => {
    const options = { ...load, label: 'pair', random: seededRandom(load.seed) };
    const played = await underLoad(cluster, options, async (stage) => {
      const leader = await cluster.leader();
      const other = cluster.runningIds.find((id) => id !== leader.id) ?? 0;
      const killedMs = performance.now();
      await Promise.all([leader.id, other].map((id) => cluster.end(id, 'SIGKILL')));
      await stage.goesOn(killedMs);
      await Promise.all([leader.id, other].map((id) => cluster.restart(id)));
      await cluster.converged();
    });
    t.same(played.verdict.violations, []);
    t.match(played, { trouble: null, verdict: { unknown: 0, rejected: 0 } });
  });
});

t.test('rolling restart: of three nodes in turn, no request of a library client fails', async (t) => {
  await withNodes(3, async (cluster) => {
    const report = await runRolling(cluster, { ...load, rounds: 1, label: 'roll' });
    t.match(report, { ...flawless, restarts: 3, failed: 0 });
    t.same(report.failures, []);
    t.ok(report.handOvers > 0, 'the leader was among them');
    t.comment(`gaps of hand-overs: ${report.handOverGapsMs.join(' ms, ')} ms`);
  });
});

t.test('one: killed or restarted it is away until it is back, and nothing is lost', async (t) => {
  await withNodes(1, async (cluster) => {
    const killed = await runDrill(cluster, { ...load, kills: 1, label: 'kill' });
    t.match(killed, { ...flawless, kills: 1, unknown: 0 });
    t.same(killed.failures, []);
    const rolled = await runRolling(cluster, { ...load, rounds: 1, label: 'roll' });
    t.match(rolled, { ...flawless, restarts: 1, failed: 0 });
    t.same(rolled.failures, []);
  });
});
