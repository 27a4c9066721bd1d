/** A disk that fills up: who leads, who acknowledges, what is refused, and that all of it ends by itself. */
import t from 'tap';
import { MIB } from '../../../src/base/limits.ts';
import { defaultRoom, levelOf, marksOn } from '../../../src/replication/storage/disk-room.ts';
import { TestCluster, type TestNode } from '../support/test-cluster.ts';

const TOTAL = 1e11;

/** Takes effect at the next look. */
function leave(cluster: TestCluster, id: number, freeBytes: number): void {
  cluster.machineOf(id).disk.room = { freeBytes, totalBytes: TOTAL };
}

async function look(cluster: TestCluster): Promise<void> {
  await cluster.clock.advance(1_000);
}

function alarmsOf({ engine }: TestNode): readonly string[] {
  return engine.status().alarms;
}

t.test('room: the marks fit the file system, and there is room again only with some to spare', (t) => {
  const small = { freeBytes: 0, totalBytes: 64 * MIB };
  t.strictSame(marksOn(small, defaultRoom), { lowBytes: 8 * MIB, reserveBytes: 2 * MIB });
  const marks = marksOn({ freeBytes: 0, totalBytes: TOTAL }, defaultRoom);
  t.strictSame(marks, defaultRoom);
  const at = (mib: number, before: 'ample' | 'low' | 'none'): string =>
    levelOf({ freeBytes: mib * MIB, totalBytes: TOTAL }, defaultRoom, before);
  t.equal(at(200, 'ample'), 'ample');
  t.equal(at(130, 'ample'), 'ample');
  t.equal(at(127, 'ample'), 'low');
  t.equal(at(130, 'low'), 'low');
  t.equal(at(160, 'low'), 'ample');
  t.equal(at(31, 'low'), 'none');
  t.equal(at(35, 'none'), 'none');
  t.equal(at(40, 'none'), 'low');
  t.end();
});

t.test('room: a leader that lacks it hands over to a node that has it, and writes go on', async (t) => {
  const cluster = await TestCluster.led(3);
  const old = cluster.led;
  leave(cluster, old.id, 100 * MIB);
  await cluster.until('another leads', () => cluster.leader !== null && cluster.led.id !== old.id, 5_000);
  await look(cluster);
  t.match(alarmsOf(old), [/^disk: low on space \(95 MiB free, mark 128 MiB\)|^disk: low on space \(100 MiB/]);
  t.match(old.engine.status().storage?.room, { freeBytes: 100 * MIB, lowBytes: 128 * MIB });
  for (const id of cluster.ids) t.equal((await cluster.propose(id, `from ${id}`)).kind, 'applied');
  await cluster.converge();
  t.equal(old.machine.texts.length, 3, 'it follows as before');
  leave(cluster, old.id, TOTAL);
  await look(cluster);
  t.strictSame(alarmsOf(old), []);
  await cluster.stopAll();
});

t.test(
  'room: a leader that lacks it does not wait for a node that hangs, and hands over to another',
  async (t) => {
    const cluster = await TestCluster.led(3);
    const old = cluster.led;
    const [hanging = 0, other = 0] = cluster.ids.filter((id) => id !== old.id);
    cluster.network.deafen(hanging, old.id);
    cluster.network.deafen(old.id, hanging);
    await cluster.clock.advance(1_000);
    leave(cluster, old.id, 100 * MIB);
    await cluster.until('another leads', () => cluster.leader !== null && cluster.led.id !== old.id, 5_000);
    t.equal(cluster.led.id, other);
    await cluster.stopAll();
  },
);

t.test(
  'room: writes are refused when a majority lacks it, and go on by themselves when it is back',
  async (t) => {
    const cluster = await TestCluster.led(3);
    await cluster.propose(1, 'before');
    const [one, two] = cluster.ids;
    for (const id of [one, two]) leave(cluster, id ?? 0, 60 * MIB);
    await look(cluster);
    for (const id of cluster.ids) {
      t.strictSame(
        await cluster.propose(id, 'refused'),
        { kind: 'refused', code: 'LOW_SPACE' },
        `node ${id}`,
      );
    }
    for (const node of cluster.nodes)
      t.ok(alarmsOf(node).some((alarm) => /majority.*writes are refused/.test(alarm)));
    await cluster.finish(cluster.led.engine.barrier());
    leave(cluster, one ?? 0, TOTAL);
    await look(cluster);
    t.equal((await cluster.propose(1, 'after')).kind, 'applied');
    await cluster.converge();
    for (const { machine } of cluster.nodes) t.strictSame(machine.texts, ['before', 'after']);
    await cluster.stopAll();
  },
);

t.test('room: a follower without any takes no entries, and catches up when it has some', async (t) => {
  const cluster = await TestCluster.led(3);
  const [full] = cluster.followers;
  if (full === undefined) throw new Error('no follower');
  leave(cluster, full.id, 1 * MIB);
  await look(cluster);
  t.match(alarmsOf(full), [/^disk: low on space \(1 MiB free.*takes no entries/]);
  for (let i = 0; i < 20; i++) t.equal((await cluster.propose(cluster.led.id, `m${i}`)).kind, 'applied');
  t.equal(full.machine.texts.length, 0, 'nothing was written there');
  t.equal(full.engine.status().leader, cluster.led.id, 'and it stays a follower');
  leave(cluster, full.id, TOTAL);
  await cluster.until('it catches up', () => full.machine.texts.length === 20, 5_000);
  t.strictSame(alarmsOf(full), []);
  await cluster.stopAll();
});

t.test('room: one node alone refuses, and goes on', async (t) => {
  const cluster = await TestCluster.led(1);
  leave(cluster, 1, 50 * MIB);
  await look(cluster);
  t.strictSame(await cluster.propose(1, 'x'), { kind: 'refused', code: 'LOW_SPACE' });
  leave(cluster, 1, TOTAL);
  await look(cluster);
  t.equal((await cluster.propose(1, 'y')).kind, 'applied');
  await cluster.stopAll();
});
