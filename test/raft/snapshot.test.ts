import t from 'tap';
import { MemoryLog, type Message, makeMessage, type Snapshot, StorageError } from '../../src/raft/index.ts';
import { bytes, Cluster, confOf, Member } from './support/cluster.ts';

const three = [1, 2, 3];

function snapshotAt(index: number, term: number, voters: readonly number[] = three): Snapshot {
  return { meta: { index, term, confState: confOf(voters) }, data: bytes(`state at ${index}`) };
}

function install(to: number, term: number, snapshot: Snapshot): Message {
  return makeMessage('MsgSnap', to, 1, term, { snapshot });
}

/** A leader whose log was compacted beyond what member 3 has. */
function behindCompaction(): Cluster {
  const cluster = new Cluster(three);
  cluster.elect(1);
  cluster.isolate(3);
  for (const text of ['a', 'b', 'c']) {
    cluster.propose(1, text);
    cluster.settle();
  }
  cluster.at(1).compact();
  cluster.heal();
  return cluster;
}

t.test('snapshot: a follower behind the compacted log is caught up by one, and goes on from there', (t) => {
  const cluster = behindCompaction();
  cluster.tick(2, [1]);
  const slow = cluster.at(3);
  t.equal(cluster.take('MsgSnap').length, 1);
  t.equal(slow.appliedIndex, cluster.at(1).appliedIndex);
  t.equal(slow.log.firstIndex(), cluster.at(1).log.firstIndex());
  t.match(cluster.at(1).raw.status().peers[2], { state: 'replicate', pendingSnapshot: 0 });
  cluster.propose(1, 'd');
  cluster.settle();
  t.same(slow.appliedTexts(), ['d']);
  t.end();
});

t.test('snapshot: its acknowledgement, its data and the entries after it wait for the disk', (t) => {
  const member = new Member(3, confOf([]), {}, false);
  member.raw.step(install(3, 2, snapshotAt(9, 2)));
  t.same(member.takeReady(), []);
  t.equal(member.log.lastIndex(), 0);
  member.raw.campaign();
  t.equal(member.role, 'follower', 'no candidate with a snapshot in hand');
  const released = member.write();
  t.match(released, [
    { type: 'MsgAppResp', to: 1, index: 9 },
    { type: 'MsgStorageAppendResp', to: 3 },
  ]);
  t.equal(member.log.lastIndex(), 9);
  for (const message of released) if (message.to === 3) member.raw.step(message);
  t.equal(member.raw.basicStatus().applied, 9);
  t.end();
});

t.test(
  'scenario 14: a stale or repeated install changes nothing, and is answered with the commit index',
  (t) => {
    const cluster = new Cluster(three);
    cluster.elect(1);
    for (const text of ['a', 'b']) cluster.propose(1, text);
    cluster.settle();
    const follower = cluster.at(2);
    const { commit } = follower;
    const before = follower.entries();
    for (const index of [1, 2, commit]) follower.raw.step(install(2, 1, snapshotAt(index, 1)));
    t.same(follower.takeReady(), []);
    t.same(
      follower.write().map((message) => [message.type, message.index]),
      [1, 2, 3].map(() => ['MsgAppResp', commit]),
    );
    t.same(follower.entries(), before);
    t.end();
  },
);

t.test('snapshot: one that the log already matches only moves the commit index', (t) => {
  const member = new Member(2, confOf(three), {});
  member.log.append([2, 3, 4].map((index) => ({ term: 2, index, type: 'normal', data: bytes('') })));
  member.restart();
  member.raw.step(install(2, 2, snapshotAt(3, 2)));
  t.equal(member.commit, 3);
  t.equal(member.log.lastIndex(), 4);
  member.takeReady();
  t.notOk(member.appendWork.some((work) => work.snapshot !== null));
  t.end();
});

t.test('scenario 14: the current configuration is in the snapshot, and replaces the one in force', (t) => {
  const member = new Member(3, confOf(three), {});
  member.raw.step(install(3, 2, snapshotAt(9, 2, [2, 3, 4, 5])));
  t.same(member.raw.status().confState.voters, [2, 3, 4, 5]);
  member.raw.step(install(3, 2, snapshotAt(12, 2, [2, 4, 5])));
  t.equal(member.commit, 9, 'a member is not replaced by one that does not list it');
  const guest = new Member(9, confOf([]), {}, false);
  guest.raw.step(install(9, 2, snapshotAt(12, 2, [2, 4, 5])));
  t.equal(guest.commit, 12, 'a guest takes it');
  t.end();
});

t.test('scenario 14: a crash in the middle of an install leaves the old state or the new one', (t) => {
  const cluster = behindCompaction();
  const slow = cluster.at(3);
  const before = slow.entries();
  cluster.at(1).raw.tick();
  for (let round = 0; round < 6 && slow.appendWork.every((work) => work.snapshot === null); round++) {
    for (const id of [1, 2]) cluster.work(cluster.at(id));
    for (const message of cluster.inbox.splice(0)) cluster.deliver(message);
    while (slow.raw.hasReady()) cluster.post(slow.takeReady());
    if (slow.appendWork.every((work) => work.snapshot === null)) {
      while (slow.appendWork.length > 0) cluster.post(slow.write());
    }
  }
  t.ok(
    slow.appendWork.some((work) => work.snapshot !== null),
    'an install is under way',
  );
  slow.restart();
  t.same(slow.entries(), before, 'nothing of it was written');
  cluster.inbox = [];
  cluster.at(1).raw.reportSnapshot(3, false);
  cluster.tick(3, [1]);
  t.equal(slow.appliedIndex, cluster.at(1).appliedIndex);
  slow.restart();
  t.equal(slow.appliedIndex, cluster.at(1).appliedIndex, 'written whole, it is the state after a restart');
  t.end();
});

t.test(
  'snapshot: a failed or lost transfer is tried again after a heartbeat, a delivered one is not repeated',
  (t) => {
    const cluster = behindCompaction();
    const leader = cluster.at(1);
    leader.raw.tick();
    cluster.settle((message) => message.type === 'MsgSnap');
    t.match(leader.raw.status().peers[2], { state: 'snapshot', paused: true });
    cluster.take('MsgSnap');
    cluster.tick(5, [1]);
    t.equal(cluster.take('MsgSnap').length, 0, 'while it may be on its way nothing more is sent');
    leader.raw.reportSnapshot(3, false);
    t.match(leader.raw.status().peers[2], { state: 'probe', match: 2, paused: true });
    cluster.tick(2, [1]);
    t.equal(cluster.take('MsgSnap').length, 1);
    t.match(leader.raw.status().peers[2], { state: 'replicate' });
    t.end();
  },
);

t.test('scenario 14: the log is compacted while it is being sent', (t) => {
  const cluster = new Cluster(three);
  const leader = cluster.elect(1);
  cluster.propose(1, 'a');
  cluster.settle();
  leader.raw.proposeAll([bytes('b'), bytes('c')]);
  cluster.post(leader.takeReady());
  const onTheWay = cluster.inbox.splice(0);
  leader.compact();
  for (const message of onTheWay) cluster.deliver(message);
  cluster.settle();
  for (const id of three) t.same(cluster.at(id).appliedTexts(), ['a', 'b', 'c']);
  leader.compact(1);
  leader.raw.reportUnreachable(2);
  cluster.tick(2);
  t.match(leader.raw.status().peers[1], { state: 'replicate', match: leader.log.lastIndex() });
  t.end();
});

t.test('snapshot: none can be had, or the peer is silent: the leader waits', (t) => {
  const cluster = behindCompaction();
  const leader = cluster.at(1);
  const { log } = leader;
  const snapshot = log.snapshot.bind(log);
  log.snapshot = () => {
    throw new StorageError('snapshot-temporarily-unavailable');
  };
  cluster.tick(2, [1]);
  t.match(leader.raw.status().peers[2], { state: 'probe' });
  t.equal(cluster.take('MsgSnap').length, 0);
  log.snapshot = snapshot;
  cluster.tick(1, [1]);
  t.equal(cluster.take('MsgSnap').length, 1);
  t.end();
});

t.test('start: what was applied counts as committed, even if the disk lost the note of it', (t) => {
  const log = new MemoryLog();
  const member = new Member(1, confOf([1]), {});
  member.log.append([2, 3].map((index) => ({ term: 1, index, type: 'normal', data: bytes('') })));
  member.appliedIndex = 3;
  const again = new Member(1, confOf([1]), { storage: member.log, applied: 3 });
  t.match(again.raw.basicStatus(), { commit: 3, applied: 3 });
  t.notOk(again.raw.hasReady(), 'nothing is applied twice');
  t.throws(() => new Member(1, confOf([1]), { storage: log, applied: 3 }), /invariant violated/);
  t.end();
});
