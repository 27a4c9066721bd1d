/** Numbered, acknowledged, redelivered: the messenger dialect by plain TCP, through the death of the node that everyone is on. */
import t from 'tap';
import { RealCluster } from '../../scripts/support/real-cluster.ts';
import { LineClient } from './support/line-client.ts';
import { patienceOfFileMs } from './support/patience.ts';

t.setTimeout(patienceOfFileMs);
const cluster = await RealCluster.start({ label: 'messenger' });
t.teardown(() => cluster.dispose({ keep: !t.passing() }));
t.afterEach((test) => {
  if (!test.passing()) test.comment(cluster.reportAll(20));
});

async function signIn(node: number, name: string): Promise<LineClient> {
  const line = await LineClient.open(cluster.node(node).chatPort);
  t.equal(await line.ask(`LOG|${name}|password`), '0|OK');
  return line;
}

/** A push that was not acknowledged for five seconds may have come again, on a busy machine. */
async function signOut(line: LineClient): Promise<void> {
  line.send('OUT|OK');
  while ((await line.next()) !== '0|OK');
}

t.test(
  'messenger: what was acknowledged comes no more, what was not comes again, and the sender hears of each',
  async (t) => {
    const leader = await cluster.leader();
    const [second = 0, third = 0] = cluster.nodes.map(({ id }) => id).filter((id) => id !== leader.id);
    const line = await LineClient.open(cluster.node(second).chatPort);
    for (const name of ['ann', 'bob']) t.equal(await line.ask(`USR|${name}|password|${name}`), '0|OK');
    line.close();
    const ann = await signIn(leader.id, 'ann');
    t.equal(await ann.ask('MSG|ann|bob|one'), '0|000001');
    t.equal(await ann.ask('MSG|ann|bob|two'), '0|000002');
    t.equal(await ann.ask('MSG|ann|bob|three'), '0|000003');
    const bob = await signIn(leader.id, 'bob');
    for (const push of ['R|ann|000001|one', 'R|ann|000002|two', 'R|ann|000003|three']) {
      t.equal(await bob.next(), push);
    }
    bob.send('0|000002');
    t.equal(await ann.next(), 'OK|ann|bob|000002', 'the sender hears of it, and says nothing');

    await cluster.end(leader.id);
    await cluster.leader(leader.term);
    const annAgain = await signIn(second, 'ann');
    t.equal(await annAgain.next(), 'OK|ann|bob|000002', 'what she did not confirm is told again');
    annAgain.send('0|OK');
    const bobAgain = await signIn(third, 'bob');
    t.equal(await bobAgain.next(), 'R|ann|000001|one');
    t.equal(await bobAgain.next(), 'R|ann|000003|three');
    bobAgain.send('0|000003');
    t.equal(await annAgain.next(), 'OK|ann|bob|000003', 'in whatever order they are acknowledged');
    annAgain.send('0|OK');
    bobAgain.send('0|000001');
    t.equal(await annAgain.next(), 'OK|ann|bob|000001');
    annAgain.send('0|OK');
    for (const client of [annAgain, bobAgain]) await signOut(client);

    await cluster.restart(leader.id);
    await cluster.converged();
    const [annLast, bobLast] = [await signIn(leader.id, 'ann'), await signIn(leader.id, 'bob')];
    t.equal(await annLast.ask('MSG|ann|bob|four'), '0|000004', 'no receipt of old, and the count goes on');
    t.equal(await bobLast.next(), 'R|ann|000004|four', 'no message of old');
    for (const client of [annLast, bobLast]) client.close();
  },
);
