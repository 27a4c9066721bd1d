import t from 'tap';
import { type Message, makeMessage, type RaftConfig, type RawNode } from '../../src/raft/index.ts';
import { answers, Cluster, confOf, Member, refusalOf } from './support/cluster.ts';

const three = [1, 2, 3];

function ask(to: number, from: number, term: number, index = 1, logTerm = 1): Message {
  return makeMessage('MsgVote', to, from, term, { index, logTerm });
}

t.test('election: the member whose time runs out first wins, and the others follow it', (t) => {
  const cluster = new Cluster(three);
  cluster.at(2).raw.randomizedElectionTicks = 5;
  cluster.tick(5);
  t.same(cluster.leaders(), [2]);
  for (const id of three) t.equal(cluster.at(id).raw.basicStatus().leader, 2);
  t.same(cluster.at(1).entries(), ['1/'], 'the entry that opens the term is on every disk');
  t.end();
});

t.test('election: the timeout is drawn from [electionTicks, 2·electionTicks), anew for each term', (t) => {
  const draws: number[] = [];
  let next = 0;
  const randomBelow = (bound: number): number => {
    draws.push(bound);
    return next++ % bound;
  };
  const member = new Member(1, confOf(three), { electionTicks: 10, randomBelow });
  const seen = new Set<number>();
  for (let round = 0; round < 12; round++) {
    member.raw.campaign();
    seen.add(member.raw.randomizedElectionTicks);
  }
  t.ok(draws.every((bound) => bound === 10));
  t.same(
    [...seen].sort((a, b) => a - b),
    [10, 11, 12, 13, 14, 15, 16, 17, 18, 19],
  );
  t.end();
});

t.test('scenario 2: two candidates of one term arriving together: one grant', (t) => {
  const voter = new Member(3, confOf(three), {});
  voter.raw.step(ask(3, 1, 2));
  voter.raw.step(ask(3, 2, 2));
  const replies = answers(voter).map(({ to, reject }) => ({ to, reject }));
  t.same(replies, [
    { to: 1, reject: false },
    { to: 2, reject: true },
  ]);
  t.end();
});

t.test('scenario 1: crash right after a vote reply, restart: same term and vote', (t) => {
  const voter = new Member(3, confOf(three), {});
  voter.raw.step(ask(3, 1, 2));
  t.match(answers(voter), [{ to: 1, reject: false }]);
  voter.restart();
  t.match(voter.raw.basicStatus(), { term: 2, vote: 1 });
  voter.raw.step(ask(3, 2, 2));
  t.match(answers(voter), [{ to: 2, reject: true }]);
  voter.raw.step(ask(3, 1, 2));
  t.match(answers(voter), [{ to: 1, reject: false }], 'the same candidate may ask again');
  t.end();
});

t.test('vote: no answer leaves before the vote is on disk', (t) => {
  const voter = new Member(3, confOf(three), {});
  voter.raw.step(ask(3, 1, 2));
  t.same(voter.takeReady(), [], 'nothing may be sent at once');
  t.equal(voter.log.initialState().hardState.vote, 0);
  t.match(voter.write(), [{ type: 'MsgVoteResp', to: 1, reject: false }]);
  t.match(voter.log.initialState().hardState, { term: 2, vote: 1 });
  t.end();
});

t.test('vote: a candidate counts its own vote only from its disk', (t) => {
  const cluster = new Cluster([1]);
  const only = cluster.at(1);
  only.raw.campaign();
  only.takeReady();
  t.equal(only.role, 'candidate');
  cluster.post(only.write());
  cluster.settle();
  t.equal(only.role, 'leader');
  t.end();
});

t.test('vote: a candidate with a less complete log is refused', (t) => {
  const voter = new Member(3, confOf(three), {});
  voter.log.append([
    { term: 1, index: 2, type: 'normal', data: new Uint8Array(0) },
    { term: 3, index: 3, type: 'normal', data: new Uint8Array(0) },
  ]);
  voter.restart();
  for (const [index, logTerm, reject] of [
    [3, 3, false],
    [9, 2, true],
    [2, 3, true],
    [3, 4, false],
  ] as const) {
    const candidate = new Member(3, confOf(three), {});
    candidate.log.append(voter.log.entries(2, 4, 1000));
    candidate.restart();
    candidate.raw.step(ask(3, 1, 5, index, logTerm));
    t.match(answers(candidate), [{ reject }], `a log that ends in ${logTerm}/${index}`);
  }
  t.end();
});

t.test('vote: a learner votes when it is asked, and never stands itself', (t) => {
  const cluster = new Cluster([1, 2], {}, [3]);
  cluster.at(3).raw.step(ask(3, 1, 2));
  t.match(answers(cluster.at(3)), [{ to: 1, reject: false }]);
  cluster.at(3).raw.campaign();
  t.equal(cluster.at(3).role, 'follower');
  t.end();
});

t.test('vote: rejections by a majority end a candidacy, late grants do not revive it', (t) => {
  const member = new Member(1, confOf(three), {});
  member.raw.campaign();
  answers(member);
  for (const from of [2, 3]) member.raw.step(makeMessage('MsgVoteResp', 1, from, 1, { reject: true }));
  t.equal(member.role, 'follower');
  for (const from of [2, 3]) member.raw.step(makeMessage('MsgVoteResp', 1, from, 1));
  t.equal(member.role, 'follower');
  t.end();
});

t.test('vote: the first answer of a voter counts, a contradicting one does not', (t) => {
  const member = new Member(1, confOf([1, 2, 3, 4, 5]), {});
  member.raw.campaign();
  for (const message of answers(member)) if (message.to === 1) member.raw.step(message);
  for (const [from, reject] of [
    [2, true],
    [2, false],
    [3, false],
  ] as const) {
    member.raw.step(makeMessage('MsgVoteResp', 1, from, 1, { reject }));
  }
  t.equal(member.role, 'candidate', 'two of five');
  member.raw.step(makeMessage('MsgVoteResp', 1, 4, 1));
  t.equal(member.role, 'leader');
  t.end();
});

const careful: Partial<RaftConfig> = { preVote: true, checkQuorum: true };

t.test('scenario 12: a rejoining node does not depose a healthy leader', (t) => {
  const cluster = new Cluster(three, careful);
  cluster.elect(1);
  cluster.isolate(3);
  cluster.tick(100);
  t.equal(cluster.at(3).term, cluster.at(1).term, 'its term did not run away');
  t.equal(cluster.at(3).role, 'pre-candidate');
  cluster.heal();
  cluster.tick(40);
  t.same(cluster.leaders(), [1]);
  t.equal(cluster.at(1).term, 1);
  t.equal(cluster.at(3).raw.basicStatus().leader, 1);
  t.end();
});

t.test('scenario 12: a one-way partitioned node does not depose a healthy leader', (t) => {
  const cluster = new Cluster(three, careful);
  cluster.elect(1);
  const deaf = cluster.at(3);
  for (let tick = 0; tick < 60; tick++) {
    for (const id of three) cluster.at(id).raw.tick();
    for (const member of cluster.members.values()) cluster.work(member);
    const arriving = cluster.inbox.filter((message) => message.to !== 3);
    cluster.inbox = [];
    for (const message of arriving) cluster.deliver(message);
    cluster.work(deaf);
  }
  t.same(cluster.leaders(), [1]);
  t.equal(cluster.at(1).term, 1);
  t.end();
});

t.test('scenario 12: a real loss of the leader still elects another one', (t) => {
  const cluster = new Cluster(three, careful);
  cluster.elect(1);
  cluster.isolate(1);
  cluster.at(2).raw.randomizedElectionTicks = 11;
  cluster.at(3).raw.randomizedElectionTicks = 15;
  cluster.tick(30);
  t.ok(cluster.leaders().includes(2));
  t.equal(cluster.at(2).term, 2);
  t.not(cluster.at(1).role, 'leader', 'the old leader noticed that it hears no quorum');
  t.end();
});

t.test('pre-vote: a member stuck in a higher term is reached by the leader of a lower one', (t) => {
  const cluster = new Cluster(three, careful);
  cluster.elect(1);
  cluster.at(3).log.setHardState({ term: 9, vote: 3, commit: 1 });
  cluster.at(3).restart();
  cluster.tick(60);
  t.equal(cluster.leaders().length, 1);
  const [leader = 0] = cluster.leaders();
  cluster.propose(leader, 'after');
  cluster.settle();
  for (const id of three) t.ok(cluster.at(id).appliedTexts().includes('after'));
  t.end();
});

t.test('pre-vote: a member with the better log learns the term of one that is ahead, and is elected', (t) => {
  const cluster = new Cluster(three, careful);
  cluster.elect(1);
  cluster.isolate(3);
  cluster.propose(1, 'only on two');
  cluster.settle();
  cluster.at(3).log.setHardState({ term: 9, vote: 3, commit: 1 });
  cluster.at(3).restart();
  // The leader is gone. Of the two that are left one lacks an entry, and the other one is terms behind.
  cluster.heal();
  cluster.isolate(1);
  cluster.tick(60, [2, 3]);
  t.equal(cluster.at(2).role, 'leader');
  t.ok(cluster.at(2).term > 9);
  t.end();
});

t.test('check quorum: a leader that hears from a minority only steps down within two timeouts', (t) => {
  const cluster = new Cluster([1, 2, 3, 4, 5], careful);
  cluster.elect(1);
  for (const id of [3, 4, 5]) cluster.cut(1, id);
  cluster.tick(20, [1, 2]);
  t.equal(cluster.at(1).role, 'follower');
  t.end();
});

t.test(
  'forget leader: followers that know better grant pre-votes at once; those that hear the leader refuse',
  (t) => {
    const cluster = new Cluster(three, careful);
    cluster.elect(1);
    cluster.tick(1);
    cluster.at(2).raw.forgetLeader();
    cluster.at(2).raw.campaign();
    cluster.settle();
    t.same(cluster.leaders(), [1], 'member 3 and the leader refused');
    cluster.tick(1);
    cluster.isolate(1);
    for (const id of [2, 3]) cluster.at(id).raw.forgetLeader();
    cluster.at(2).raw.campaign();
    cluster.settle();
    t.ok(cluster.leaders().includes(2), 'elected without waiting for a timeout');
    t.end();
  },
);

t.test('transfer: the follower that is brought up to date takes over in the next term', (t) => {
  const cluster = new Cluster(three, careful);
  const leader = cluster.elect(1);
  cluster.propose(1, 'last words');
  leader.raw.transferLeader(3);
  t.equal(
    refusalOf(() => cluster.propose(1, 'too late')),
    'proposal-dropped',
    'no proposals meanwhile',
  );
  cluster.settle();
  t.same(cluster.leaders(), [3]);
  t.equal(cluster.at(3).term, 2);
  for (const id of three) t.same(cluster.at(id).appliedTexts(), ['last words']);
  t.end();
});

t.test('transfer: it can be asked for on any member, and never goes to one that cannot lead', (t) => {
  const cluster = new Cluster([1, 2], {}, [3]);
  const leader = cluster.elect(1);
  for (const target of [3, 1, 77]) {
    leader.raw.transferLeader(target);
    t.equal(leader.raw.basicStatus().leadTransferee, 0, `not to ${target}`);
  }
  cluster.at(2).raw.transferLeader(2);
  cluster.settle();
  t.same(cluster.leaders(), [2]);
  t.end();
});

t.test('transfer: one that does not come about is given up after an election timeout', (t) => {
  const cluster = new Cluster(three);
  const leader = cluster.elect(1);
  cluster.cut(1, 3);
  leader.raw.transferLeader(3);
  cluster.tick(9, [1]);
  t.equal(leader.raw.basicStatus().leadTransferee, 3);
  cluster.tick(1, [1]);
  t.equal(leader.raw.basicStatus().leadTransferee, 0);
  cluster.propose(1, 'goes on');
  cluster.settle();
  t.same(cluster.at(2).appliedTexts(), ['goes on']);
  t.end();
});

t.test('node: what a peer may not send is refused by name', (t) => {
  const cluster = new Cluster(three);
  const { raw } = cluster.elect(1);
  for (const type of [
    'MsgHup',
    'MsgBeat',
    'MsgCheckQuorum',
    'MsgUnreachable',
    'MsgSnapStatus',
    'MsgStorageAppend',
  ] as const) {
    t.equal(
      refusalOf(() => raw.step(makeMessage(type, 1, 2, 0))),
      'step-local-message',
      type,
    );
  }
  for (const type of ['MsgAppResp', 'MsgVoteResp', 'MsgHeartbeatResp', 'MsgReadIndexResp'] as const) {
    t.equal(
      refusalOf(() => raw.step(makeMessage(type, 1, 44, 1))),
      'step-peer-not-found',
      type,
    );
  }
  t.end();
});

t.test('node: a configuration that contradicts itself is refused at the start', (t) => {
  const wrong: readonly Partial<RaftConfig>[] = [
    { id: 0 },
    { id: 1.5 },
    { heartbeatTicks: 0 },
    { electionTicks: 1, heartbeatTicks: 1 },
    { maxInflightMessages: 0 },
    { maxSizePerMessage: 100, maxInflightBytes: 99 },
    { readOnly: 'lease-based' },
  ];
  for (const options of wrong) {
    const make = (): RawNode => new Member(options.id ?? 1, confOf(three), options).raw;
    t.throws(make, { code: 'CONFIG_INVALID' }, JSON.stringify(options));
  }
  t.end();
});
