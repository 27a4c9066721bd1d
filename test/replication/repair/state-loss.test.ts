/** A node whose log is whole and whose state is not: it gets another state, keeps its log and its votes, and shows no gap. */
import t, { type Test } from 'tap';
import { limits } from '../../../src/base/limits.ts';
import { TestCluster, type TestNode } from '../support/test-cluster.ts';

const small = { compaction: { entries: 100, bytes: 1e9, keepEntries: 20 } };

async function fill(cluster: TestCluster, id: number, prefix: string, count: number): Promise<void> {
  const { engine } = cluster.node(id);
  const texts = Array.from({ length: count }, (_, i) => `${prefix}${i}`);
  await cluster.finish(Promise.all(texts.map((text) => engine.propose(Buffer.from(text)))));
}

/** Makes the state of a stopped node unreadable: a byte of its newest mark. */
async function damageState(cluster: TestCluster, id: number): Promise<void> {
  const database = [...cluster.machineOf(id).databases.values()].at(-1);
  if (database === undefined) throw new Error('no database');
  await database.open();
  const head = Buffer.from((await database.get('m')) ?? Buffer.alloc(0));
  head[12] = (head[12] ?? 0) ^ 1;
  await database.put('m', head);
  await database.close();
}

async function historyOf(node: TestNode): Promise<string[]> {
  const range = { from: 1, to: Number.MAX_SAFE_INTEGER, limit: 100_000 };
  const records = await node.store.readStream('history', range);
  return records.map(({ record }) => Buffer.from(record).toString());
}

function same(t: Test, cluster: TestCluster): void {
  const { texts } = cluster.led.machine;
  for (const { id, machine } of cluster.nodes) t.strictSame(machine.texts, texts, `node ${id}`);
}

t.test('state loss: where the log goes back to the founding, the state is built from it', async (t) => {
  const cluster = await TestCluster.led(3);
  await fill(cluster, cluster.led.id, 'a', 50);
  await cluster.converge();
  const victim = cluster.followers[0]?.id ?? 0;
  await cluster.stop(victim);
  await damageState(cluster, victim);
  const node = await cluster.start(victim);
  t.match(node.engine.status().alarms, [/^state: built anew from the log, for this reason: .* is damaged/]);
  await cluster.until('it has applied all', () => node.machine.texts.length === 50);
  await cluster.converge();
  same(t, cluster);
  t.strictSame(await historyOf(node), node.machine.texts);
  await cluster.stopAll();
});

t.test('state loss: where it does not, a copy is fetched, and log and votes are kept', async (t) => {
  const cluster = await TestCluster.led(3, small);
  await fill(cluster, cluster.led.id, 'a', 500);
  await cluster.converge();
  await cluster.clock.advance(500);
  const victim = cluster.followers[0]?.id ?? 0;
  await cluster.stop(victim);
  await damageState(cluster, victim);
  const node = await cluster.start(victim);
  t.equal(node.machine.texts.length, 0, 'nothing is served before');
  t.equal(node.engine.status().role, 'observer');
  t.match(node.engine.status().alarms, [/^state: being rebuilt from another node/]);
  await cluster.until('it follows', () => node.engine.status().role === 'follower');
  t.match(node.engine.status().alarms, [/^state: rebuilt from node \d, for this reason: /]);
  const { start } = node.log.recovered;
  t.ok((start?.index ?? 0) > 1, 'its log began later than the founding');
  t.ok(node.engine.status().appliedIndex > (start?.index ?? 0));
  t.equal(cluster.node(victim).incarnation, node.incarnation, 'it is the same member');
  await fill(cluster, victim, 'b', 20);
  await cluster.converge();
  same(t, cluster);
  t.strictSame(await historyOf(node), node.machine.texts);
  await cluster.stop(victim);
  const again = await cluster.start(victim);
  t.strictSame(again.engine.status().alarms, [], 'and it is whole from then on');
  await cluster.converge();
  same(t, cluster);
  await cluster.stopAll();
});

t.test('state loss: a state older than the log goes back is replaced', async (t) => {
  const cluster = await TestCluster.led(3, small);
  await fill(cluster, cluster.led.id, 'a', 50);
  await cluster.converge();
  const victim = cluster.followers[0]?.id ?? 0;
  await cluster.stop(victim);
  const database = [...cluster.machineOf(victim).databases.values()].at(-1);
  if (database === undefined) throw new Error('no database');
  await database.open();
  const stale = await database.iterator().all();
  await database.close();
  await cluster.start(victim);
  await fill(cluster, cluster.led.id, 'b', 500);
  await cluster.converge();
  await cluster.clock.advance(500);
  await cluster.stop(victim);
  await database.open();
  await database.clear();
  for (const [key, value] of stale) await database.put(key, value);
  await database.close();
  const node = await cluster.start(victim);
  t.match(node.engine.status().alarms, [/reason: it is older than the log goes back/]);
  await cluster.until('it follows', () => node.engine.status().role === 'follower');
  await cluster.converge();
  same(t, cluster);
  await cluster.stopAll();
});

t.test('state loss: until the copy is there the node neither votes nor acknowledges', async (t) => {
  const cluster = await TestCluster.led(3, small);
  await fill(cluster, cluster.led.id, 'a', 300);
  await cluster.converge();
  await cluster.clock.advance(500);
  const [victim, third] = cluster.followers.map(({ id }) => id);
  if (victim === undefined || third === undefined) throw new Error('too few followers');
  const leader = cluster.led.id;
  await cluster.stop(victim);
  await damageState(cluster, victim);
  await cluster.stop(third);
  // Every copy breaks off: the one state that is left cannot be had.
  cluster.network.blocksStreams = true;
  const node = await cluster.start(victim);
  const outcome = cluster.node(leader).engine.propose(Buffer.from('alone'));
  await cluster.clock.advance(limits.operationMs + 1_000);
  t.match(
    await cluster.finish(outcome),
    { kind: /unknown|refused/ },
    'its acknowledgement would have made a majority',
  );
  t.equal(node.engine.status().role, 'observer');
  t.match(node.engine.status().alarms, [/no copies today/]);
  await cluster.stopAll();
});

t.test('state loss: one whole state brings all nodes back, though no majority runs', async (t) => {
  const cluster = await TestCluster.led(3, small);
  await fill(cluster, cluster.led.id, 'a', 300);
  await cluster.converge();
  await cluster.clock.advance(500);
  const texts = [...cluster.led.machine.texts];
  const leader = cluster.led.id;
  const others = cluster.followers.map(({ id }) => id);
  for (const id of [...others, leader]) await cluster.stop(id);
  for (const id of others) await damageState(cluster, id);
  for (const id of cluster.ids) await cluster.start(id);
  await cluster.until('a leader', () => cluster.leader !== null);
  await cluster.finish(cluster.led.engine.barrier());
  await cluster.converge();
  for (const { machine } of cluster.nodes) t.strictSame(machine.texts, texts);
  await cluster.stopAll();
});

t.test('state loss: a crash behind the swap is made good at the next start', async (t) => {
  const cluster = await TestCluster.led(3, small);
  await fill(cluster, cluster.led.id, 'a', 300);
  await cluster.converge();
  await cluster.clock.advance(500);
  const victim = cluster.followers[0]?.id ?? 0;
  await cluster.stop(victim);
  // The copy ends behind the log of the victim, which then has to begin anew.
  await fill(cluster, cluster.led.id, 'b', 300);
  await cluster.clock.advance(500);
  await damageState(cluster, victim);
  const node = await cluster.start(victim);
  const { disk } = cluster.machineOf(victim);
  const watch = disk.before;
  let crashed = false;
  disk.before = async (operation) => {
    await watch?.(operation);
    if (operation.kind !== 'open' || !operation.path.startsWith('wal/') || crashed) return;
    crashed = true;
    cluster.crash(victim);
    await new Promise(() => undefined);
  };
  await cluster.until('the crash', () => crashed);
  t.equal(node.engine.status().role, 'observer', 'it had not yet taken part');
  await cluster.clock.advance(50);
  const again = await cluster.start(victim);
  await cluster.until('it is up to date', () => again.machine.texts.length === 600);
  same(t, cluster);
  await cluster.stopAll();
});

t.test('state loss: the only member does not give up the only copy', async (t) => {
  const cluster = await TestCluster.led(1, small);
  await fill(cluster, 1, 'a', 300);
  await cluster.clock.advance(500);
  await cluster.stop(1);
  const pointer = cluster.machineOf(1).disk.contentOf('CURRENT-STATE');
  await damageState(cluster, 1);
  const error = { code: 'DATA_DAMAGED', message: /only member: restore .* from a backup/ };
  await t.rejects(cluster.start(1), error);
  t.strictSame(cluster.machineOf(1).disk.contentOf('CURRENT-STATE'), pointer, 'nothing is touched');
  await t.rejects(cluster.start(1), error);
});

t.test(
  'log loss: a damaged log whose entries are all in the state begins anew, votes kept, and the node says so',
  async (t) => {
    const cluster = await TestCluster.led(3, small);
    await fill(cluster, cluster.led.id, 'a', 300);
    await cluster.converge();
    await cluster.clock.advance(500);
    const victim = cluster.followers[0]?.id ?? 0;
    const { term } = cluster.node(victim).engine.status();
    await cluster.stop(victim);
    const { disk } = cluster.machineOf(victim);
    const path = disk.files().find((file) => /^wal\/.*log$/.test(file)) ?? '';
    const content = disk.contentOf(path);
    content[200] = (content[200] ?? 0) ^ 8;
    disk.plant(path, content);
    const node = await cluster.start(victim);
    t.equal(node.log.recovered.hardState.term, term);
    t.match(node.engine.status().alarms, [
      /^log: begun anew, since the state had all of it: wal\/.*, offset \d+/,
    ]);
    await fill(cluster, victim, 'b', 20);
    await cluster.converge();
    same(t, cluster);
    t.equal(node.engine.status().role, 'follower');
    await cluster.stopAll();
  },
);
