/** A short drill of changing members: kills and partitions in their middle, under load, judged by the oracle. */
import t from 'tap';
import { membersPlaces, runMembers } from '../../scripts/support/drill/members.ts';
import { RealCluster } from '../../scripts/support/real-cluster.ts';
import { patienceOfFileMs } from './support/patience.ts';

t.setTimeout(patienceOfFileMs);
const cluster = await RealCluster.start({ ...membersPlaces, proxied: true, label: 'member-drill' });
t.teardown(() => cluster.dispose({ keep: !t.passing() }));

t.test('members: nothing acknowledged is lost while members change, die and are parted', async (t) => {
  const report = await runMembers(cluster, { changes: 3, rate: 200, writers: 2, seed: 4 });
  t.same(report.failures, []);
  t.match(report, { changes: 3, lost: 0, duplicated: 0, reordered: 0, otherViolations: 0 });
  t.ok(report.acknowledged > 0);
  t.ok(report.members.length >= 3 && report.members.length <= 5);
});
