/** Changes of members with a fault in their middle: whoever leads by then brings them to their end, or they never were. */
import t, { type Test } from 'tap';
import { type Random, seededRandom } from '../../../src/base/prng.ts';
import type { ChangeOutcome, MemberChange, MemberStatus } from '../../../src/replication/ports/engine.ts';
import { patienceOfFileMs } from '../../cluster/support/patience.ts';
import { TestCluster, type TestNode } from '../support/test-cluster.ts';

const small = { compaction: { entries: 200, bytes: 1_000_000, keepEntries: 20 } };

t.setTimeout(patienceOfFileMs);

interface World {
  readonly cluster: TestCluster;
  /** As members are meant to be. */
  readonly members: Set<number>;
  readonly acknowledged: string[];
  sent: number;
}

async function world(count: number, seed: number): Promise<World> {
  const cluster = await TestCluster.led(count, small, seed);
  return { cluster, members: new Set(cluster.ids), acknowledged: [], sent: 0 };
}

/** Proposes on a node that runs; what is acknowledged to it must be there in the end. */
function propose({ cluster, acknowledged }: World, random: Random, text: string): void {
  const node = cluster.nodes[random.below(cluster.nodes.length)];
  node?.engine.propose(Buffer.from(text)).then(({ kind }) => {
    if (kind === 'applied' && node.clock.alive) acknowledged.push(text);
  });
}

/** Passes with the clock, which somebody else moves. */
function elapse(cluster: TestCluster, ms: number): Promise<void> {
  return new Promise((resolve) => void cluster.clock.after(ms, resolve));
}

/** Asks again, as an operator does, until it is done; a refusal that the moment explains is asked again too. */
async function carryOut(world: World, tag: string, wish: MemberChange, steps = 60): Promise<ChangeOutcome> {
  const { cluster } = world;
  let outcome: ChangeOutcome = { kind: 'unknown' };
  for (let step = 0; step < steps && outcome.kind !== 'done'; step++) {
    const node = cluster.nodes.find(({ id, removed }) => id !== wish.node && removed.length === 0);
    if (node !== undefined)
      outcome = await answerOf(cluster, node, node.engine.changeMembers(wish, `${tag}-${step}`));
    // Under another tag each time: a change that took effect unheard of is seen by what is refused now.
    if (outcome.kind === 'refused' && isEvidence(wish, outcome.code)) return { kind: 'done' };
    await elapse(cluster, 50);
  }
  return outcome;
}

/** A node that is killed answers nobody. */
async function answerOf(
  cluster: TestCluster,
  node: TestNode,
  asked: Promise<ChangeOutcome>,
): Promise<ChangeOutcome> {
  let outcome: ChangeOutcome | null = null;
  void asked.then((answer) => {
    outcome = answer;
  });
  while (outcome === null && node.clock.alive) await elapse(cluster, 5);
  return outcome ?? { kind: 'unknown' };
}

function isEvidence(wish: MemberChange, code: string): boolean {
  if (wish.kind === 'remove') return code === 'UNKNOWN_NODE';
  return wish.kind !== 'promote' && code === 'NODE_IN_USE';
}

/** On every node: who loses a disk before the others have heard that a change is over takes part of the old majority with it. */
async function voters(cluster: TestCluster, wanted: Iterable<number>): Promise<void> {
  const ids = [...wanted].sort((a, b) => a - b).join(' ');
  const agrees = ({ engine }: TestNode): boolean => {
    const rows = engine.status().members.filter(({ state }) => state !== 'observer');
    const whole = rows.every(({ state, oldVoter }) => state === 'voter' && !oldVoter);
    return whole && rows.map(({ id }) => id).join(' ') === ids;
  };
  await cluster.until(`the voters are ${ids}`, () => cluster.leader !== null && cluster.nodes.every(agrees));
}

async function nothingIsLost(t: Test, { cluster, acknowledged }: World, what: string): Promise<void> {
  await cluster.finish(cluster.led.engine.barrier());
  const { texts } = cluster.led.machine;
  const present = new Set(texts);
  t.strictSame(
    acknowledged.filter((text) => !present.has(text)),
    [],
    `${what}: nothing acknowledged is lost`,
  );
  t.equal(present.size, texts.length, `${what}: and nothing is there twice`);
}

t.test(
  'change: the leader dies between add and promote, at any moment, and the next one promotes',
  async (t) => {
    for (let ms = 0; ms < 40; ms += 4) {
      const { cluster } = await world(3, ms + 1);
      await cluster.start(4);
      await cluster.until('it follows', () => cluster.led.engine.status().members.length === 4);
      const killed = cluster.led.id;
      const asked = cluster.nodes.find(({ id }) => id !== killed && id !== 4);
      const adding = asked?.engine.changeMembers({ kind: 'add', node: 4, place: null, promote: true });
      await cluster.clock.advance(ms);
      cluster.crash(killed);
      const outcome = adding === undefined ? null : await cluster.finish(adding);
      t.ok(outcome?.kind === 'done' || outcome?.kind === 'unknown', `after ${ms} ms: ${outcome?.kind}`);
      await cluster.start(killed);
      // In doubt it is asked again, and whether it was the first or the second: the node is added once.
      if (outcome?.kind === 'unknown') {
        await cluster.finish(
          cluster.led.engine.changeMembers({ kind: 'add', node: 4, place: null, promote: true }),
        );
      }
      await voters(cluster, [1, 2, 3, 4]);
      await cluster.stopAll();
    }
  },
);

t.test('change: the leader dies in a joint configuration, and the next one leaves it', async (t) => {
  let joint = 0;
  for (let step = 0; step < 12; step++) {
    const { cluster } = await world(5, step + 1);
    const victim = cluster.followers[0]?.id ?? 0;
    cluster.crash(victim);
    cluster.wipe(victim);
    await cluster.start(victim);
    const leader = cluster.led;
    const row = (): MemberStatus | undefined =>
      leader.engine.status().members.find(({ id }) => id === victim);
    await cluster.until('it follows', () => row()?.state === 'observer');
    void leader.engine.changeMembers({ kind: 'replace', node: victim });
    // A voter beside the disk that it replaces: both halves of the configuration decide.
    await cluster.until('the learner is promoted', () => row()?.state === 'voter');
    await cluster.clock.advance(step / 4);
    if (row()?.oldVoter === true) joint++;
    cluster.crash(leader.id);
    await cluster.until('a leader', () => cluster.leader !== null);
    await voters(cluster, cluster.ids);
    t.equal((await cluster.propose(victim, 'after')).kind, 'applied');
    await cluster.stopAll();
  }
  t.ok(joint > 0, `${joint} leaders died in a joint configuration`);
});

t.test(
  'change: a leader that removes itself and is cut off leaves a cluster that elects, and is told later',
  async (t) => {
    for (let ms = 0; ms < 40; ms += 4) {
      const { cluster } = await world(3, ms + 1);
      const { id } = cluster.led;
      const leaving = cluster.led;
      const removing = leaving.engine.changeMembers({ kind: 'remove', node: id });
      await cluster.clock.advance(ms / 4);
      cluster.network.isolate(id, ms % 4 === 0 ? 'cut' : 'silent');
      const outcome = await cluster.finish(removing);
      await cluster.until('the others elect', () =>
        cluster.nodes.some((node) => node.id !== id && node.engine.status().role === 'leader'),
      );
      const other = cluster.nodes.find((node) => node.id !== id);
      const proposal = await cluster.propose(other?.id ?? 0, 'without it');
      t.equal(proposal.kind, 'applied', `after ${ms / 4} ms, the change ended ${outcome.kind}`);
      cluster.network.heal(id);
      await cluster.clock.advance(1_000);
      // In or out, but the same for all, and told to whom it concerns.
      const rows = cluster.led.engine.status().members.filter(({ state }) => state === 'voter');
      t.equal(leaving.removed.length > 0, rows.length === 2, `${rows.length} voters`);
      await cluster.stopAll();
    }
  },
);

t.test('change: a copy of the state carries the members, and its receiver goes by them', async (t) => {
  const { cluster } = await world(3, 1);
  const away = cluster.followers[0]?.id ?? 0;
  cluster.crash(away);
  await cluster.start(4);
  await cluster.until('it follows', () => cluster.led.engine.status().members.length === 4);
  const done = await cluster.finish(
    cluster.led.engine.changeMembers({ kind: 'add', node: 4, place: null, promote: true }),
  );
  t.equal(done.kind, 'done');
  await voters(cluster, [1, 2, 3, 4]);
  for (let at = 0; at < 600; at += 50) {
    const batch = Array.from({ length: 50 }, (_, i) => cluster.led.engine.propose(Buffer.from(`a${at + i}`)));
    await cluster.finish(Promise.all(batch));
  }
  const node = await cluster.start(away);
  await cluster.until('it has the copy', () => node.resets.length > 0 && node.machine.texts.length === 600);
  t.strictSame(
    node.engine.status().members.map(({ id, state }) => `${id} ${state}`),
    ['1 voter', '2 voter', '3 voter', '4 voter'],
  );
  await cluster.stopAll();
});

t.test(
  'change: random changes, kills and partitions under load end as they were asked for, and nothing is lost',
  async (t) => {
    const seeds = Number(process.env.MEMBER_SEEDS ?? 2);
    for (let seed = 1; seed <= seeds; seed++) {
      const random = seededRandom(seed);
      const one = await world(3, seed);
      for (let round = 0; round < 12; round++) await changeWithFault(one, random, `${seed}-${round}`);
      await voters(one.cluster, one.members);
      await nothingIsLost(t, one, `seed ${seed}`);
      t.ok(one.acknowledged.length > 100, `${one.acknowledged.length} were acknowledged`);
      await one.cluster.stopAll();
    }
  },
);

async function changeWithFault(world: World, random: Random, tag: string): Promise<void> {
  const { cluster, members } = world;
  const wish = nextWish(world, random);
  if (wish.kind === 'add' || wish.kind === 'replace') {
    if (wish.kind === 'replace') cluster.crash(wish.node);
    cluster.wipe(wish.node);
    await cluster.start(wish.node);
  }
  const change = carryOut(world, tag, wish);
  const strike = strikeOnce(world, random, wish.node);
  const [outcome] = await cluster.finish(Promise.all([change, strike]), 120_000);
  if (outcome.kind !== 'done') throw new Error(`${tag}: ${wish.kind} ${wish.node} ended ${outcome.kind}`);
  if (wish.kind === 'remove') {
    members.delete(wish.node);
    const gone = cluster.nodes.find(({ id }) => id === wish.node);
    await cluster.until('it is told', () => (gone?.removed.length ?? 1) > 0);
    if (gone !== undefined) await cluster.stop(wish.node);
  } else {
    members.add(wish.node);
  }
  await voters(cluster, members);
}

function nextWish({ cluster, members }: World, random: Random): MemberChange {
  const list = [...members];
  const any = list[random.below(list.length)] ?? 0;
  const free = [1, 2, 3, 4, 5, 6].filter((id) => !members.has(id));
  const fresh = free[random.below(free.length)] ?? 0;
  const kinds = ['replace', ...(members.size > 3 ? ['remove'] : []), ...(members.size < 5 ? ['add'] : [])];
  cluster.files.set(fresh, [...list, fresh]);
  switch (kinds[random.below(kinds.length)]) {
    case 'add':
      return { kind: 'add', node: fresh, place: null, promote: true };
    case 'remove':
      return { kind: 'remove', node: any };
    default:
      return { kind: 'replace', node: any };
  }
}

/** Load, and one kill or partition of somebody else's node, some time into the change. */
async function strikeOnce(world: World, random: Random, busy: number): Promise<void> {
  const { cluster } = world;
  const load = async (ms: number): Promise<void> => {
    for (let at = 0; at < ms; at += 10) {
      propose(world, random, `p${world.sent++}`);
      await elapse(cluster, 10);
    }
  };
  await load(random.below(120));
  const others = cluster.nodes.filter(({ id }) => id !== busy);
  const victim = others[random.below(others.length)]?.id ?? 0;
  switch (random.below(4)) {
    case 0:
      cluster.crash(victim);
      await load(100 + random.below(600));
      await cluster.start(victim);
      break;
    case 1:
    case 2:
      cluster.network.isolate(victim, random.below(2) === 0 ? 'cut' : 'silent');
      await load(100 + random.below(900));
      cluster.network.heal(victim);
      break;
    default:
      await load(100);
  }
}
