/** Clusters of other sizes than three, in one process: five nodes, and one. */
import t, { type Test } from 'tap';
import { TestCluster } from './support/test-cluster.ts';

async function allHave(t: Test, cluster: TestCluster, texts: readonly string[]): Promise<void> {
  await cluster.converge();
  for (const { id, machine } of cluster.nodes) t.strictSame(machine.texts, texts, `node ${id}`);
}

t.test(
  'five: two nodes may be gone, whoever they are, and with three gone nothing is confirmed',
  async (t) => {
    const cluster = await TestCluster.led(5);
    const said: string[] = [];
    const say = async (node: number, text: string): Promise<void> => {
      t.match(await cluster.propose(node, text), { kind: 'applied' }, text);
      said.push(text);
    };
    for (const id of cluster.ids) await say(id, `from ${id}`);
    const [other] = cluster.followers;
    const victims = [cluster.led.id, other?.id ?? 0];
    for (const id of victims) cluster.crash(id);
    await cluster.until('another leader', () => cluster.leader !== null && !victims.includes(cluster.led.id));
    for (const { id } of cluster.nodes) await say(id, `again from ${id}`);
    const third = cluster.followers[0]?.id ?? 0;
    cluster.crash(third);
    const outcome = await cluster.propose(cluster.nodes[0]?.id ?? 0, 'by a minority');
    t.not(outcome.kind, 'applied', 'two of five confirm nothing');
    for (const id of [...victims, third]) await cluster.start(id);
    await cluster.until('a leader', () => cluster.leader !== null);
    await cluster.finish(cluster.led.engine.barrier());
    // Unknown is unknown: it may have taken effect.
    if (cluster.led.machine.texts.includes('by a minority')) said.push('by a minority');
    for (const id of cluster.ids) await say(id, `at last from ${id}`);
    await allHave(t, cluster, said);
    await cluster.stopAll();
  },
);

for (const count of [1, 3, 5]) {
  t.test(`restart in turn: of ${count}, and every proposal is applied once`, async (t) => {
    const cluster = await TestCluster.led(count);
    const said: string[] = [];
    for (const id of cluster.ids) {
      const others = cluster.ids.filter((other) => other !== id);
      const waiting = others.map((other) => {
        said.push(`${other} while ${id} restarts`);
        return cluster.node(other).engine.propose(Buffer.from(`${other} while ${id} restarts`));
      });
      await cluster.stop(id);
      await cluster.start(id);
      const outcomes = await cluster.finish(Promise.all(waiting));
      t.ok(outcomes.every(({ kind }) => kind === 'applied'));
      await cluster.until('a leader', () => cluster.leader !== null);
      t.match(await cluster.propose(id, `${id} is back`), { kind: 'applied' });
      said.push(`${id} is back`);
    }
    await cluster.converge();
    for (const { machine } of cluster.nodes) t.strictSame(machine.texts.toSorted(), said.toSorted());
    await cluster.stopAll();
  });
}

t.test('one: a crash loses nothing that was acknowledged, and it leads again by itself', async (t) => {
  const cluster = await TestCluster.led(1);
  for (let i = 0; i < 20; i++) t.match(await cluster.propose(1, `m${i}`), { kind: 'applied' });
  cluster.crash(1);
  await cluster.start(1);
  await cluster.until('a leader', () => cluster.leader !== null);
  await cluster.finish(cluster.led.engine.barrier());
  t.match(await cluster.propose(1, 'after'), { kind: 'applied' });
  await allHave(t, cluster, [...Array.from({ length: 20 }, (_, i) => `m${i}`), 'after']);
  await cluster.stopAll();
});
