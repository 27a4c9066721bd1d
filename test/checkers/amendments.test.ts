import t from 'tap';
import { type AmendmentEvent, type Change, checkAmendments } from './amendments.ts';

const place = 'd:1:2/7';
const ask = (id: number, change: Change): AmendmentEvent => ({ kind: 'ask', id, place, change });
const told = (id: number, revision: number): AmendmentEvent => ({ kind: 'told', id, revision });
const shown = (revision: number, text: string | null, since: number | null = null): AmendmentEvent => {
  return { kind: 'shown', reader: 'ann', place, revision, original: 'hi', text, since };
};
const kinds = (...events: readonly AmendmentEvent[]): readonly string[] =>
  checkAmendments(events).map(({ kind }) => kind);

t.test('amendments: edits, reactions and a deletion that everybody sees alike', async (t) => {
  const events = [
    shown(0, 'hi'),
    ask(1, { text: 'ho' }),
    shown(1, 'ho'),
    told(1, 1),
    shown(1, 'ho', 4),
    ask(2, 'reaction'),
    told(2, 2),
    shown(2, 'ho', 7),
    ask(3, 'deleted'),
    told(3, 3),
    shown(3, null, 10),
  ];
  t.same(kinds(...events), []);
  t.same(kinds(...events, shown(2, 'ho')), [], 'who is told late was not asked');
});

t.test('amendments: a text that nobody asked for, and a deletion', async (t) => {
  t.same(kinds(shown(1, 'ho')), ['phantom']);
  t.same(kinds(ask(1, { text: 'ho' }), shown(1, null)), ['phantom']);
  t.same(kinds(shown(1, 'ho'), ask(1, { text: 'ho' })), ['phantom'], 'before it was asked for');
});

t.test('amendments: two texts at one revision', async (t) => {
  const asks = [ask(1, { text: 'ho' }), ask(2, { text: 'hu' })];
  t.same(kinds(...asks, shown(1, 'ho'), shown(1, 'hu')), ['diverged']);
  t.same(kinds(...asks, told(1, 1), shown(1, 'hu')), ['diverged'], 'its author was told of another');
});

t.test('amendments: a read that misses what was acknowledged before it', async (t) => {
  const events = [ask(1, { text: 'ho' }), told(1, 4)];
  t.same(kinds(...events, shown(0, 'hi', 2)), ['stale']);
  t.same(kinds(...events, shown(0, 'hi', 1)), [], 'it was asked before');
});

t.test('amendments: what was refused is shown', async (t) => {
  t.same(kinds(ask(1, { text: 'ho' }), { kind: 'refused', id: 1, code: 'UNAVAILABLE' }, shown(1, 'ho')), [
    'rejected-applied',
  ]);
});

t.test('amendments: a message that is said to be gone was deleted by somebody', async (t) => {
  const gone: AmendmentEvent = { kind: 'refused', id: 2, code: 'UNKNOWN_MESSAGE' };
  const edit = ask(2, { text: 'ho' });
  t.same(kinds(edit, gone), ['refused']);
  t.same(kinds(ask(1, 'deleted'), edit, gone), []);
  t.same(kinds(edit, ask(1, 'deleted'), gone), [], 'while it was asked');
});
