import t from 'tap';
import type { CodedError } from '../../../src/base/errors.ts';
import {
  changeMembers,
  decodeDirectory,
  encodeContext,
  encodeDirectory,
  foundedBy,
} from '../../../src/replication/formats/members.ts';
import { loadIdentity } from '../../../src/replication/storage/identity.ts';
import { MemoryDisk } from '../../support/memory-disk.ts';
import { TestCluster } from '../support/test-cluster.ts';

const small = { compaction: { entries: 200, bytes: 1_000_000, keepEntries: 20 } };

async function fill(cluster: TestCluster, id: number, prefix: string, count: number): Promise<void> {
  for (let at = 0; at < count; at += 50) {
    const batch = Array.from({ length: Math.min(50, count - at) }, (_, i) => `${prefix}${at + i}`);
    const { engine } = cluster.node(id);
    await cluster.finish(Promise.all(batch.map((text) => engine.propose(Buffer.from(text)))));
  }
}

t.test('founding: a single listed node founds alone, at once', async (t) => {
  const cluster = new TestCluster(1);
  const node = await cluster.start(1);
  t.equal(node.engine.status().role, 'founding');
  const tookMs = await cluster.until('a leader', () => cluster.leader !== null);
  t.ok(tookMs < 100, `${tookMs} ms`);
  t.strictSame(
    node.engine.status().members.map(({ id, voter }) => ({ id, voter })),
    [{ id: 1, voter: true }],
  );
  await cluster.stopAll();
});

t.test('founding: nothing happens before every listed node is there', async (t) => {
  const cluster = new TestCluster(3);
  await cluster.start(1);
  await cluster.start(2);
  await cluster.clock.advance(3_000);
  for (const { engine } of cluster.nodes) t.equal(engine.status().role, 'founding');
  t.strictSame(await cluster.propose(2, 'early'), { kind: 'refused', code: 'UNAVAILABLE' });
  await cluster.start(3);
  const tookMs = await cluster.until('a leader', () => cluster.leader !== null);
  t.ok(tookMs < 200, `${tookMs} ms`);
  t.equal((await cluster.propose(3, 'now')).kind, 'applied');
  await cluster.stopAll();
});

t.test('founding: a crash at any moment leaves one cluster or none, never two', async (t) => {
  for (let seed = 0; seed < 24; seed++) {
    const cluster = new TestCluster(3, {}, seed);
    for (const id of cluster.ids) await cluster.start(id);
    // Each node in turn, some milliseconds into the founding.
    const victim = 1 + (seed % 3);
    await cluster.clock.advance(Math.floor(seed / 3));
    cluster.crash(victim);
    await cluster.clock.advance(100);
    const node = await cluster.start(victim);
    await cluster.until(`a leader, seed ${seed}`, () => cluster.leader !== null);
    await cluster.finish(cluster.led.engine.barrier());
    const voters = cluster.led.engine.status().members.map(({ voter }) => voter);
    t.strictSame(voters, [true, true, true], `seed ${seed}, node ${victim} keeps its disk and its vote`);
    t.equal((await cluster.propose(victim, 'x')).kind, 'applied');
    t.not(node.engine.status().role, 'observer');
    await cluster.stopAll();
  }
});

t.test(
  'observer: a wiped node follows without a vote, by way of a snapshot, while writes go on',
  async (t) => {
    const cluster = await TestCluster.led(3, small);
    await fill(cluster, cluster.led.id, 'a', 700);
    const victim = cluster.followers[0]?.id ?? 0;
    cluster.crash(victim);
    cluster.wipe(victim);
    await cluster.clock.advance(100);
    const node = await cluster.start(victim);
    const writes = fill(cluster, cluster.led.id, 'b', 500);
    await writes;
    await cluster.until('the newcomer is up to date', () => node.machine.texts.length === 1_200);
    t.strictSame(node.machine.texts, cluster.led.machine.texts);
    t.ok(node.resets.length >= 1, 'it was told that its state was replaced');
    const status = node.engine.status();
    t.equal(status.role, 'observer');
    t.match(status.alarms, ['observer: not a voting member (data directory was new)']);
    t.equal(cluster.led.engine.status().members.find(({ id }) => id === victim)?.voter, false);
    t.equal((await cluster.propose(victim, 'from the observer')).kind, 'applied');
    await t.resolves(cluster.finish(node.engine.barrier()), 'it reads, through the leader');

    // Two of three voters are left, and one of them goes: an observer makes no majority.
    const other = cluster.nodes.find(({ id }) => id !== victim && id !== cluster.led.id)?.id ?? 0;
    cluster.crash(other);
    const outcome = await cluster.propose(victim, 'no majority');
    t.not(outcome.kind, 'applied');
    await cluster.start(other);
    await cluster.until('a leader', () => cluster.leader !== null);

    // It keeps what it has over a restart, and stays what it is.
    await cluster.converge();
    cluster.crash(victim);
    const again = await cluster.start(victim);
    t.ok(again.machine.texts.length >= 1_000);
    await cluster.until('it follows again', () => again.engine.status().leader !== null);
    t.equal(again.engine.status().role, 'observer');
    t.equal((await cluster.propose(cluster.led.id, 'end')).kind, 'applied');
    await cluster.converge();
    t.strictSame(again.machine.texts, cluster.led.machine.texts);
    await cluster.stopAll();
  },
);

t.test(
  'snapshot: a member that was away for long catches up, and a crash while it does is harmless',
  async (t) => {
    for (let seed = 0; seed < 8; seed++) {
      const cluster = await TestCluster.led(3, small, seed);
      const away = cluster.followers[0]?.id ?? 0;
      await fill(cluster, cluster.led.id, 'a', 30);
      await cluster.converge();
      cluster.crash(away);
      await fill(cluster, cluster.led.id, 'b', 600);
      await cluster.start(away);
      await cluster.clock.advance(40 + seed);
      cluster.crash(away);
      await fill(cluster, cluster.led.id, 'c', 300);
      const node = await cluster.start(away);
      await cluster.until('it is up to date', () => node.machine.texts.length === 930);
      t.strictSame(node.machine.texts, cluster.led.machine.texts, `seed ${seed}`);
      t.equal(node.engine.status().role, 'follower');
      const records = await node.store.readStream('history', { from: 1, to: 930, limit: 1_000 });
      t.strictSame(
        records.map(({ record }) => Buffer.from(record).toString()),
        node.machine.texts,
        'history too',
      );
      await cluster.stopAll();
    }
  },
);

t.test(
  'snapshot: who hears of a leader by a copy, without a link to it, names it all the same',
  async (t) => {
    const cluster = await TestCluster.led(3, small);
    const { network } = cluster;
    const [leader, away] = [cluster.led.id, cluster.followers[0]?.id ?? 0];
    cluster.crash(away);
    cluster.wipe(away);
    await fill(cluster, leader, 'a', 600);
    network.beforeChunk = () => {
      network.sever(leader, away);
      return new Promise((resolve) => cluster.clock.after(5, resolve));
    };
    const node = await cluster.start(away);
    const told: (number | null)[] = [];
    node.engine.onLeader((found) => told.push(found));
    await cluster.until('it has the copy', () => node.machine.texts.length === 600);
    network.join(leader, away);
    await cluster.until('it names the leader', () => node.engine.status().leader === leader);
    t.equal(told.at(-1), leader, 'and tells who waits for it');
    await cluster.stopAll();
  },
);

t.test('snapshot: a crash between each two steps of an install is made good at the next start', async (t) => {
  const steps = ['identity', 'state', 'log'] as const;
  for (const step of steps) {
    const cluster = await TestCluster.led(3, small);
    const away = cluster.followers[0]?.id ?? 0;
    cluster.crash(away);
    await fill(cluster, cluster.led.id, 'a', 600);
    const { disk } = cluster.machineOf(away);
    await cluster.start(away);
    let writes = 0;
    let reached = false;
    disk.before = async ({ kind, path }) => {
      const hit =
        (step === 'identity' && kind === 'replace' && path === 'identity.json') ||
        (step === 'state' && kind === 'replace' && path === 'CURRENT-STATE') ||
        (step === 'log' && kind === 'open' && path.startsWith('wal/') && reached);
      if (kind === 'replace' && path === 'CURRENT-STATE') reached = true;
      // The step itself does not happen any more: the machine is gone before it.
      if (hit && writes++ === 0) {
        cluster.crash(away);
        await new Promise(() => undefined);
      }
    };
    await cluster.until(`the step ${step}`, () => writes > 0);
    await cluster.clock.advance(50);
    const node = await cluster.start(away);
    await cluster.until('it is up to date', () => node.machine.texts.length === 600);
    t.strictSame(node.machine.texts, cluster.led.machine.texts, step);
    t.equal(node.engine.status().role, 'follower');
    await cluster.stopAll();
  }
});

t.test(
  'scenario 15: a waiter whose entry is covered by a snapshot is answered, as unknown, never left hanging',
  async (t) => {
    const cluster = await TestCluster.led(3, small);
    const { led } = cluster;
    const follower = cluster.followers[0];
    if (follower === undefined) throw new Error('no follower');
    const others = cluster.followers.filter((node) => node !== follower);
    // What the leader sends on the bulk lane does not arrive: the follower's proposals do, their entries do not come back.
    cluster.network.filter = (from, to, lane) => !(from === led.id && to === follower.id && lane === 'bulk');
    const waiting = follower.engine.propose(Buffer.from('covered'));
    await cluster.until(
      'it is applied elsewhere',
      () => others[0]?.machine.texts.includes('covered') === true,
    );
    await fill(cluster, led.id, 'a', 600);
    cluster.network.filter = () => true;
    const healedMs = cluster.clock.monotonicMs();
    t.strictSame(await cluster.finish(waiting), { kind: 'unknown' });
    t.ok(cluster.clock.monotonicMs() - healedMs < 1_000, 'as soon as the snapshot is there');
    await cluster.until('the follower has it', () => follower.machine.texts.includes('covered'));
    t.equal(follower.machine.texts.filter((text) => text === 'covered').length, 1);
    await cluster.stopAll();
  },
);

t.test(
  'compaction: log and memory are cut below what the state covers, and a restart needs no more',
  async (t) => {
    const cluster = await TestCluster.led(3, small);
    await fill(cluster, cluster.led.id, 'a', 2_000);
    await cluster.converge();
    await cluster.clock.advance(500);
    for (const { id } of cluster.nodes) {
      cluster.crash(id);
    }
    for (const id of cluster.ids) {
      const node = await cluster.start(id);
      t.ok(
        (node.log.recovered.start?.index ?? 0) > 1_500,
        `node ${id} begins at ${node.log.recovered.start?.index}`,
      );
      t.ok(node.log.bytes < 200_000, `${node.log.bytes} bytes`);
    }
    await cluster.until('a leader', () => cluster.leader !== null);
    await cluster.finish(cluster.led.engine.barrier());
    t.equal(cluster.led.machine.texts.length, 2_000);
    await cluster.stopAll();
  },
);

async function refusal(promise: Promise<unknown>): Promise<CodedError> {
  return await promise.then(
    () => {
      throw new Error('it was not refused');
    },
    (error) => error,
  );
}

t.test('damage: a node that lost what it acknowledged does not take part', async (t) => {
  const cluster = await TestCluster.led(3, small);
  await fill(cluster, cluster.led.id, 'a', 300);
  await cluster.converge();
  await cluster.clock.advance(1_000);
  const victim = cluster.followers[0]?.id ?? 0;
  await cluster.stop(victim);
  const { disk } = cluster.machineOf(victim);
  const saved = disk.files().map((path) => [path, disk.contentOf(path)] as const);
  const restore = (): void => {
    for (const [path, content] of saved) disk.plant(path, content);
  };
  for (const path of disk.files()) if (path.startsWith('wal/')) disk.plant(path, null);
  t.match(await refusal(cluster.start(victim)), { code: 'DATA_DAMAGED', message: /log in wal\/ is empty/ });
  restore();
  disk.plant('identity.json', null);
  t.match(await refusal(cluster.start(victim)), {
    code: 'DATA_DAMAGED',
    message: /identity.json is missing/,
  });
  restore();
  disk.plant('identity.json', Buffer.from('{}'));
  t.match(await refusal(cluster.start(victim)), { code: 'DATA_DAMAGED', message: /identity.json/ });
  restore();
  const node = await cluster.start(victim);
  await cluster.until('it follows', () => node.engine.status().leader !== null);
  await cluster.stopAll();
});

t.test('identity: one cluster, one node, one life', async (t) => {
  const disk = new MemoryDisk();
  const made = await loadIdentity(disk, { cluster: 'one', node: 1, random53: () => 0 });
  t.equal(made.incarnation, 1, 'zero is nobody');
  await made.markFounded();
  await made.markInstalling({ index: 7, term: 2 });
  const crashed = disk.crash({ kind: 'synced-only' });
  const again = await loadIdentity(crashed, { cluster: 'one', node: 1, random53: () => 99 });
  t.match(again, { incarnation: 1, founded: true, installing: { index: 7, term: 2 } });
  t.match(await refusal(loadIdentity(crashed, { cluster: 'two', node: 1, random53: () => 1 })), {
    code: 'DATA_FOREIGN',
    message: /"one".*"two"/,
  });
  t.match(await refusal(loadIdentity(crashed, { cluster: 'one', node: 2, random53: () => 1 })), {
    code: 'DATA_FOREIGN',
    message: /node 1.*node 2/,
  });
});

t.test('members: an applied change of configuration brings its members along', async (t) => {
  const member = (node: number): Parameters<typeof foundedBy>[0][number] => ({
    incarnation: node * 11,
    node,
    host: 'h',
    peerPort: 1,
    chatPort: 2,
    httpPort: 3,
  });
  const founded = foundedBy([member(2), member(1)]);
  t.strictSame(founded.conf.voters, [11, 22]);
  const conf = { ...founded.conf, voters: [11, 33] };
  const changed = changeMembers(
    founded,
    {
      version: 2,
      transition: 'auto',
      changes: [],
      context: encodeContext({ tag: 'one', members: [member(3)], expected: [] }),
    },
    conf,
  );
  t.strictSame(changed.removed, [22], 'who was a member and is none is remembered');
  t.strictSame(changed.recent, ['one'], 'and which wish it was');
  t.strictSame(decodeDirectory(encodeDirectory(changed)), changed);
  t.strictSame(
    changed.members.map(({ node }) => node),
    [1, 3],
  );
  t.strictSame(changed.founding, founded.founding, 'what the founding was never changes');
  t.throws(() => decodeDirectory(Buffer.from('{"version":2}')), { code: 'DATA_DAMAGED' });
});

t.test(
  'membership: a data directory of another cluster of the same name is without effect, and both sides say so',
  async (t) => {
    const cluster = await TestCluster.led(3);
    const other = await TestCluster.led(3, {}, 2);
    await cluster.propose(cluster.led.id, 'ours');
    for (let i = 0; i < 3; i++) await other.propose(other.led.id, 'theirs');
    // A later term than ours must not count either.
    await other.finish(other.led.engine.handOver());
    await other.until('a leader', () => other.leader !== null);
    await other.converge();
    const place = cluster.followers[0]?.id ?? 0;
    await other.stop(place);
    const right = cluster.machineOf(place);
    cluster.crash(place);
    const term = cluster.led.engine.status().term;
    cluster.restore(place, other.machineOf(place));
    const misplaced = await cluster.start(place);
    const foreign = (node: number): string =>
      `cluster: node ${node} has the data directory of another cluster of the same name`;
    await cluster.until('both sides say so', () => misplaced.engine.status().alarms.length === 2);
    t.ok(misplaced.engine.status().alarms.every((alarm) => /^cluster: node \d has/.test(alarm)));
    t.strictSame(cluster.led.engine.status().alarms, [foreign(place)]);
    t.match(await cluster.propose(cluster.led.id, 'more'), { kind: 'applied' });
    await cluster.clock.advance(3_000);
    t.equal(cluster.led.engine.status().term, term, 'nobody is deposed');
    t.strictSame(misplaced.machine.texts, ['theirs', 'theirs', 'theirs'], 'nothing is taken from the others');
    cluster.crash(place);
    cluster.restore(place, right);
    await cluster.start(place);
    await cluster.converge();
    t.strictSame(cluster.led.engine.status().alarms, []);
    for (const { machine } of cluster.nodes) t.strictSame(machine.texts, ['ours', 'more']);
    await cluster.stopAll();
    await other.stopAll();
  },
);
