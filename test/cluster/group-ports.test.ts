/** A port of its own for a group, by the operator's command, on nodes that share one machine: one of them has it, and another when that one dies. */
import t from 'tap';
import { freePorts } from '../../scripts/support/ports.ts';
import { RealCluster } from '../../scripts/support/real-cluster.ts';
import { until } from '../../scripts/support/until.ts';
import { runAdmin } from './support/admin.ts';
import { LineClient } from './support/line-client.ts';
import { patienceOfFileMs } from './support/patience.ts';

/** Nodes try again every five seconds; the rest is for a busy machine. */
const waitMs = 40_000;

t.setTimeout(patienceOfFileMs);
const cluster = await RealCluster.start({ label: 'group-ports' });
t.teardown(() => cluster.dispose({ keep: !t.passing() }));
t.afterEach((test) => {
  if (!test.passing()) test.comment(cluster.reportAll(20));
});
const [port = 0] = await freePorts(1);

const admin = (...operands: readonly string[]) => runAdmin(cluster, ...operands);

function open(): Promise<LineClient> {
  return until(`port ${port} is open`, waitMs, () => LineClient.open(port).catch(() => null));
}

/** The node without the alarm, once all others have it. */
function holder(): Promise<number> {
  return until('one node has the port', waitMs, async () => {
    const ids = cluster.runningIds;
    const all = await Promise.all(ids.map((id) => cluster.status(id)));
    const without = all.filter((status) => status !== null && !status.alarms.some(isOfPort));
    return without.length === 1 ? (without[0]?.id ?? null) : null;
  });
}

function isOfPort(alarm: string): boolean {
  return alarm.startsWith(`group port: ${port} of group chess is not open: `);
}

t.test('group ports: opened by an operator, and again after a kill and after a restart of all', async (t) => {
  const anywhere = await LineClient.open(cluster.node(1).chatPort);
  t.equal(await anywhere.ask('REGISTER_GROUP chess 127.0.0.1 5555'), 'SUCCESS');
  t.match(await admin('group-listener', 'chess'), { code: 64, text: /give --port N, or --remove/ });
  t.match(await admin('group-listener', 'nothing', '--port', `${port}`), { code: 1, text: /no such group/i });
  t.match(await admin('group-listener', 'chess', '--port', `${port}`), {
    code: 0,
    text: `Every node opens port ${port} for chess.\n`,
  });
  const first = await open();
  const uid = await first.ask('NEW_USER');
  t.equal(await first.ask(`JOIN_GROUP ${uid}`), 'SUCCESS');
  t.equal(await first.ask(`SEND_MESSAGE ${uid} e4`), 'SUCCESS');

  const victim = await holder();
  await cluster.end(victim, 'SIGKILL');
  const second = await open();
  await until('the group is served without that node', waitMs, async () => {
    return (await second.ask(`SEND_MESSAGE ${uid} e5`)) === 'SUCCESS';
  });
  t.match(await second.list(`GET_MESSAGES ${uid}`), [/ - e4$/, / - e5$/]);

  await cluster.stopAll();
  for (const { id } of cluster.nodes) cluster.run(id);
  await cluster.allReady();
  const third = await open();
  t.match(await third.list(`GET_MESSAGES ${uid}`), [/ - e4$/, / - e5$/], 'the port is part of the state');
  await holder();

  t.match(await admin('group-listener', 'chess', '--remove'), { code: 0, text: 'chess has no port.\n' });
  await third.closed();
  await until('no node has an alarm', waitMs, async () => {
    const all = await Promise.all(cluster.runningIds.map((id) => cluster.status(id)));
    return all.every((status) => status !== null && !status.alarms.some(isOfPort));
  });
  await t.rejects(LineClient.open(port));
});
