/** The checkers of consensus judged: what Raft allows passes, and each planted fault is seen. */
import t from 'tap';
import { LogAgreement, type LogEntry } from './log-agreement.ts';
import { OneLeader } from './one-leader.ts';
import { ReferenceState } from './reference-state.ts';
import { TermsAndVotes } from './term-and-vote.ts';

const entry = (index: number, term: number, hash = index * 100 + term): LogEntry => ({ index, term, hash });
const origin = { index: 0, term: 0 };
const noChanges = {
  puts: new Map<string, Uint8Array>(),
  deletes: new Set<string>(),
  appends: [],
  dropStreams: [],
  trims: [],
};
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

t.test('one leader: another one in a later term, and never in the same', async (t) => {
  const leaders = new OneLeader();
  t.equal(leaders.leads(1, 2), null);
  t.equal(leaders.leads(1, 2), null, 'who says it again leads still');
  t.equal(leaders.leads(2, 3), null);
  t.match(leaders.leads(3, 3), { kind: 'two-leaders' });
  t.equal(leaders.elections, 2);
});

t.test('term and vote: neither is taken back, not even by a crash once it was durable', async (t) => {
  const terms = new TermsAndVotes();
  t.equal(terms.writes(7, { term: 1, vote: 0 }), null);
  t.equal(terms.writes(7, { term: 1, vote: 2 }), null, 'a vote may be given later in the term');
  t.match(terms.writes(7, { term: 1, vote: 3 }), { kind: 'vote-changed' });
  t.match(terms.writes(7, { term: 0, vote: 0 }), { kind: 'term-fell' });
  const others = new TermsAndVotes();
  others.writes(7, { term: 4, vote: 2 });
  t.equal(others.finds(7, { term: 3, vote: 0 }), null, 'what was written and not yet durable may be lost');
  others.writes(7, { term: 4, vote: 2 });
  others.durable(7, { term: 4, vote: 2 });
  t.match(others.finds(7, { term: 4, vote: 0 }), { kind: 'vote-changed' });
});

t.test('term and vote: a vote is promised when it is durable', async (t) => {
  const terms = new TermsAndVotes();
  const promise = { term: 4, vote: 2 };
  t.match(terms.promises(7, promise), { kind: 'not-durable' });
  terms.durable(7, { term: 4, vote: 0 });
  t.match(terms.promises(7, promise), { kind: 'not-durable' });
  terms.writes(7, promise);
  t.match(terms.promises(7, promise), { kind: 'not-durable' }, 'it is on its way');
  terms.durable(7, promise);
  t.equal(terms.promises(7, promise), null);
  t.match(terms.promises(7, { term: 4, vote: 3 }), { kind: 'not-durable' });
  terms.durable(7, { term: 5, vote: 0 });
  t.equal(terms.promises(7, promise), null, 'one that comes late misleads nobody');
});

t.test(
  'log agreement: a follower replaces what was never committed, and equal places are equal',
  async (t) => {
    const logs = new LogAgreement();
    t.equal(logs.appends(1, [entry(1, 1), entry(2, 1)]), null);
    t.equal(logs.appends(2, [entry(1, 1), entry(2, 2)]), null);
    t.equal(logs.appends(1, [entry(2, 2), entry(3, 2)]), null, 'an uncommitted entry is overwritten');
    t.equal(logs.applied(2, 2, 2), null);
    t.equal(logs.applied(1, 2, 2), null);
    t.match(logs.appends(3, [entry(1, 1, 999)]), { kind: 'log-differs' });
  },
);

t.test('log agreement: what is committed stays, at every node that knows it', async (t) => {
  const logs = new LogAgreement();
  logs.appends(1, [entry(1, 1), entry(2, 1)]);
  logs.applied(1, 2, 1);
  t.match(logs.appends(1, [entry(2, 3)]), { kind: 'committed-changed' });
  logs.appends(2, [entry(1, 1), entry(2, 3)]);
  t.match(logs.applied(2, 2, 3), { kind: 'committed-changed' });
  t.match(logs.restarts(3, { index: 2, term: 3 }, false), { kind: 'committed-changed' });
  t.equal(logs.restarts(4, { index: 2, term: 1 }, false), null);
});

t.test('log agreement: no append takes a committed entry off the end', async (t) => {
  const logs = new LogAgreement();
  logs.appends(1, [entry(1, 1), entry(2, 1), entry(3, 1)]);
  t.equal(logs.appends(1, [entry(2, 1)]), null, 'what was not committed may go');
  logs.appends(1, [entry(3, 1)]);
  logs.applied(2, 0, 0);
  logs.appends(2, [entry(1, 1), entry(2, 1), entry(3, 1)]);
  logs.applied(2, 3, 1);
  t.match(logs.appends(1, [entry(2, 1)]), { kind: 'committed-changed' }, 'not even before this node knows');
});

t.test('log agreement: one change of members at a time enters the log', async (t) => {
  const logs = new LogAgreement();
  const change = (index: number): LogEntry => ({ ...entry(index, 1), changesMembers: true });
  t.equal(logs.appends(1, [change(1), entry(2, 1)]), null);
  t.match(logs.appends(1, [change(3)]), { kind: 'two-changes' });
  logs.applied(1, 3, 1);
  t.equal(logs.appends(1, [change(4)]), null, 'after the one before was applied');
  t.equal(
    logs.appends(2, [change(1), entry(2, 1), change(3), change(4)]),
    null,
    'who takes them over made none',
  );
});

t.test('log agreement: a restart finds all that was told to be durable', async (t) => {
  const logs = new LogAgreement();
  logs.appends(1, [entry(1, 1), entry(2, 1), entry(3, 1)]);
  logs.durable(1, entry(2, 1));
  t.equal(logs.finds(1, origin, [entry(1, 1), entry(2, 1)]), null, 'the third was never durable');
  t.match(logs.finds(1, origin, [entry(1, 1)]), { kind: 'not-durable' });
  logs.forgets(1);
  t.equal(logs.finds(1, origin, []), null, 'another disk owes nothing');
});

t.test('reference state: answers, rows and records of every node are its own', async (t) => {
  const state = new ReferenceState();
  state.record(1, 11, { ...noChanges, puts: new Map([['a/1', text('ann')]]) });
  state.record(3, 13, {
    ...noChanges,
    puts: new Map([['a/1', text('bob')]]),
    appends: [{ stream: 'd', sequence: 1, record: text('hi') }],
  });
  t.equal(state.answers(2, 3, 13), null);
  t.match(state.answers(2, 3, 14), { kind: 'state-differs' });
  const loaded = new ReferenceState();
  loaded.record(1, 11, {
    ...noChanges,
    puts: new Map([
      ['a/1', text('ann')],
      ['a/2', text('cat')],
    ]),
  });
  loaded.record(2, 12, { ...noChanges, deletes: new Set(['a/2']) });
  const checksums = (rows: Record<string, string>): Map<string, number> => {
    const other = new ReferenceState();
    other.record(1, 0, {
      ...noChanges,
      puts: new Map(Object.entries(rows).map(([key, value]) => [key, text(value)])),
    });
    return other.rowsAt(1);
  };
  t.equal(loaded.loads(2, 1, checksums({ 'a/1': 'ann', 'a/2': 'cat' })), null);
  t.equal(loaded.loads(2, 2, checksums({ 'a/1': 'ann' })), null);
  t.match(loaded.loads(2, 2, checksums({ 'a/1': 'ann', 'a/2': 'cat' })), { text: /a\/2 should be gone/ });
  t.match(loaded.loads(2, 1, checksums({ 'a/1': 'ann' })), { text: /a\/2 is missing/ });
  t.match(loaded.loads(2, 1, checksums({ 'a/1': 'eve', 'a/2': 'cat' })), {
    text: /is not what it should be/,
  });
  t.match(loaded.loads(2, 2, checksums({ 'a/1': 'ann', 'a/9': 'x' })), { text: /should not be there/ });
  t.equal(state.reads(2, 'd', [text('hi')]), null);
  t.match(state.reads(2, 'd', []), { kind: 'state-differs' });
  t.match(state.reads(2, 'd', [text('ho')]), { kind: 'state-differs' });
});
