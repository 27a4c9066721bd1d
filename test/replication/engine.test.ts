import t from 'tap';
import { TestCluster } from './support/test-cluster.ts';

t.test('engine: three empty nodes found one cluster, and every node takes proposals', async (t) => {
  const cluster = await TestCluster.led(3);
  for (const id of cluster.ids) {
    const outcome = await cluster.propose(id, `from ${id}`);
    t.equal(outcome.kind, 'applied', `node ${id}`);
  }
  await cluster.converge();
  for (const { machine } of cluster.nodes) t.strictSame(machine.texts, ['from 1', 'from 2', 'from 3']);
  t.strictSame(
    cluster.nodes.map(({ engine }) => engine.status().members.map(({ voter }) => voter)),
    Array.from({ length: 3 }, () => [true, true, true]),
  );
  await cluster.stopAll();
});
