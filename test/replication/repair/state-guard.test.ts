/** A state that can no longer be believed, in a node that runs: contradicted by the majority, or damaged on its disk. */
import t, { type Test } from 'tap';
import { silentLogger } from '../../../src/base/logger.ts';
import { foundedBy, memberOf } from '../../../src/replication/formats/members.ts';
import { Links } from '../../../src/replication/peers/links.ts';
import { StateComparison } from '../../../src/replication/repair/state-comparison.ts';
import { StateGuard } from '../../../src/replication/repair/state-guard.ts';
import { StateDamage } from '../../../src/store/damage.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';
import { TestCluster, type TestNode } from '../support/test-cluster.ts';

const small = { compaction: { entries: 100, bytes: 1e9, keepEntries: 20 } };

async function fill(cluster: TestCluster, id: number, prefix: string, count: number): Promise<void> {
  const { engine } = cluster.node(id);
  const texts = Array.from({ length: count }, (_, i) => `${prefix}${i}`);
  await cluster.finish(Promise.all(texts.map((text) => engine.propose(Buffer.from(text)))));
}

/** Lets the cluster's time pass a position at which states are compared, and an entry hit it. */
async function pass(cluster: TestCluster, text: string): Promise<void> {
  await cluster.clock.advance(10_000);
  await cluster.until('a leader', () => cluster.leader !== null);
  await cluster.propose(cluster.led.id, text);
  await cluster.clock.advance(500);
}

async function storedRows(node: TestNode): Promise<readonly string[]> {
  const rows: string[] = [];
  for await (const [, value] of node.store.rows()) rows.push(JSON.parse(Buffer.from(value).toString()).text);
  return rows;
}

function sameTexts(t: Test, cluster: TestCluster): void {
  for (const { id, machine } of cluster.nodes)
    t.strictSame(machine.texts, cluster.led.machine.texts, `node ${id}`);
}

async function diverges(t: Test, which: 'leader' | 'follower', options: object): Promise<void> {
  const cluster = await TestCluster.led(3, options);
  await fill(cluster, cluster.led.id, 'a', 300);
  await cluster.converge();
  const odd = which === 'leader' ? cluster.led : cluster.followers[0];
  if (odd === undefined) throw new Error('no follower');
  odd.machine.twistOn = 'wrong';
  await cluster.propose(odd.id, 'wrong');
  await cluster.converge();
  odd.machine.twistOn = null;
  const resets = odd.resets.length;
  cluster.network.blocksStreams = true;
  await cluster.clock.advance(10_000);
  await cluster.propose(cluster.led.id, 'passes the position');
  await cluster.until('it takes no part', () => odd.engine.status().role === 'observer');
  t.match(odd.engine.status().alarms, [
    /^state: being rebuilt .* not the state of the majority at entry \d+/,
  ]);
  t.equal(odd.engine.status().leader, null, 'it serves nothing');
  await cluster.until('another one leads', () => cluster.leader !== null);
  const outcome = await cluster.propose(cluster.led.id, 'meanwhile');
  t.equal(outcome.kind, 'applied', 'the others go on');
  t.notOk(odd.machine.texts.includes('meanwhile'), 'without it');
  cluster.network.blocksStreams = false;
  await cluster.until('it is back', () => odd.engine.status().role === 'follower');
  t.ok(odd.resets.length > resets, 'whoever listens is told that the state was replaced');
  t.match(odd.engine.status(), { storage: { rebuilds: 1 }, alarms: [/^state: rebuilt from node \d/] });
  await cluster.clock.advance(500);
  for (const { id, engine } of cluster.nodes.filter((node) => node !== odd))
    t.strictSame(engine.status().alarms, [], `node ${id} has heard so, also when nothing is written`);
  await pass(cluster, 'later');
  await cluster.converge();
  t.ok((await storedRows(odd)).includes('wrong'), 'its rows are those of the others');
  sameTexts(t, cluster);
  const { appliedIndex } = cluster.led.engine.status();
  for (const { engine } of cluster.nodes) {
    t.ok((engine.status().storage?.checkedIndex ?? 0) >= appliedIndex - 1, 'compared, and found alike');
    t.equal(
      engine.status().alarms.filter((alarm) => /majority/.test(alarm) && !/rebuilt/.test(alarm)).length,
      0,
    );
  }
  await cluster.stopAll();
}

t.test('divergence: a follower that differs fences itself and gets the state of the majority', async (t) => {
  await diverges(t, 'follower', {});
});

t.test('divergence: so does a leader, by the rule of the majority, and another one leads', async (t) => {
  await diverges(t, 'leader', {});
});

t.test('divergence: where the log was cut, too', async (t) => {
  await diverges(t, 'follower', small);
});

t.test('divergence: equal states are compared again and again, and nobody is disturbed', async (t) => {
  const cluster = await TestCluster.led(3, small);
  const { term } = cluster.led.engine.status();
  for (let round = 0; round < 5; round++) {
    await fill(cluster, 1 + (round % 3), `r${round}-`, 60);
    await pass(cluster, `p${round}`);
  }
  await cluster.converge();
  const indexes = new Set(cluster.nodes.map(({ engine }) => engine.status().storage?.checkedIndex));
  t.equal(indexes.size, 1);
  t.notOk(indexes.has(0));
  t.equal(cluster.led.engine.status().term, term);
  for (const { engine } of cluster.nodes) t.match(engine.status(), { alarms: [], storage: { rebuilds: 0 } });
  await cluster.stopAll();
});

t.test('divergence: a node that differs again and again stops, and says why', async (t) => {
  const cluster = await TestCluster.led(3);
  const odd = cluster.followers[0];
  if (odd === undefined) throw new Error('no follower');
  odd.machine.twistOn = 'wrong';
  for (let round = 0; round < 20 && odd.fatal.length === 0; round++) {
    await cluster.propose(cluster.led.id, 'wrong');
    await cluster.clock.advance(10_000).catch(() => undefined);
    const leader = cluster.led;
    void leader.engine.propose(Buffer.from(`p${round}`));
    await cluster.clock.advance(3_000);
  }
  t.match(odd.fatal, [{ code: 'STATE_DIVERGED' }]);
  await cluster.stopAll();
});

t.test('comparison: a majority decides, and one against one does not', (t) => {
  const voters = [1, 2, 3];
  const fresh = (self: number): StateComparison => new StateComparison({ self, voters: () => voters });
  const one = fresh(1);
  t.match(one.take(1, 10, 'x'), { kind: 'agreed' });
  t.match(one.take(2, 10, 'y'), { kind: 'undecided', members: [2] });
  t.match(one.take(3, 10, 'y'), { kind: 'self-differs', trusted: [2, 3] });
  const two = fresh(2);
  t.match(two.take(3, 10, 'y'), { kind: 'agreed' }, 'without an own digest nothing is known');
  t.match(two.take(2, 10, 'y'), { kind: 'agreed' });
  t.match(two.take(1, 10, 'x'), { kind: 'others-differ', members: [1] });
  t.match(two.take(1, 20, 'z'), { kind: 'agreed' });
  t.match(two.take(9, 20, 'z'), { kind: 'agreed' });
  t.match(two.take(2, 20, 'v'), { kind: 'undecided' }, 'who has no vote does not make a majority');
  const learner = fresh(9);
  t.match(learner.take(9, 10, 'x'), { kind: 'agreed' });
  learner.take(1, 10, 'y');
  t.match(learner.take(2, 10, 'y'), { kind: 'self-differs', trusted: [1, 2] }, 'but is judged by it');
  for (let index = 100; index < 200; index++) learner.take(1, index, 'y');
  t.match(learner.take(9, 10, 'x'), { kind: 'agreed' }, 'what is long past is forgotten');
  t.end();
});

t.test(
  'damage: history that is damaged while a node runs is not served, and the state is replaced',
  async (t) => {
    for (const which of ['leader', 'follower'] as const) {
      const cluster = await TestCluster.led(3, small);
      await fill(cluster, cluster.led.id, 'a', 300);
      await cluster.converge();
      await cluster.clock.advance(500);
      const victim = which === 'leader' ? cluster.led : cluster.followers[0];
      if (victim === undefined) throw new Error('no follower');
      const database = [...cluster.machineOf(victim.id).databases.values()].at(-1);
      const [key] = (await database?.keys({ gte: 's!', lt: 's"', limit: 1 }).all()) ?? [];
      await database?.del(key ?? '');
      const range = { from: 1, to: 1_000, limit: 1_000 };
      await t.rejects(
        victim.store.readStream('history', range),
        { code: 'DATA_DAMAGED' },
        'no gap is served',
      );
      t.match(victim.engine.status().alarms, [/^state: Stream history has record/]);
      await cluster.until('the state is replaced', () => victim.engine.status().storage?.rebuilds === 1);
      await cluster.until('it is back', () => victim.engine.status().role === 'follower');
      t.equal((await victim.store.readStream('history', range)).length, 300);
      t.match(victim.engine.status().alarms, [/^state: rebuilt from node \d/]);
      await fill(cluster, victim.id, 'b', 10);
      await cluster.converge();
      sameTexts(t, cluster);
      await cluster.stopAll();
    }
  },
);

/** Of node 1, which has links with nodes 2 and 3, and follows 2. */
function guardOfOne(barrier: () => Promise<void>) {
  const replaced: (readonly number[])[] = [];
  const links = new Links();
  for (const node of [2, 3]) links.up({ node, incarnation: 10 * node });
  const place = { host: 'h', peerPort: 1, chatPort: 2, httpPort: 3 };
  const directory = foundedBy([1, 2, 3].map((id) => memberOf({ id, ...place }, 10 * id)));
  const guard = new StateGuard({
    self: 10,
    node: 1,
    keeper: {
      rebuilding: false,
      replace: async (_reason, peers) => {
        replaced.push(peers());
      },
    },
    links,
    clock: new VirtualClock(),
    logger: silentLogger,
    directory: () => directory,
    leader: () => 2,
    handOver: async () => false,
    barrier,
    fatal: (error) => {
      throw error;
    },
  });
  return { guard, replaced };
}

t.test('damage: no copy is taken from a node whose state the majority contradicts', async (t) => {
  const { guard, replaced } = guardOfOne(async () => undefined);
  for (const [member, digest] of [
    [10, 'x'],
    [30, 'y'],
    [20, 'x'],
  ] as const)
    guard.compare(member, 7, digest);
  guard.damaged(new StateDamage('value', 'Planted.'));
  await settle();
  t.strictSame(replaced, [[2]]);
});

t.test('damage: a state that was replaced meanwhile is not replaced again', async (t) => {
  let answer: () => void = () => undefined;
  const { guard, replaced } = guardOfOne(
    () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  );
  guard.damaged(new StateDamage('value', 'Planted.'));
  guard.replaced();
  answer();
  await settle();
  t.strictSame(replaced, []);
});

t.test('damage: the scrub finds it when nobody reads', async (t) => {
  const cluster = await TestCluster.led(3);
  await fill(cluster, cluster.led.id, 'a', 50);
  await cluster.converge();
  await cluster.clock.advance(500);
  const victim = cluster.followers[0];
  if (victim === undefined) throw new Error('no follower');
  const database = [...cluster.machineOf(victim.id).databases.values()].at(-1);
  const [key] = (await database?.keys({ gte: 's!', lt: 's"', limit: 1 }).all()) ?? [];
  await database?.del(key ?? '');
  await cluster.until('the state is replaced', () => victim.engine.status().storage?.rebuilds === 1, 120_000);
  await cluster.until('it is back', () => victim.engine.status().role === 'follower');
  t.equal((await victim.store.readStream('history', { from: 1, to: 50, limit: 50 })).length, 50);
  await cluster.stopAll();
});

t.test('damage: without another node that can lead, the node goes on, and keeps its alarm', async (t) => {
  const cluster = await TestCluster.led(3);
  await fill(cluster, cluster.led.id, 'a', 50);
  await cluster.converge();
  await cluster.clock.advance(500);
  const [victim, gone] = cluster.followers;
  if (victim === undefined || gone === undefined) throw new Error('too few followers');
  const leader = cluster.led;
  await cluster.stop(gone.id);
  cluster.network.isolate(leader.id, 'cut');
  await cluster.until('nobody leads', () => victim.engine.status().leader === null);
  const database = [...cluster.machineOf(victim.id).databases.values()].at(-1);
  const [key] = (await database?.keys({ gte: 's!', lt: 's"', limit: 1 }).all()) ?? [];
  await database?.del(key ?? '');
  await t.rejects(victim.store.readStream('history', { from: 1, to: 9, limit: 9 }), { code: 'DATA_DAMAGED' });
  await cluster.clock.advance(10_000);
  t.match(victim.engine.status().alarms, [/It is replaced as soon as another node leads/]);
  t.notOk(victim.engine.status().role === 'observer', 'its vote may be needed');
  cluster.network.heal(leader.id);
  await cluster.until('it is replaced then', () => victim.engine.status().storage?.rebuilds === 1);
  await cluster.until('it is back', () => victim.engine.status().role === 'follower');
  await cluster.stopAll();
});
