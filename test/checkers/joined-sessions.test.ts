import t from 'tap';
import type { HistoryEvent } from './history.ts';
import { checkJoinedSessions, type Reading } from './joined-sessions.ts';

const conversation = 'd:1:2';
const atMs = 0;
const texts = ['', 'one', 'two', 'three', 'four'];
const said = [1, 2, 3, 4].flatMap((n): HistoryEvent[] => [
  { kind: 'invoke', client: 'ann', n, to: 'bob', text: texts[n] ?? '', atMs },
  { kind: 'ack', client: 'ann', n, conversation, sequence: n, atMs },
]);
const reads = (reader: string, ...sequences: number[]): HistoryEvent[] =>
  sequences.map((sequence) => ({
    kind: 'read',
    reader,
    conversation,
    sequence,
    payload: texts[sequence] ?? '',
    index: sequence,
    atMs,
  }));
const bob: Reading = { person: 'bob', sessions: ['bob', 'bob, session 2'], conversations: [conversation] };
const kinds = (history: readonly HistoryEvent[], reading = bob): readonly string[] =>
  checkJoinedSessions([...said, ...history], [reading]).map(({ kind }) => kind);

t.test('joined sessions: the next one goes on where the last one was, or a little before', async (t) => {
  t.same(kinds([...reads('bob', 1, 2), ...reads('bob, session 2', 3, 4)]), []);
  t.same(kinds([...reads('bob', 1, 2, 3), ...reads('bob, session 2', 2, 3, 4)]), []);
  t.same(kinds(reads('bob, session 2', 1, 2, 3, 4)), [], 'had nothing in the first one');
});

t.test('joined sessions: what neither of two sessions was shown, in between and at the end', async (t) => {
  t.same(kinds([...reads('bob', 1, 2), ...reads('bob, session 2', 4)]), ['lost', 'lost']);
  t.same(kinds([...reads('bob', 1, 2), ...reads('bob, session 2', 3)]), ['lost']);
  t.same(kinds([...reads('bob', 1), ...reads('bob, session 2', 3, 4), ...reads('bob', 2)]), ['reordered']);
});

t.test(
  'joined sessions: a single session is judged elsewhere, and other readers are none of a person',
  async (t) => {
    t.same(kinds(reads('bob', 1), { ...bob, sessions: ['bob'] }), []);
    t.same(kinds([...reads('bob', 1, 2), ...reads('cat', 3), ...reads('bob, session 2', 4)]), [
      'lost',
      'lost',
    ]);
  },
);
