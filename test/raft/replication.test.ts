import t from 'tap';
import { InvariantError } from '../../src/base/assert.ts';
import {
  type Entry,
  LostEntriesError,
  type Message,
  makeMessage,
  type RaftConfig,
} from '../../src/raft/index.ts';
import { answers, bytes, Cluster, confOf, Member, refusalOf } from './support/cluster.ts';

const three = [1, 2, 3];

function entry(term: number, index: number, text = ''): Entry {
  return { term, index, type: 'normal', data: bytes(text) };
}

function append(
  to: number,
  term: number,
  prev: readonly [term: number, index: number],
  entries: readonly Entry[],
  commit = 0,
): Message {
  return makeMessage('MsgApp', to, 1, term, { logTerm: prev[0], index: prev[1], entries, commit });
}

/** A member whose disk holds these terms from index 2 on. */
function memberWith(terms: readonly number[], options: Partial<RaftConfig> = {}, id = 2): Member {
  const member = new Member(id, confOf(three), options);
  member.log.append(terms.map((term, position) => entry(term, position + 2)));
  member.log.setHardState({ term: terms[terms.length - 1] ?? 1, vote: 0, commit: 1 });
  member.restart();
  return member;
}

/** Of two, just elected in term 4; its log ends with an entry of term 4 at index 7, behind four of term 3. */
function newLeader(): Member {
  const leader = new Member(1, confOf([1, 2]), {});
  leader.log.append([entry(1, 2), entry(3, 3), entry(3, 4), entry(3, 5), entry(3, 6)]);
  leader.log.setHardState({ term: 3, vote: 0, commit: 1 });
  leader.restart();
  leader.raw.campaign();
  for (const message of answers(leader)) if (message.to === 1) leader.raw.step(message);
  leader.raw.step(makeMessage('MsgVoteResp', 1, 2, 4));
  answers(leader);
  return leader;
}

t.test('replication: what is proposed on any member is applied on all, in one order', (t) => {
  const cluster = new Cluster(three);
  cluster.elect(1);
  cluster.propose(1, 'a');
  cluster.propose(2, 'b');
  cluster.settle();
  cluster.at(3).raw.proposeAll([bytes('c'), bytes('d')]);
  cluster.settle();
  for (const id of three) t.same(cluster.at(id).appliedTexts(), ['a', 'b', 'c', 'd']);
  t.end();
});

t.test('replication: a proposal without a leader, or with forwarding off, is certainly refused', (t) => {
  t.equal(
    refusalOf(() => new Cluster(three).propose(1, 'x')),
    'proposal-dropped',
  );
  const cluster = new Cluster(three, { disableProposalForwarding: true });
  cluster.elect(1);
  t.equal(
    refusalOf(() => cluster.propose(2, 'x')),
    'proposal-dropped',
  );
  t.equal(
    refusalOf(() => cluster.propose(1, 'x')),
    null,
  );
  t.end();
});

t.test('commit: a leader counts itself only once its own disk has the entry', (t) => {
  const cluster = new Cluster(three);
  const leader = cluster.elect(1);
  const before = leader.commit;
  cluster.propose(1, 'x');
  cluster.post(leader.takeReady());
  t.ok(
    cluster.inbox.some((message) => message.type === 'MsgApp'),
    'the append leaves before the own disk has it',
  );
  const deliver = (from: number): void => {
    for (const message of cluster.inbox.splice(0)) cluster.deliver(message);
    cluster.work(cluster.at(from));
  };
  deliver(2);
  for (const message of cluster.inbox.splice(0)) cluster.deliver(message);
  t.equal(leader.commit, before, 'one follower of three is no majority');
  for (const message of leader.write()) cluster.deliver(message);
  t.equal(leader.commit, before + 1);
  t.end();
});

t.test('scenario 3: Figure 8 of the paper: an entry of an older term is never committed by counting', (t) => {
  const cluster = new Cluster([1, 2, 3, 4, 5]);
  const install = (id: number, entries: readonly Entry[], term: number): void => {
    cluster.at(id).log.append(entries);
    cluster.at(id).log.setHardState({ term, vote: 0, commit: 1 });
    cluster.at(id).restart();
  };
  // 1 led term 2 and got its entry to 2 and 3; 5 led term 3 and kept its entry to itself.
  for (const id of [1, 2, 3]) install(id, [entry(2, 2, 'old')], 3);
  install(4, [], 3);
  install(5, [entry(3, 2, 'new')], 3);
  // 1 leads term 4. A majority has its old entry, nobody yet the one of its own term.
  const first = cluster.at(1);
  first.raw.campaign();
  cluster.settle((message) => message.type === 'MsgApp');
  t.equal(first.role, 'leader');
  for (const from of [2, 3]) first.raw.step(makeMessage('MsgAppResp', 1, from, 4, { index: 2 }));
  cluster.settle((message) => message.type === 'MsgApp');
  t.equal(first.commit, 1, 'the old entry is on a majority, and not committed');
  // So 5 may still win and overwrite it.
  cluster.isolate(1);
  cluster.elect(5);
  for (const id of [2, 3, 4, 5]) t.same(cluster.at(id).appliedTexts(), ['new']);
  cluster.heal();
  cluster.tick(3);
  t.same(first.appliedTexts(), ['new'], 'the old leader gives way');
  t.end();
});

t.test('commit: one entry of the own term commits all before it', (t) => {
  const leader = memberWith([2], {}, 1);
  leader.raw.campaign();
  for (const message of answers(leader)) if (message.to === 1) leader.raw.step(message);
  leader.raw.step(makeMessage('MsgVoteResp', 1, 2, 3));
  t.equal(leader.role, 'leader');
  answers(leader);
  for (const from of [2, 3]) leader.raw.step(makeMessage('MsgAppResp', 1, from, 3, { index: 2 }));
  leader.raw.step(makeMessage('MsgAppResp', 1, 2, 3, { index: 3 }));
  t.equal(leader.commit, 1, 'the own disk has not acknowledged it');
  leader.raw.step(makeMessage('MsgAppResp', 1, 1, 3, { index: 3 }));
  t.equal(leader.commit, 3);
  t.end();
});

t.test('scenario 4: a delayed or repeated append or heartbeat never truncates acknowledged entries', (t) => {
  const member = memberWith([]);
  const all = [entry(2, 2, 'a'), entry(2, 3, 'b'), entry(2, 4, 'c')];
  member.raw.step(append(2, 2, [1, 1], all));
  t.match(answers(member), [{ type: 'MsgAppResp', index: 4, reject: false }]);
  member.raw.step(append(2, 2, [1, 1], all.slice(0, 1)));
  member.raw.step(append(2, 2, [2, 2], []));
  answers(member);
  t.same(member.entries(), ['2/a', '2/b', '2/c']);
  member.raw.step(append(2, 2, [2, 4], [], 4));
  answers(member);
  member.raw.step(append(2, 2, [1, 1], all.slice(0, 2), 2));
  t.match(answers(member), [{ index: 4, reject: false }], 'below the commit index it is answered with that');
  t.equal(member.commit, 4);
  for (const commit of [0, 2, 4]) member.raw.step(makeMessage('MsgHeartbeat', 2, 1, 2, { commit }));
  answers(member);
  t.equal(member.commit, 4, 'a delayed heartbeat takes nothing back');
  t.same(member.entries(), ['2/a', '2/b', '2/c']);
  t.end();
});

t.test('scenario 4: a wrong previous term is refused, and changes nothing', (t) => {
  const member = memberWith([2, 2, 3]);
  member.raw.step(append(2, 5, [4, 4], [entry(5, 5)]));
  t.match(answers(member), [{ reject: true, index: 4, rejectHint: 4, logTerm: 3 }]);
  t.same(member.entries(), ['2/', '2/', '3/']);
  member.raw.step(append(2, 5, [2, 3], [entry(5, 4, 'new')]));
  answers(member);
  t.same(
    member.entries(),
    ['2/', '2/', '5/new'],
    'a conflicting tail is replaced from the first difference on',
  );
  t.end();
});

t.test('commit: an append commits no more than it brings, whatever the log holds behind that', (t) => {
  // Entries 4 and 5 are of a leader that is gone; the one that speaks has others there.
  const member = memberWith([1, 1, 2, 2]);
  member.raw.step(append(2, 3, [1, 2], [entry(1, 3)], 5));
  t.equal(member.commit, 3);
  t.same(member.entries(), ['1/', '1/', '2/', '2/'], 'nor does it cut off what it says nothing about');
  t.end();
});

t.test('commit: learners that have an entry make no majority', (t) => {
  const cluster = new Cluster([1, 2], {}, [3, 4]);
  const leader = cluster.elect(1);
  const before = leader.commit;
  cluster.cut(1, 2);
  cluster.propose(1, 'x');
  cluster.settle();
  for (const id of [3, 4]) t.equal(cluster.at(id).log.lastIndex(), before + 1);
  t.equal(leader.commit, before);
  cluster.heal();
  cluster.tick(2);
  t.equal(leader.commit, before + 1);
  t.end();
});

t.test('append: a leader that counts on entries which this log has lost stops the node, for good', (t) => {
  const member = memberWith([2, 2]);
  const beat = (commit: number): Message => makeMessage('MsgHeartbeat', 2, 1, 2, { commit });
  member.raw.step(beat(3));
  const lost = new LostEntriesError(4, 3);
  t.ok(lost instanceof InvariantError, 'a driver that does not know it stops as well');
  t.throws(() => member.raw.step(beat(4)), lost);
  t.equal(member.raw.basicStatus().commit, 3);
  t.end();
});

t.test('append: rejection hints skip whole terms on both sides', (t) => {
  const hint = (terms: readonly number[], prev: readonly [number, number]): readonly [number, number] => {
    const member = memberWith(terms);
    member.raw.step(append(2, 9, prev, [entry(9, prev[1] + 1)]));
    const [answer] = answers(member);
    return [answer?.logTerm ?? -1, answer?.rejectHint ?? -1];
  };
  t.same(hint([2, 5, 5, 5, 5], [3, 6]), [2, 2], 'all of term 5 is skipped at once');
  t.same(hint([2, 2, 2], [3, 12]), [2, 4], 'a short log answers with its end');
  t.same(hint([2, 3, 3], [3, 9]), [3, 4]);

  const leader = newLeader();
  leader.raw.step(makeMessage('MsgAppResp', 1, 2, 4, { index: 6, reject: true, rejectHint: 6, logTerm: 2 }));
  t.match(answers(leader), [{ type: 'MsgApp', index: 2, logTerm: 1 }], 'the leader skips its own term 3');
  t.end();
});

t.test('append: an answer to what came late from an older term is none to the probe that is out', (t) => {
  // Led before, cut off, and elected again: now its old appends arrive, and are answered in the term of today with nothing.
  const leader = newLeader();
  const stale = new Member(2, confOf([1, 2]), { checkQuorum: true, preVote: true });
  stale.log.setHardState({ term: 4, vote: 1, commit: 1 });
  stale.restart();
  stale.raw.step(append(2, 3, [1, 1], [entry(3, 2)]));
  const [late] = answers(stale);
  t.match(late, { type: 'MsgAppResp', term: 4, index: 0, reject: false });
  if (late !== undefined) leader.raw.step(late);
  t.same(answers(leader), [], 'no snapshot, and nothing from the beginning of the log');
  const peer = leader.raw.status().peers.find(({ id }) => id === 2);
  t.match(peer, { state: 'probe', match: 0, next: 7 });
  leader.raw.step(makeMessage('MsgAppResp', 1, 2, 4, { index: 7 }));
  t.match(
    leader.raw.status().peers.find(({ id }) => id === 2),
    { state: 'replicate', match: 7, next: 8 },
  );
  t.end();
});

t.test('append: a leader catches up followers with every kind of divergence (Figure 7)', (t) => {
  const followers = [
    [1, 1, 4, 4, 5, 5, 6, 6],
    [1, 1, 4],
    [1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
    [1, 1, 4, 4, 4, 4],
    [1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
  ];
  const cluster = new Cluster([1, 2, 3, 4, 5, 6]);
  const install = (id: number, terms: readonly number[]): void => {
    const member = cluster.at(id);
    member.log.append(terms.map((term, position) => entry(term, position + 2)));
    member.log.setHardState({ term: 7, vote: 0, commit: 1 });
    member.restart();
  };
  install(1, [1, 1, 4, 4, 5, 5, 6, 6, 6]);
  followers.forEach((terms, position) => {
    install(position + 2, terms);
  });
  cluster.elect(1);
  cluster.tick(3);
  for (const member of cluster.members.values()) t.same(member.entries(), cluster.at(1).entries());
  t.end();
});

t.test('asynchronous writes: a committed entry is applied only once it is on the own disk', (t) => {
  const member = memberWith([]);
  member.raw.step(append(2, 2, [1, 1], [entry(2, 2, 'x')], 2));
  member.takeReady();
  t.equal(member.commit, 2);
  t.same(member.applyWork, []);
  for (const message of member.write()) if (message.to === 2) member.raw.step(message);
  member.takeReady();
  t.equal(member.applyWork.length, 1);
  t.end();
});

/** Leader 2, then leader 3, then leader 4 give member 1 an entry at index 2; all writes are still under way. */
function threeLeaders(last: Entry): Member {
  const member = new Member(1, confOf([1, 2, 3, 4, 5]), {});
  const give = (leader: number, term: number, given: Entry): void => {
    const place = { logTerm: 1, index: 1, entries: [given] };
    member.raw.step(makeMessage('MsgApp', 1, leader, term, place));
    member.takeReady();
  };
  give(2, 2, entry(2, 2, 'of 2'));
  give(3, 3, entry(3, 2, 'of 3'));
  member.raw.step(makeMessage('MsgHeartbeat', 1, 4, 4));
  member.takeReady();
  give(4, 4, last);
  return member;
}

t.test(
  'scenario 7: asynchronous append, A-B-A over three leaders: nothing reads as of an earlier one',
  (t) => {
    // The third leader brings an entry of its own, or brings back the very entry of the first one.
    for (const last of [entry(4, 2, 'of 4'), entry(2, 2, 'of 2')]) {
      const member = threeLeaders(last);
      // Each write becomes durable and is acknowledged; the log must read as the third leader left it throughout.
      for (let outstanding = member.appendWork.length; outstanding > 0; outstanding--) {
        for (const answer of member.write()) if (answer.to === 1) member.raw.step(answer);
        member.raw.step(makeMessage('MsgApp', 1, 4, 4, { logTerm: last.term, index: 2 }));
        const [reply] = answersWithoutWriting(member);
        t.match(reply, { index: 2, reject: false }, `still the entry of term ${last.term}`);
      }
      answers(member);
      t.same(member.entries(), [`${last.term}/of ${last.term}`]);
    }
    t.end();
  },
);

/** What would be sent, with the write that releases it left waiting at its place in the queue. */
function answersWithoutWriting(member: Member): readonly Message[] {
  return member.raw.hasReady() ? [...member.takeReady(), ...(member.appendWork.at(-1)?.responses ?? [])] : [];
}

t.test(
  'scenario 5: crash between append and fsync on any set of nodes: no acknowledged write is lost',
  (t) => {
    for (let set = 1; set < 8; set++) {
      const crashing = three.filter((id) => (set & (1 << (id - 1))) !== 0);
      const cluster = new Cluster(three);
      cluster.elect(1);
      cluster.propose(1, 'kept');
      cluster.settle();
      // Handed to each disk, and on none.
      cluster.propose(1, 'in the air');
      for (const id of three) {
        const member = cluster.at(id);
        if (member.raw.hasReady()) cluster.post(member.takeReady());
        for (const message of cluster.inbox.splice(0)) {
          if (message.type === 'MsgApp') cluster.at(message.to).raw.step(message);
        }
      }
      for (const id of crashing) cluster.at(id).restart();
      cluster.settle();
      const leader = three.find((id) => !crashing.includes(id)) ?? 2;
      if (cluster.at(leader).role !== 'leader') cluster.elect(leader);
      cluster.propose(leader, 'after');
      cluster.tick(4);
      const texts = cluster.at(leader).appliedTexts();
      t.equal(texts[0], 'kept', `crashing: ${crashing.join(' ')}`);
      t.equal(texts.at(-1), 'after');
      for (const id of three) t.same(cluster.at(id).appliedTexts(), texts, `${id} has what all have`);
    }
    t.end();
  },
);

t.test('synchronous mode: the same cluster runs with ready and advance', (t) => {
  const cluster = new Cluster(three, { asyncStorageWrites: false });
  const pump = (): void => {
    for (let busy = true; busy; ) {
      busy = false;
      for (const member of cluster.members.values()) {
        while (member.raw.hasReady()) {
          busy = true;
          const ready = member.raw.ready();
          if (ready.hardState !== null) member.log.setHardState(ready.hardState);
          member.log.append(ready.entries);
          member.applied.push(...ready.committedEntries);
          cluster.post(ready.messages);
          t.notOk(
            ready.messages.some((message) => message.to === member.id),
            'nothing is sent to oneself',
          );
          member.raw.advance();
        }
      }
      for (const message of cluster.inbox.splice(0)) {
        busy = true;
        cluster.deliver(message);
      }
    }
  };
  cluster.at(1).raw.campaign();
  pump();
  cluster.propose(2, 'x');
  pump();
  for (const id of three) t.same(cluster.at(id).appliedTexts(), ['x']);
  cluster.propose(1, 'y');
  cluster.at(1).raw.ready();
  cluster.propose(1, 'z');
  t.throws(() => cluster.at(1).raw.ready(), /each Ready is followed by advance/);
  t.end();
});
