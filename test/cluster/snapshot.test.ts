/** A node that lost its disk comes back as an observer, by snapshot, while writes go on; and what no disk may ever hold. */
import { randomBytes } from 'node:crypto';
import t from 'tap';
import { underLoad } from '../../scripts/support/drill/under-load.ts';
import { RealCluster } from '../../scripts/support/real-cluster.ts';
import { until } from '../../scripts/support/until.ts';
import { seededRandom } from '../../src/base/prng.ts';
import { findCanaries } from './support/canaries.ts';
import { LineClient } from './support/line-client.ts';
import { patienceOfFileMs } from './support/patience.ts';
import { scan } from './support/scans.ts';

const rate = 400;
const patienceMs = 30_000;
/** The log is cut every few hundred entries, so that a new node cannot follow from its beginning. */
const compaction = { entries: 200, keepEntries: 50 };

t.setTimeout(patienceOfFileMs);
const cluster = await RealCluster.start({ label: 'snapshot', config: { compaction }, logLevel: 'debug' });
t.teardown(() => cluster.dispose({ keep: !t.passing() }));
t.afterEach((test) => {
  if (!test.passing()) test.comment(cluster.reportAll(30));
});

const secrets: string[] = [];
let texts: string[] = [];
let wiped = 0;

t.test('snapshot: a wiped node catches up while writes go on, and shows all of it', async (t) => {
  const leader = await cluster.leader();
  wiped = cluster.nodes.map((node) => node.id).find((id) => id !== leader.id) ?? 0;
  const random = seededRandom(1);
  const played = await underLoad(cluster, { rate, writers: 4, random }, async (stage) => {
    await cluster.end(wiped, 'SIGKILL');
    await cluster.wipe(wiped);
    const behind = (await cluster.leader()).commitIndex + 3 * compaction.entries;
    await until('the log was cut several times', patienceMs, async () => {
      return (await cluster.leader()).commitIndex > behind;
    });
    await cluster.restart(wiped);
    await cluster.converged();
    await stage.goesOn();
    const [member] = stage.cast.members;
    if (member === undefined) throw new Error('nobody is there');
    const client = await stage.cast.session(member, cluster.node(wiped));
    await scan(stage.recorder, member, client, 'on the wiped node', 5);
    await client.close();
    secrets.push(...stage.cast.secrets);
  });
  texts = played.recorder.history.flatMap((event) => (event.kind === 'invoke' ? [event.text] : [])).slice(-4);
  t.same(played.verdict.violations, []);
  t.equal(played.trouble, null);
  t.match(played.verdict, { unknown: 0, rejected: 0 });
});

t.test('snapshot: the node that lost its log observes and says so', async (t) => {
  const status = await cluster.status(wiped);
  t.equal(status?.role, 'observer');
  t.ok(
    status?.alarms.some((alarm) => alarm.includes('observer')),
    `alarms: ${status?.alarms.join(', ')}`,
  );
});

t.test('snapshot: an observer is no part of a majority', async (t) => {
  await cluster.converged();
  const leader = await cluster.leader();
  const voter = cluster.nodes.map((node) => node.id).find((id) => id !== leader.id && id !== wiped) ?? 0;
  await cluster.end(voter, 'SIGKILL');
  const line = await LineClient.open(cluster.node(wiped).chatPort);
  t.equal(await line.ask('4', patienceMs), 'Error UNAVAILABLE: Service unavailable: no leader, try again.');
  await until('the leader steps down without the other voter', patienceMs, async () => {
    return (await cluster.status(leader.id))?.role !== 'leader';
  });
  t.equal((await cluster.status(wiped))?.role, 'observer', 'and the observer does not stand');
  line.close();
  await cluster.restart(voter);
  await cluster.leader();
});

t.test('secrets: no password and no session secret is in data, logs or snapshots', async (t) => {
  const typed = randomBytes(24).toString('hex');
  const ofGroup = randomBytes(24).toString('hex');
  const line = await LineClient.open(cluster.node(wiped).chatPort);
  t.match(await line.ask(`1|carl|${typed}`), /^New account created!/);
  t.match(await line.ask(`2|carl|${typed}`), /^Login successful/);
  t.equal(await line.ask(`j|#vault|${ofGroup}`), 'Joined group #vault.');
  line.close();
  secrets.push(typed, ofGroup);
  await cluster.converged();
  const exits = await cluster.stopAll();
  t.same(exits, Array(3).fill({ code: 0, signal: null }), 'a clean stop of all');
  t.ok(secrets.length > 4);
  t.same(await findCanaries(cluster.root, secrets), []);
  const printed = cluster.nodes.flatMap(({ id }) => cluster.process(id).output).join('\n');
  for (const secret of secrets) t.notOk(printed.includes(secret), 'nor was one printed');
  const control = texts.map((text) => Buffer.from(text).toString('hex'));
  t.ok((await findCanaries(cluster.root, control)).length > 0, 'the search finds what is there');
});
