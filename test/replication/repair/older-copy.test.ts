/** A data directory that is an older copy of itself: what it has acknowledged meanwhile is missing, so it must not be believed. */
import { MemoryLevel } from 'memory-level';
import t from 'tap';
import { withRemedy } from '../../../src/replication/storage/data-directory.ts';
import { Machine, TestCluster } from '../support/test-cluster.ts';

/** Of a machine whose node does not run. */
async function copyOf(machine: Machine): Promise<Machine> {
  const copy = new Machine();
  copy.disk = machine.disk.image({ kind: 'synced-only' });
  for (const [path, database] of machine.databases) {
    const copied = new MemoryLevel<string, Buffer>({ keyEncoding: 'utf8', valueEncoding: 'buffer' });
    await database.open();
    for await (const [key, value] of database.iterator()) await copied.put(key, value);
    await database.close();
    await copied.close();
    copy.databases.set(path, copied);
  }
  return copy;
}

/** Three nodes, of which the third is away, so that all is acknowledged by the second; and how that one's disk was before. */
async function clusterWithOldCopy(): Promise<{
  readonly cluster: TestCluster;
  readonly leader: number;
  readonly copied: number;
  readonly lagging: number;
  readonly older: Machine;
}> {
  const cluster = await TestCluster.led(3);
  await cluster.propose(cluster.led.id, 'before');
  await cluster.converge();
  const leader = cluster.led.id;
  const [copied = 0, lagging = 0] = cluster.followers.map(({ id }) => id);
  await cluster.stop(copied);
  const older = await copyOf(cluster.machineOf(copied));
  await cluster.start(copied);
  await cluster.until('it follows', () => cluster.node(copied).engine.status().leader === leader);
  cluster.crash(lagging);
  for (const text of ['a', 'b', 'c']) await cluster.propose(leader, text);
  await cluster.converge();
  await cluster.stop(copied);
  return { cluster, leader, copied, lagging, older };
}

t.test(
  'older copy: a node whose directory was put back is told by its leader, and refuses it from then on',
  async (t) => {
    const { cluster, leader, copied, lagging, older } = await clusterWithOldCopy();
    const right = cluster.machineOf(copied);
    cluster.restore(copied, older);
    const node = await cluster.start(copied);
    await cluster.until('it notices', () => node.fatal.length > 0);
    const refusal = { code: 'DATA_DAMAGED', message: /acknowledged entries up to \d+, .* ends at entry \d+/ };
    t.match(node.fatal, [{ ...refusal, message: /older copy of itself.*members replace/ }]);
    cluster.crash(copied);

    // Whoever would know better is away: a majority of these two could lose the three messages.
    cluster.crash(leader);
    await cluster.start(lagging);
    const again = cluster.start(copied);
    await t.rejects(cluster.finish(again), refusal);
    t.match(withRemedy(await again.catch((error: unknown) => error), copied), {
      message: /put back the one/,
    });
    cluster.crash(copied);
    await cluster.clock.advance(5_000);
    t.equal(cluster.leader, null, 'one node is no majority');

    // The directory that belongs there is whole.
    cluster.restore(copied, right);
    await cluster.start(copied);
    await cluster.until('a leader', () => cluster.leader !== null);
    await cluster.converge();
    for (const { machine } of cluster.nodes) t.strictSame(machine.texts, ['before', 'a', 'b', 'c']);
    await cluster.stopAll();
  },
);

t.test('older copy: the number goes on with an empty directory, as after any loss of a disk', async (t) => {
  const { cluster, copied, lagging, older } = await clusterWithOldCopy();
  cluster.restore(copied, older);
  const node = await cluster.start(copied);
  await cluster.until('it notices', () => node.fatal.length > 0);
  cluster.crash(copied);
  cluster.wipe(copied);
  await cluster.start(lagging);
  await cluster.start(copied);
  const row = () => cluster.led.engine.status().members.find(({ id }) => id === copied);
  await cluster.until('it follows', () => row()?.state === 'observer');
  const replaced = await cluster.finish(cluster.led.engine.changeMembers({ kind: 'replace', node: copied }));
  t.strictSame(replaced, { kind: 'done' });
  await cluster.until('it votes', () => row()?.state === 'voter');
  await cluster.converge();
  for (const { machine } of cluster.nodes) t.strictSame(machine.texts, ['before', 'a', 'b', 'c']);
  await cluster.stopAll();
});
