import t from 'tap';
import {
  type ConfChange,
  type ConfChangeSingle,
  type ConfChangeTransition,
  decodeConfChange,
  encodeConfChange,
  type MemberId,
  RaftError,
} from '../../src/raft/index.ts';
import { bytes, Cluster, confOf, refusalOf } from './support/cluster.ts';

function change(
  changes: readonly ConfChangeSingle[],
  transition: ConfChangeTransition = 'auto',
  version: 1 | 2 = 2,
): ConfChange {
  return { version, transition, changes, context: bytes('') };
}

const addVoter = (id: MemberId): ConfChangeSingle => ({ type: 'add-voter', id });
const addLearner = (id: MemberId): ConfChangeSingle => ({ type: 'add-learner', id });
const remove = (id: MemberId): ConfChangeSingle => ({ type: 'remove', id });

/** The types of the entries on a member's disk, after the founding one. */
function kinds(cluster: Cluster, id: MemberId): readonly string[] {
  return cluster
    .at(id)
    .entries()
    .map((entry) => entry.replace(/^\d+\//, ''));
}

t.test('membership: a voter is added by one change and counts at once', (t) => {
  for (const version of [1, 2] as const) {
    const cluster = new Cluster([1, 2]);
    cluster.elect(1);
    cluster.add(3, confOf([]), false);
    cluster.at(1).raw.proposeConfChange(change([addVoter(3)], 'auto', version));
    cluster.settle();
    cluster.tick(2);
    t.same(cluster.voters(), [1, 2, 3]);
    cluster.isolate(2);
    cluster.propose(1, 'x');
    cluster.settle();
    t.same(cluster.at(3).appliedTexts(), ['x']);
    t.same(cluster.at(1).appliedTexts(), ['x'], '1 and 3 are a majority');
  }
  t.end();
});

t.test(
  'membership: several changes pass through a joint configuration, left automatically or when told',
  (t) => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    for (const id of [4, 5]) cluster.add(id, confOf([]), false);
    cluster.at(1).raw.proposeConfChange(change([addVoter(4), addVoter(5), remove(2), addLearner(3)]));
    cluster.settle();
    cluster.tick(3);
    t.match(cluster.at(1).confState, {
      voters: [1, 4, 5],
      votersOutgoing: [],
      learners: [3],
      learnersNext: [],
    });

    cluster.at(1).raw.proposeConfChange(change([addVoter(3)], 'joint-explicit'));
    cluster.settle();
    t.match(cluster.at(1).confState, { voters: [1, 3, 4, 5], votersOutgoing: [1, 4, 5], autoLeave: false });
    cluster.at(1).raw.proposeConfChange(change([]));
    cluster.settle();
    t.match(cluster.at(4).confState, { voters: [1, 3, 4, 5], votersOutgoing: [] });
    t.end();
  },
);

t.test('membership: in a joint configuration both majorities are needed', (t) => {
  const cluster = new Cluster([1, 2, 3]);
  cluster.elect(1);
  for (const id of [4, 5]) cluster.add(id, confOf([]), false);
  const swap = change([addVoter(4), addVoter(5), remove(2), remove(3)], 'joint-explicit');
  cluster.at(1).raw.proposeConfChange(swap);
  cluster.settle();
  cluster.tick(3);
  t.same(cluster.at(1).confState.votersOutgoing, [1, 2, 3]);
  const refusedBy = (cut: readonly MemberId[]): boolean => {
    for (const id of cut) cluster.cut(1, id);
    const before = cluster.at(1).commit;
    cluster.propose(1, 'x');
    cluster.settle();
    const stuck = cluster.at(1).commit === before;
    cluster.heal();
    cluster.tick(3);
    return stuck;
  };
  t.ok(refusedBy([2, 3]), 'the old majority is missing');
  t.ok(refusedBy([4, 5]), 'the new majority is missing');
  t.notOk(refusedBy([2, 4]));
  t.end();
});

t.test('scenario 8: two membership changes at once: the second is refused', (t) => {
  const cluster = new Cluster([1, 2, 3]);
  cluster.elect(1);
  for (const id of [2, 3]) cluster.cut(1, id);
  cluster.at(1).raw.proposeConfChange(change([addLearner(8)]));
  cluster.at(1).raw.proposeConfChange(change([addLearner(9)]));
  cluster.settle();
  t.same(kinds(cluster, 1), ['', 'conf-change-v2', '']);
  cluster.heal();
  cluster.tick(3);
  t.same(cluster.at(2).confState.learners, [8]);
  cluster.at(1).raw.proposeConfChange(change([addLearner(9)]));
  cluster.settle();
  t.same(cluster.at(2).confState.learners, [8, 9], 'after it is applied there is room for the next');
  t.end();
});

t.test('scenario 8: a membership change before the leader has committed in its own term is refused', (t) => {
  const cluster = new Cluster([1, 2, 3]);
  cluster.elect(1);
  for (const id of [2, 3]) cluster.cut(1, id);
  cluster.at(1).raw.proposeConfChange(change([addLearner(8)]));
  cluster.settle();
  cluster.heal();
  cluster.at(1).raw.campaign();
  // The same node, elected again with the change still uncommitted in its log.
  cluster.at(1).restart();
  cluster.at(1).raw.campaign();
  cluster.settle((message) => message.type === 'MsgApp');
  t.equal(cluster.at(1).role, 'leader');
  t.equal(cluster.at(1).raw.basicStatus().committedInOwnTerm, false);
  cluster.at(1).raw.proposeConfChange(change([addLearner(9)]));
  cluster.settle((message) => message.type === 'MsgApp');
  t.same(kinds(cluster, 1), ['', 'conf-change-v2', '', '']);
  cluster.tick(3);
  t.same(cluster.at(2).confState.learners, [8]);
  t.equal(cluster.at(1).raw.basicStatus().committedInOwnTerm, true);
  t.end();
});

t.test(
  'scenario 9: an uncommitted configuration that is truncated, or superseded by a snapshot, is rolled back',
  (t) => {
    for (const way of ['truncated', 'superseded'] as const) {
      const cluster = new Cluster([1, 2, 3]);
      cluster.elect(1);
      cluster.isolate(1);
      cluster.at(1).raw.proposeConfChange(change([remove(2), remove(3)]));
      cluster.settle();
      t.ok(kinds(cluster, 1).includes('conf-change-v2'));
      t.equal(cluster.elect(2).term, 2);
      cluster.propose(2, 'x');
      cluster.settle();
      if (way === 'superseded') t.ok(cluster.at(2).compact());
      cluster.heal();
      cluster.tick(4, [2]);
      t.notOk(kinds(cluster, 1).includes('conf-change-v2'), way);
      t.same(cluster.at(1).confState.voters, [1, 2, 3]);
      t.same(cluster.at(1).raw.status().confState.voters, [1, 2, 3]);
      cluster.at(1).restart();
      t.same(cluster.at(1).raw.status().confState.voters, [1, 2, 3], 'nor is it after a restart');
    }
    t.end();
  },
);

t.test('membership: a change that could never be applied is refused before it enters the log', (t) => {
  const cluster = new Cluster([1, 2]);
  const leader = cluster.elect(1);
  const impossible = change([remove(1), remove(2)]);
  t.equal(
    refusalOf(() => leader.raw.proposeConfChange(impossible)),
    'invalid-conf-change',
  );
  t.equal(
    refusalOf(() => leader.raw.proposeConfChange(change([addLearner(2), remove(1)]))),
    'invalid-conf-change',
  );
  cluster.at(2).raw.proposeConfChange(impossible);
  cluster.settle();
  t.same(kinds(cluster, 1), [''], 'nor when it comes from a follower');
  t.same(cluster.refused, ['raft: conf change cannot be applied']);
  t.equal(
    refusalOf(() => leader.raw.proposeConfChange(change([addLearner(7)]))),
    null,
    'and the next one is not blocked',
  );
  t.throws(() => leader.raw.applyConfChange(impossible), RaftError);
  t.end();
});

t.test('membership: a removed leader steps down if asked to, and drops proposals in any case', (t) => {
  for (const stepDownOnRemoval of [true, false]) {
    const cluster = new Cluster([1, 2, 3], { stepDownOnRemoval });
    const leader = cluster.elect(1);
    leader.raw.proposeConfChange(change([remove(1)]));
    cluster.settle();
    t.equal(leader.role, stepDownOnRemoval ? 'follower' : 'leader');
    t.equal(
      refusalOf(() => cluster.propose(1, 'x')),
      'proposal-dropped',
    );
    leader.raw.campaign();
    t.not(leader.role, 'candidate', 'it does not stand again');
    cluster.elect(2);
    cluster.propose(2, 'y');
    cluster.settle();
    t.same(cluster.at(3).appliedTexts(), ['y'], 'the others carry on');
  }
  t.end();
});

for (const own of [addLearner(1), remove(1)]) {
  const how = own.type === 'remove' ? 'removes' : 'demotes';
  t.test(`scenario 10: a leader that ${how} itself under a partition leaves an electable cluster`, (t) => {
    const cluster = new Cluster([1, 2, 3], { stepDownOnRemoval: true, preVote: true, checkQuorum: true });
    cluster.elect(1);
    cluster.cut(1, 3);
    cluster.at(1).raw.proposeConfChange(change([own]));
    cluster.settle();
    t.equal(cluster.at(1).role, 'follower');
    t.same(cluster.at(1).confState, { ...confOf([2, 3]), learners: how === 'removes' ? [] : [1] });
    cluster.at(2).raw.randomizedElectionTicks = 12;
    cluster.tick(30);
    t.same(cluster.leaders(), [2]);
    cluster.heal();
    cluster.propose(2, 'x');
    cluster.tick(4);
    for (const id of how === 'removes' ? [2, 3] : [1, 2, 3]) t.same(cluster.at(id).appliedTexts(), ['x']);
    t.end();
  });
}

t.test('scenario 12: a removed node does not depose a healthy leader', (t) => {
  const cluster = new Cluster([1, 2, 3], { preVote: true, checkQuorum: true });
  cluster.elect(1);
  cluster.isolate(3);
  cluster.at(1).raw.proposeConfChange(change([remove(3)]));
  cluster.settle();
  t.same(cluster.at(2).confState.voters, [1, 2]);
  // It has not heard of its removal, stands for election again and again, and comes back with all its links.
  cluster.tick(60);
  cluster.heal();
  const { term } = cluster.at(1).raw.basicStatus();
  cluster.tick(60);
  t.same(cluster.leaders(), [1]);
  t.equal(cluster.at(1).raw.basicStatus().term, term, 'nor does it move the term');
  cluster.propose(1, 'x');
  cluster.settle();
  t.same(cluster.at(2).appliedTexts(), ['x']);
  t.end();
});

t.test('membership: a committed change that is not applied yet forbids standing for election', (t) => {
  const cluster = new Cluster([1, 2, 3]);
  cluster.elect(1);
  cluster.at(1).raw.proposeConfChange(change([addLearner(9)]));
  for (let round = 0; round < 8; round++) {
    for (const member of cluster.members.values()) {
      if (member.raw.hasReady()) cluster.post(member.takeReady());
      while (member.appendWork.length > 0) cluster.post(member.write());
      if (member.id !== 2) while (member.applyWork.length > 0) cluster.post(member.apply());
    }
    for (const message of cluster.inbox.splice(0)) cluster.deliver(message);
  }
  const waiting = cluster.at(2);
  t.ok(waiting.applyWork.length > 0);
  waiting.raw.campaign();
  t.equal(waiting.role, 'follower');
  cluster.settle();
  waiting.raw.campaign();
  t.equal(waiting.role, 'candidate');
  t.end();
});

t.test('membership: changes survive their encoding, and damage is refused', (t) => {
  const ids = [1, 127, 128, 2 ** 31, Number.MAX_SAFE_INTEGER - 2];
  const original: ConfChange = {
    version: 2,
    transition: 'joint-explicit',
    changes: [...ids.map(addVoter), addLearner(3), remove(4), { type: 'update', id: 5 }],
    context: bytes('a node, its host and its ports'),
  };
  const encoded = encodeConfChange(original);
  t.same(decodeConfChange(encoded), original);
  t.same(decodeConfChange(new Uint8Array(0)), change([]), 'nothing at all leaves a joint configuration');
  for (let length = 1; length < encoded.length - original.context.length; length++) {
    t.throws(() => decodeConfChange(encoded.subarray(0, length)), RaftError, `cut at ${length}`);
  }
  for (const damaged of [
    [2, 2, 0],
    [1, 3, 0],
    [1, 0x32, 0],
    [1, 2, 1, 9, 1],
    [1, 2, 1, 0, ...Array(9).fill(255), 1],
  ]) {
    t.throws(() => decodeConfChange(Uint8Array.from(damaged)), RaftError, `${damaged}`);
  }
  t.throws(() => encodeConfChange(change([addVoter(-1)])), RaftError);
  t.end();
});

t.test('membership: an unreadable change in a forwarded proposal harms nobody', (t) => {
  const cluster = new Cluster([1, 2]);
  const leader = cluster.elect(1);
  const entry = { term: 0, index: 0, type: 'conf-change-v2', data: Uint8Array.from([99]) } as const;
  cluster.at(2).raw.propose(bytes('x'));
  const [forwarded] = cluster.at(2).takeReady();
  if (forwarded === undefined) throw new Error('nothing was forwarded');
  t.equal(
    refusalOf(() => leader.raw.step({ ...forwarded, entries: [entry] })),
    'invalid-conf-change',
  );
  t.same(kinds(cluster, 1), ['']);
  t.end();
});

t.test('observers: a guest is brought up to date by appends and snapshots, and is never counted', (t) => {
  const cluster = new Cluster([1, 2, 3], { checkQuorum: true });
  const leader = cluster.elect(1);
  cluster.propose(1, 'a');
  cluster.settle();
  leader.compact();
  const guest = cluster.add(9, confOf([]), false);
  leader.raw.setObservers(new Set([9, 1, 2]));
  cluster.tick(3);
  t.equal(guest.raw.basicStatus().leader, 1);
  t.equal(guest.appliedIndex, leader.appliedIndex, 'by snapshot');
  t.same(guest.confState.voters, [1, 2, 3], 'its configuration does not list it');
  cluster.propose(9, 'from a guest');
  cluster.settle();
  t.same(guest.appliedTexts(), ['from a guest']);
  t.match(
    leader.raw.status().peers.map(({ id, isObserver }) => ({ id, isObserver })),
    [1, 2, 3, 9].map((id) => ({ id, isObserver: id === 9 })),
  );
  t.same(leader.raw.status().confState, confOf([1, 2, 3]));

  const before = leader.commit;
  for (const id of [2, 3]) cluster.cut(1, id);
  cluster.propose(1, 'b');
  cluster.settle();
  t.equal(leader.commit, before, 'no quorum');
  leader.raw.readIndex(bytes('r'));
  cluster.tick(2, [1]);
  t.same(leader.reads, [], 'no read');
  leader.raw.transferLeader(9);
  t.equal(leader.raw.basicStatus().leadTransferee, 0, 'no transfer');
  guest.raw.campaign();
  cluster.tick(30, [9]);
  t.equal(guest.role, 'follower', 'no candidacy');
  cluster.tick(20, [1, 9]);
  t.equal(leader.role, 'follower', 'no check of the quorum');
  t.end();
});

t.test(
  'observers: the set survives a change of leader, an admission keeps the progress, a dismissal ends it',
  (t) => {
    const cluster = new Cluster([1, 2, 3]);
    for (const id of [1, 2, 3]) cluster.at(id).raw.setObservers(new Set([9]));
    cluster.elect(1);
    cluster.add(9, confOf([1, 2, 3]));
    cluster.tick(2);
    cluster.elect(2);
    cluster.propose(2, 'x');
    cluster.tick(2);
    t.same(cluster.at(9).appliedTexts(), ['x']);
    const peer = (): unknown =>
      cluster
        .at(2)
        .raw.status()
        .peers.find(({ id }) => id === 9);
    const match = cluster.at(9).log.lastIndex();
    t.match(peer(), { state: 'replicate', match, isObserver: true });

    cluster.at(2).raw.proposeConfChange(change([addLearner(9)]));
    cluster.work(cluster.at(2));
    cluster.settle();
    t.match(peer(), { state: 'replicate', match: match + 1, isObserver: false, isLearner: true });
    cluster.at(2).raw.proposeConfChange(change([remove(9)]));
    cluster.settle();
    t.match(peer(), { match: match + 2, isObserver: true, isLearner: false }, 'removed, but still a guest');
    cluster.at(2).raw.setObservers(new Set());
    t.equal(peer(), undefined);
    t.end();
  },
);
