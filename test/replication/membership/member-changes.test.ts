import t, { type Test } from 'tap';
import { encodeFrame } from '../../../src/replication/formats/peer-frames.ts';
import type { ChangeOutcome, MemberChange, MemberStatus } from '../../../src/replication/ports/engine.ts';
import { TestCluster, type TestNode } from '../support/test-cluster.ts';

const small = { compaction: { entries: 200, bytes: 1_000_000, keepEntries: 20 } };

async function fill(cluster: TestCluster, id: number, prefix: string, count: number): Promise<void> {
  for (let at = 0; at < count; at += 50) {
    const batch = Array.from({ length: Math.min(50, count - at) }, (_, i) => `${prefix}${at + i}`);
    const { engine } = cluster.node(id);
    await cluster.finish(Promise.all(batch.map((text) => engine.propose(Buffer.from(text)))));
  }
}

function change(cluster: TestCluster, on: number, wish: MemberChange): Promise<ChangeOutcome> {
  return cluster.finish(cluster.node(on).engine.changeMembers(wish));
}

function add(node: number, promote = true): MemberChange {
  return { kind: 'add', node, place: null, promote };
}

function rowOf(node: TestNode, id: number): MemberStatus | undefined {
  return node.engine.status().members.find((member) => member.id === id);
}

function statesOf(cluster: TestCluster): string[] {
  return cluster.led.engine.status().members.map(({ id, state }) => `${id} ${state}`);
}

async function untilVoter(cluster: TestCluster, id: number): Promise<void> {
  await cluster.until(`node ${id} is a voter`, () => {
    const leader = cluster.leader;
    const row = leader === null ? undefined : rowOf(leader, id);
    return row?.state === 'voter' && !row.oldVoter;
  });
  await cluster.converge();
}

/** Everything acknowledged is in the log of each node that runs, once, and in one order. */
async function sameEverywhere(t: Test, cluster: TestCluster, acknowledged: readonly string[]): Promise<void> {
  await cluster.converge();
  const { texts } = cluster.led.machine;
  for (const { id, machine } of cluster.nodes) t.strictSame(machine.texts, texts, `node ${id}`);
  for (const text of acknowledged) {
    t.equal(texts.filter((other) => other === text).length, 1, `${text} is there once`);
  }
}

t.test(
  'members: a node that nobody lists follows, is added on any node, catches up, becomes a voter',
  async (t) => {
    const cluster = await TestCluster.led(3, small);
    await fill(cluster, cluster.led.id, 'a', 700);
    const node = await cluster.start(4);
    await cluster.until('it follows', () => rowOf(cluster.led, 4)?.state === 'observer');
    const follower = cluster.followers.find(({ id }) => id !== 4)?.id ?? 0;
    t.strictSame(await change(cluster, follower, add(4)), { kind: 'done' });
    t.equal(rowOf(cluster.led, 4)?.state === 'observer', false);
    await untilVoter(cluster, 4);
    t.match(rowOf(cluster.led, 4), { host: '127.0.0.1', peerPort: 7_104, promoted: false });
    t.equal(node.engine.status().role, 'follower');
    t.strictSame(node.engine.status().alarms, []);

    // It counts: of four voters three are needed, and it is one of them.
    const gone = cluster.followers.find(({ id }) => id !== 4)?.id ?? 0;
    cluster.crash(gone);
    t.equal((await cluster.propose(4, 'with its vote')).kind, 'applied');
    await cluster.start(gone);
    await sameEverywhere(t, cluster, ['with its vote']);
    await cluster.stopAll();
  },
);

t.test('members: a node is added before it is there, and admitted when it comes', async (t) => {
  const cluster = await TestCluster.led(3);
  t.match(await change(cluster, 1, add(4)), { kind: 'refused', code: 'UNKNOWN_NODE' });
  const place = { host: '127.0.0.1', peerPort: 7_104, chatPort: 7_204, httpPort: 7_304 };
  t.strictSame(await change(cluster, 1, { kind: 'add', node: 4, place, promote: true }), { kind: 'done' });
  t.match(rowOf(cluster.led, 4), { state: 'expected', promoted: true, voter: false, reachable: false });
  // Whoever leads by then knows of it.
  cluster.crash(cluster.led.id);
  await cluster.until('a leader', () => cluster.leader !== null);
  await cluster.start(4);
  await untilVoter(cluster, 4);
  t.equal(rowOf(cluster.led, 4)?.promoted, false);
  await cluster.stopAll();
});

t.test('members: a learner stays one until it is promoted, where that was asked', async (t) => {
  const cluster = await TestCluster.led(3);
  await cluster.start(4);
  await cluster.until('it follows', () => rowOf(cluster.led, 4)?.state === 'observer');
  t.strictSame(await change(cluster, 2, add(4, false)), { kind: 'done' });
  await cluster.clock.advance(2_000);
  t.equal(rowOf(cluster.led, 4)?.state, 'learner');
  t.equal(cluster.node(4).engine.status().role, 'learner');
  cluster.lacking.add(4);
  t.match(await change(cluster, 4, { kind: 'promote', node: 4 }), { code: 'NOT_CAUGHT_UP', text: /files/ });
  cluster.lacking.clear();
  // People ask once, and the leader has to ask the node first.
  cluster.unasked.add(4);
  t.strictSame(await change(cluster, 4, { kind: 'promote', node: 4 }), { kind: 'done' });
  t.equal(rowOf(cluster.led, 4)?.state, 'voter');
  await cluster.stopAll();
});

t.test('members: a removed node stops, says so again when it is started, and is not needed', async (t) => {
  const cluster = await TestCluster.led(5);
  const victim = cluster.followers[0]?.id ?? 0;
  const node = cluster.node(victim);
  t.strictSame(await change(cluster, cluster.led.id, { kind: 'remove', node: victim }), { kind: 'done' });
  await cluster.until('it is told', () => node.removed.length > 0);
  t.strictSame(node.removed, ['MEMBER_REMOVED']);
  await cluster.stop(victim);
  t.notOk(statesOf(cluster).some((state) => state.startsWith(`${victim} `)));
  await t.rejects(cluster.start(victim), { code: 'MEMBER_REMOVED', message: /remove its data directory/ });
  cluster.crash(victim);
  // Four are left: one may go.
  cluster.crash(cluster.followers[0]?.id ?? 0);
  t.equal((await cluster.propose(cluster.led.id, 'after')).kind, 'applied');

  // With an empty disk it may come back as somebody new.
  cluster.wipe(victim);
  await cluster.start(victim);
  await cluster.until('it follows', () => rowOf(cluster.led, victim)?.state === 'observer');
  t.strictSame(await change(cluster, victim, add(victim)), { kind: 'done' });
  await untilVoter(cluster, victim);
  await cluster.stopAll();
});

t.test('members: who was removed while it was away is told when it comes, and deposes nobody', async (t) => {
  const cluster = await TestCluster.led(3);
  const victim = cluster.followers[0]?.id ?? 0;
  cluster.crash(victim);
  t.strictSame(await change(cluster, cluster.led.id, { kind: 'remove', node: victim }), { kind: 'done' });
  const { term } = cluster.led.engine.status();
  const node = await cluster.start(victim);
  await cluster.until('it is told', () => node.removed.length > 0);
  await cluster.clock.advance(2_000);
  t.equal(cluster.led.engine.status().term, term);
  await cluster.stopAll();
});

t.test('members: who was removed and has not heard it is told again when it asks for votes', async (t) => {
  const cluster = await TestCluster.led(3);
  const victim = cluster.followers[0]?.id ?? 0;
  const node = cluster.node(victim);
  const told = encodeFrame({ kind: 'removed' });
  let lost = 0;
  cluster.network.filter = (_from, to, _lane, frame) => {
    if (to !== victim || lost === 2) return true;
    if (Buffer.from(frame).equals(told)) lost++;
    return false;
  };
  t.strictSame(await change(cluster, cluster.led.id, { kind: 'remove', node: victim }), { kind: 'done' });
  await cluster.until('it is told', () => node.removed.length > 0);
  t.equal(lost, 2, 'both of the others had said so in vain');
  t.strictSame(node.removed, ['MEMBER_REMOVED']);
  await cluster.stopAll();
});

t.test('members: the leader removes itself by handing over first, and no proposal fails', async (t) => {
  const cluster = await TestCluster.led(3);
  const { id } = cluster.led;
  const leader = cluster.led;
  const proposals = cluster.followers.flatMap((node) =>
    Array.from({ length: 50 }, (_, i) => node.engine.propose(Buffer.from(`${node.id}-${i}`))),
  );
  t.strictSame(await change(cluster, id, { kind: 'remove', node: id }), { kind: 'done' });
  t.not(cluster.led.id, id);
  const outcomes = await cluster.finish(Promise.all(proposals));
  t.ok(outcomes.every(({ kind }) => kind === 'applied'));
  await cluster.until('it is told', () => leader.removed.length > 0);
  await cluster.stop(id);
  t.equal((await cluster.propose(cluster.led.id, 'after')).kind, 'applied');
  await sameEverywhere(t, cluster, ['after']);
  await cluster.stopAll();
});

t.test('members: a new disk takes the place of a dead one, which is never needed for it', async (t) => {
  const cluster = await TestCluster.led(3, small);
  await fill(cluster, cluster.led.id, 'a', 600);
  const victim = cluster.followers[0]?.id ?? 0;
  cluster.crash(victim);
  cluster.wipe(victim);
  await cluster.until('it is gone', () => rowOf(cluster.led, victim)?.reachable === false);
  t.match(await change(cluster, cluster.led.id, { kind: 'replace', node: victim }), { code: 'NODE_AWAY' });
  const node = await cluster.start(victim);
  await cluster.until('it follows', () => rowOf(cluster.led, victim)?.state === 'observer');
  t.equal(rowOf(cluster.led, victim)?.oldVoter, true);
  t.match(await change(cluster, victim, add(victim)), { code: 'NODE_IN_USE', text: /replace/ });
  t.strictSame(await change(cluster, victim, { kind: 'replace', node: victim }), { kind: 'done' });
  await untilVoter(cluster, victim);
  t.equal(rowOf(cluster.led, victim)?.oldVoter, false);
  t.equal(cluster.led.engine.status().members.filter(({ voter }) => voter).length, 3);
  t.match(await change(cluster, victim, { kind: 'replace', node: victim }), { code: 'NODE_IN_USE' });

  // Its vote counts again.
  const other = cluster.nodes.find(({ id }) => id !== victim && id !== cluster.led.id)?.id ?? 0;
  cluster.crash(other);
  t.equal((await cluster.propose(victim, 'two of three')).kind, 'applied');
  t.strictSame(node.machine.texts.at(-1), 'two of three');
  await cluster.stopAll();
});

t.test(
  'members: a node whose file is older than the cluster finds it, and its copy of the state',
  async (t) => {
    const cluster = await TestCluster.led(3, small);
    await cluster.start(4);
    await cluster.until('it follows', () => rowOf(cluster.led, 4)?.state === 'observer');
    t.equal((await change(cluster, 1, add(4))).kind, 'done');
    await untilVoter(cluster, 4);
    t.equal((await cluster.finish(cluster.node(1).engine.transferLeader(4))).kind, 'done');
    await fill(cluster, 4, 'a', 600);
    // Its file knows nothing of node 4, which leads; its disk is new, so it has no list either.
    cluster.crash(2);
    cluster.wipe(2);
    cluster.files.set(2, [1, 2, 3]);
    await cluster.start(2);
    await cluster.until('it follows', () => rowOf(cluster.led, 2)?.state === 'observer');
    t.equal((await change(cluster, 2, { kind: 'replace', node: 2 })).kind, 'done');
    await untilVoter(cluster, 2);
    // And now its own list says more than its file.
    for (const id of [1, 3]) cluster.crash(id);
    cluster.crash(2);
    await cluster.start(2);
    await cluster.start(1);
    await cluster.until('a leader', () => cluster.leader !== null);
    await sameEverywhere(t, cluster, ['a599']);
    await cluster.stopAll();
  },
);

t.test('members: an old disk that comes back before the new one has taken over stays', async (t) => {
  const cluster = await TestCluster.led(3);
  const victim = cluster.followers[0]?.id ?? 0;
  const old = cluster.machineOf(victim);
  cluster.crash(victim);
  cluster.wipe(victim);
  await cluster.start(victim);
  await cluster.until('it follows', () => rowOf(cluster.led, victim)?.state === 'observer');
  // The new disk learns of it, and is gone before it could be promoted.
  cluster.network.filter = (from, to) => from !== victim && to !== victim;
  const replacing = cluster.led.engine.changeMembers({ kind: 'replace', node: victim });
  t.strictSame(await cluster.finish(replacing), { kind: 'done' });
  cluster.crash(victim);
  cluster.network.filter = () => true;
  cluster.restore(victim, old);
  await cluster.start(victim);
  await cluster.until('the old one votes', () => rowOf(cluster.led, victim)?.state === 'voter');
  t.strictSame(await change(cluster, 1, { kind: 'replace', node: victim }), { kind: 'done' });
  t.match(await change(cluster, 1, { kind: 'replace', node: victim }), { text: /nothing to replace/ });
  t.equal(cluster.led.engine.status().members.length, 3);
  await cluster.stopAll();
});

t.test('members: what must not be is refused, with the reason', async (t) => {
  const cluster = await TestCluster.led(3);
  const refusedWith = async (wish: MemberChange, code: string): Promise<void> => {
    t.match(await change(cluster, 1, wish), { kind: 'refused', code }, `${wish.kind} ${wish.node}: ${code}`);
  };
  await refusedWith({ kind: 'remove', node: 9 }, 'UNKNOWN_NODE');
  await refusedWith({ kind: 'promote', node: 9 }, 'UNKNOWN_NODE');
  await refusedWith({ kind: 'replace', node: 9 }, 'UNKNOWN_NODE');
  await refusedWith({ kind: 'promote', node: 2 }, 'NODE_IN_USE');
  await refusedWith(add(2), 'NODE_IN_USE');
  const taken = { host: '127.0.0.1', peerPort: 7_102, chatPort: 1, httpPort: 2 };
  await refusedWith({ kind: 'add', node: 4, place: taken, promote: true }, 'NODE_IN_USE');

  // A learner that gets nothing is not caught up.
  await cluster.start(4);
  await cluster.until('it follows', () => rowOf(cluster.led, 4)?.state === 'observer');
  cluster.network.filter = (_from, to, lane) => !(to === 4 && lane === 'bulk');
  t.equal((await change(cluster, 1, add(4, false))).kind, 'done');
  await fill(cluster, cluster.led.id, 'a', 1_100);
  await refusedWith({ kind: 'promote', node: 4 }, 'NOT_CAUGHT_UP');
  cluster.network.filter = () => true;
  t.equal((await change(cluster, 1, { kind: 'remove', node: 4 })).kind, 'done');
  cluster.crash(4);

  // One of three is down: without another one nobody could elect.
  const [down, up] = cluster.followers.map(({ id }) => id);
  cluster.crash(down ?? 0);
  await cluster.clock.advance(1_000);
  const on = cluster.led.id;
  t.match(await change(cluster, on, { kind: 'remove', node: up ?? 0 }), {
    code: 'QUORUM_AT_RISK',
    text: 'Of the 2 voters that would be left, 1 can be reached and 2 are needed.',
  });
  t.equal((await change(cluster, on, { kind: 'remove', node: down ?? 0 })).kind, 'done');
  t.equal((await change(cluster, on, { kind: 'remove', node: up ?? 0 })).kind, 'done');
  cluster.crash(up ?? 0);
  t.match(await change(cluster, on, { kind: 'remove', node: on }), { code: 'LAST_VOTER' });
  t.equal((await cluster.propose(on, 'alone')).kind, 'applied');
  await cluster.stopAll();
});

t.test('members: of two changes at once one is refused, and both are never in force', async (t) => {
  const cluster = await TestCluster.led(5);
  const [a, b] = cluster.followers.map(({ id }) => id);
  const both = await cluster.finish(
    Promise.all([
      cluster.node(a ?? 0).engine.changeMembers({ kind: 'remove', node: b ?? 0 }),
      cluster.led.engine.changeMembers({ kind: 'remove', node: a ?? 0 }),
    ]),
  );
  t.strictSame(both.map(({ kind }) => kind).sort(), ['done', 'refused']);
  t.match(
    both.find(({ kind }) => kind === 'refused'),
    { code: 'MEMBERS_CHANGING' },
  );
  t.equal(cluster.led.engine.status().members.length, 4);
  await cluster.stopAll();
});

t.test('members: a change that is asked for again takes effect once', async (t) => {
  const cluster = await TestCluster.led(5);
  const [asking, victim] = cluster.followers.map(({ id }) => id);
  const leader = cluster.led.id;
  // The answers are lost: the node asks again, and the change is in the log by then.
  let lost = 0;
  cluster.network.filter = (from, to, lane, frame) =>
    !(from === leader && to === asking && lane === 'control' && frame[1] === 8 && lost++ < 3);
  t.strictSame(await change(cluster, asking ?? 0, { kind: 'remove', node: victim ?? 0 }), { kind: 'done' });
  t.ok(lost >= 3);
  t.equal(cluster.led.engine.status().members.length, 4);
  await cluster.stopAll();
});

t.test(
  'members: without a leader a change is refused, and one that may be under way ends as unknown',
  async (t) => {
    const cluster = await TestCluster.led(3);
    const { id } = cluster.led;
    const others = cluster.followers.map((node) => node.id);
    const [first] = others;
    // The leader appends it, nobody hears of it.
    cluster.network.filter = (from) => from !== id;
    const wish = cluster.led.engine.changeMembers({ kind: 'remove', node: first ?? 0 });
    t.strictSame(await cluster.finish(wish), { kind: 'unknown' });
    cluster.network.filter = () => true;
    for (const node of others) cluster.crash(node);
    await cluster.clock.advance(1_000);
    t.match(await change(cluster, id, { kind: 'remove', node: first ?? 0 }), { code: 'UNAVAILABLE' });
    await cluster.stopAll();
  },
);

t.test('transfer: to a named node, to any, and refused with a reason', async (t) => {
  const cluster = await TestCluster.led(3);
  for (const heir of [1, 3, 2]) {
    const on = (heir % 3) + 1;
    t.strictSame(await cluster.finish(cluster.node(on).engine.transferLeader(heir)), { kind: 'done' });
    t.equal(cluster.led.id, heir);
  }
  t.strictSame(await cluster.finish(cluster.node(1).engine.transferLeader(2)), { kind: 'done' }, 'it leads');
  t.strictSame(await cluster.finish(cluster.node(2).engine.transferLeader(null)), { kind: 'done' });
  t.not(cluster.led.id, 2);
  const transfer = (node: number): Promise<ChangeOutcome> =>
    cluster.finish(cluster.led.engine.transferLeader(node));
  t.match(await transfer(9), { kind: 'refused', code: 'UNKNOWN_NODE' });
  await cluster.start(4);
  await cluster.until('it follows', () => rowOf(cluster.led, 4)?.state === 'observer');
  t.equal((await change(cluster, 1, add(4, false))).kind, 'done');
  t.match(await transfer(4), { kind: 'refused', code: 'NOT_A_VOTER' });
  cluster.crash(2);
  await cluster.clock.advance(10);
  t.match(await transfer(2), { kind: 'refused', code: 'NODE_AWAY' });
  await cluster.stopAll();
});
