import t from 'tap';
import type { RaftConfig } from '../../src/raft/index.ts';
import { MAX_PENDING_READS } from '../../src/raft/read-queue.ts';
import { bytes, Cluster, type Member, textOf } from './support/cluster.ts';

const three = [1, 2, 3];

function answered(member: Member): readonly string[] {
  return member.reads.map(({ index, context }) => `${textOf(context)}@${index}`);
}

function ask(member: Member, context: string): void {
  member.raw.readIndex(bytes(context));
}

t.test('read index: a read on any member gets the commit index at the time of asking', (t) => {
  const cluster = new Cluster(three);
  const leader = cluster.elect(1);
  cluster.propose(1, 'x');
  cluster.settle();
  const { commit } = leader;
  ask(leader, 'own');
  ask(cluster.at(3), 'forwarded');
  cluster.settle();
  t.same(answered(leader), [`own@${commit}`]);
  t.same(answered(cluster.at(3)), [`forwarded@${commit}`]);
  t.same(answered(cluster.at(2)), []);
  t.end();
});

t.test('scenario 13: a read index waits for a commit in the current term', (t) => {
  const cluster = new Cluster(three);
  cluster.elect(1);
  cluster.propose(1, 'x');
  cluster.settle();
  cluster.at(2).raw.campaign();
  cluster.settle((message) => message.type === 'MsgApp');
  const leader = cluster.at(2);
  t.equal(leader.role, 'leader');
  const stale = leader.commit;
  ask(leader, 'early');
  ask(cluster.at(3), 'lost: it knows no leader');
  cluster.settle((message) => message.type === 'MsgApp');
  t.same(answered(leader), []);
  cluster.tick(2);
  t.same(answered(leader), [`early@${stale + 1}`], 'answered once the entry of its term is committed');
  t.same(answered(cluster.at(3)), []);
  t.end();
});

t.test('scenario 13: a paused old leader serves no stale read', (t) => {
  const cluster = new Cluster(three);
  const old = cluster.elect(1);
  cluster.isolate(1);
  cluster.elect(2);
  cluster.propose(2, 'newer');
  cluster.settle();
  ask(old, 'r');
  cluster.tick(3, [1]);
  t.equal(old.role, 'leader', 'it does not know');
  t.same(answered(old), []);
  cluster.heal();
  cluster.tick(3);
  t.same(answered(old), [], 'nor does it answer afterwards');
  cluster.elect(1);
  cluster.tick(3);
  t.same(answered(old), [], 'nor when it leads again: what it knew when it was asked was old');
  t.end();
});

t.test('read index: one round of heartbeats confirms all reads that came before it, in order', (t) => {
  const cluster = new Cluster(three);
  const leader = cluster.elect(1);
  for (const id of [2, 3]) cluster.cut(1, id);
  for (const context of ['a', 'b', 'c']) ask(leader, context);
  ask(leader, 'b');
  cluster.settle();
  t.same(answered(leader), []);
  cluster.heal();
  cluster.take('MsgHeartbeat');
  cluster.tick(1, [1]);
  t.equal(cluster.take('MsgHeartbeat').length, 2, 'a single round');
  const { commit } = leader;
  t.same(answered(leader), [`a@${commit}`, `b@${commit}`, `c@${commit}`]);
  t.end();
});

t.test('read index: learners do not confirm, a sole voter needs nobody', (t) => {
  const cluster = new Cluster([1, 2, 3], {}, [4, 5]);
  const leader = cluster.elect(1);
  for (const id of [2, 3]) cluster.cut(1, id);
  ask(leader, 'r');
  cluster.tick(2, [1]);
  t.same(answered(leader), []);
  const alone = new Cluster([1]);
  ask(alone.elect(1), 'r');
  alone.settle();
  t.same(answered(alone.at(1)), ['r@2']);
  t.end();
});

t.test('read index: waiting reads are bounded; those beyond the bound are lost like messages', (t) => {
  const cluster = new Cluster(three);
  const leader = cluster.elect(1);
  for (const id of [2, 3]) cluster.cut(1, id);
  for (let number = 0; number < MAX_PENDING_READS + 10; number++) ask(leader, `${number}`);
  cluster.sent = [];
  cluster.settle();
  cluster.heal();
  cluster.tick(1, [1]);
  t.equal(leader.reads.length, MAX_PENDING_READS);
  t.end();
});

t.test('read index: with leases the leader answers at once', (t) => {
  const leases: Partial<RaftConfig> = { readOnly: 'lease-based', checkQuorum: true };
  const cluster = new Cluster(three, leases);
  const leader = cluster.elect(1);
  cluster.take('MsgHeartbeat');
  ask(leader, 'own');
  ask(cluster.at(2), 'forwarded');
  cluster.settle();
  t.same(answered(leader), ['own@2']);
  t.same(answered(cluster.at(2)), ['forwarded@2']);
  t.equal(cluster.take('MsgHeartbeat').length, 0);
  cluster.at(2).raw.forgetLeader();
  t.equal(cluster.at(2).raw.basicStatus().leader, 1, 'a lease cannot be taken back');
  t.end();
});
