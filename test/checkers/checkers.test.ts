/** The oracle judged: for each checker a correct history passes and every planted fault is seen. */
import t from 'tap';
import type { History, HistoryEvent, Violation, ViolationKind } from './history.ts';
import { checkLosses } from './losses.ts';
import { checkNoPhantom } from './no-phantom.ts';
import { checkOnePayload } from './one-payload.ts';
import { checkOutcomes } from './outcomes.ts';
import { checkReaderOrder } from './reader-order.ts';
import { checkRealTime } from './real-time.ts';
import { checkUniqueSequence } from './unique-sequence.ts';
import { judge } from './verdict.ts';

const conversation = 'd:1:2';
const atMs = 0;
const invoke = (client: string, n: number, text = `${client}-${n}`): HistoryEvent => ({
  kind: 'invoke',
  client,
  n,
  to: 'bob',
  text,
  atMs,
});
const ack = (client: string, n: number, sequence: number, place = conversation): HistoryEvent => ({
  kind: 'ack',
  client,
  n,
  conversation: place,
  sequence,
  atMs,
});
const unknown = (client: string, n: number): HistoryEvent => ({ kind: 'unknown', client, n, atMs });
const rejected = (client: string, n: number): HistoryEvent => ({
  kind: 'rejected',
  client,
  n,
  code: 'BUSY',
  atMs,
});
const read = (reader: string, sequence: number, payload: string, index = sequence * 10): HistoryEvent => ({
  kind: 'read',
  reader,
  conversation,
  sequence,
  payload,
  index,
  atMs,
});
const begin = (reader: string): HistoryEvent => ({ kind: 'begin', reader, conversation, atMs });
const complete = (reader: string): HistoryEvent => ({ kind: 'complete', reader, conversation, atMs });

/** Two writers at once, a retry, an unknown that happened, one that did not, a rejection, two subscribers and two scans. */
const correct: History = [
  invoke('ann', 1),
  invoke('bob', 1),
  ack('bob', 1, 1),
  read('live', 1, 'bob-1'),
  ack('ann', 1, 2),
  ack('ann', 1, 2),
  read('live', 2, 'ann-1'),
  begin('early'),
  read('early', 1, 'bob-1'),
  read('early', 2, 'ann-1'),
  invoke('ann', 2),
  unknown('ann', 2),
  complete('early'),
  invoke('bob', 2),
  unknown('bob', 2),
  invoke('bob', 3),
  rejected('bob', 3),
  invoke('ann', 3),
  ack('ann', 3, 4),
  read('live', 3, 'ann-2'),
  read('live', 4, 'ann-3'),
  complete('live'),
  begin('newest two'),
  read('newest two', 3, 'ann-2'),
  read('newest two', 4, 'ann-3'),
  complete('newest two'),
];

/** `correct` with the events at one place replaced. */
const planted = (at: HistoryEvent, ...instead: readonly HistoryEvent[]): History => {
  const index = correct.findIndex((event) => JSON.stringify(event) === JSON.stringify(at));
  if (index < 0) throw new Error('the correct history has no such event');
  return correct.toSpliced(index, 1, ...instead);
};

const kinds = (violations: readonly Violation[]): ViolationKind[] =>
  violations.map((violation) => violation.kind);

t.test('oracle: a correct history has no fault and its figures are counted', async (t) => {
  t.same(judge(correct), {
    acknowledged: 3,
    unknown: 2,
    rejected: 1,
    lost: 0,
    duplicated: 0,
    reordered: 0,
    others: 0,
    violations: [],
  });
  t.same(judge([]).violations, []);
});

t.test(
  'unique sequence: a retry told another place, a place told twice and an answer to nothing',
  async (t) => {
    t.same(checkUniqueSequence(correct), []);
    const retried = checkUniqueSequence([...correct, ack('ann', 1, 5)]);
    t.same(kinds(retried), ['duplicated']);
    t.match(retried[0]?.text, /ann #1 .* d:1:2\/2 .* d:1:2\/5/);
    t.same(kinds(checkUniqueSequence([...correct, ack('ann', 2, 1)])), ['diverged']);
    t.same(kinds(checkUniqueSequence([ack('ann', 1, 1), invoke('ann', 1)])), ['phantom']);
  },
);

t.test('one payload: readers that disagree about a text or an index, and indexes that fall', async (t) => {
  t.same(checkOnePayload(correct), []);
  t.same(kinds(checkOnePayload([...correct, read('late', 2, 'ann-2')])), ['diverged']);
  t.ok(kinds(checkOnePayload([...correct, read('late', 2, 'ann-1', 21)])).includes('diverged'));
  t.same(kinds(checkOnePayload([read('live', 1, 'a', 20), read('live', 2, 'b', 10)])), ['diverged']);
});

t.test('reader order: a gap, a duplicate, an inversion and a start behind the start', async (t) => {
  t.same(checkReaderOrder(correct), []);
  t.same(kinds(checkReaderOrder(planted(read('live', 3, 'ann-2')))), ['lost']);
  t.same(kinds(checkReaderOrder([...correct, read('live', 4, 'ann-3')])), ['duplicated']);
  t.same(kinds(checkReaderOrder([read('r', 1, 'a'), read('r', 3, 'c'), read('r', 2, 'b')])), ['reordered']);
  t.same(kinds(checkReaderOrder([read('r', 2, 'b'), read('r', 1, 'a')])), ['reordered']);
  t.equal(
    checkReaderOrder([read('r', 1, 'a'), read('r', 2 ** 50, 'z')]).length,
    100,
    'a huge gap stays bounded',
  );
});

t.test('no phantom: a text that nobody sent, or read before it was sent', async (t) => {
  t.same(checkNoPhantom(correct), []);
  t.same(kinds(checkNoPhantom([...correct, read('live', 5, 'eve-1')])), ['phantom']);
  t.same(kinds(checkNoPhantom([read('live', 1, 'ann-1'), invoke('ann', 1)])), ['phantom']);
});

t.test(
  'real time: a later send in front of an acknowledged one, even when they overlap a third',
  async (t) => {
    t.same(checkRealTime(correct), []);
    const inverted = checkRealTime(planted(ack('ann', 3, 4), ack('ann', 3, 1)));
    t.same(kinds(inverted), ['reordered']);
    t.match(inverted[0]?.text, /ann #3 got d:1:2\/1, but began after ann #1 had been acknowledged at 2/);
    const long = [
      invoke('slow', 1),
      invoke('a', 1),
      ack('a', 1, 7),
      invoke('b', 1),
      ack('b', 1, 6),
      ack('slow', 1, 1),
    ];
    t.same(kinds(checkRealTime(long)), ['reordered'], 'the send that overlaps both may stand anywhere');
    const elsewhere = [invoke('a', 1), ack('a', 1, 7), invoke('b', 1), ack('b', 1, 1, 'd:1:3')];
    t.same(checkRealTime(elsewhere), [], 'another conversation has its own order');
  },
);

t.test(
  'outcomes: an unknown that happened twice, a rejected one that happened, both answers to one',
  async (t) => {
    t.same(checkOutcomes(correct), []);
    t.same(kinds(checkOutcomes([...correct, read('live', 5, 'ann-2')])), ['duplicated']);
    t.same(kinds(checkOutcomes([...correct, read('live', 5, 'ann-3')])), ['duplicated']);
    t.same(kinds(checkOutcomes([...correct, read('live', 5, 'bob-3')])), ['rejected-applied']);
    t.same(kinds(checkOutcomes([...correct, rejected('ann', 1)])), ['diverged']);
    const twins = [invoke('a', 1, 'hi'), invoke('a', 2, 'hi'), read('r', 1, 'hi'), read('r', 2, 'hi')];
    t.same(checkOutcomes(twins), [], 'a text sent twice may stand twice');
  },
);

t.test(
  'losses: a message missing at a subscriber or a scan, another text in its place, an old read',
  async (t) => {
    t.same(checkLosses(correct), []);
    t.same(kinds(checkLosses(planted(read('live', 4, 'ann-3')))), ['lost']);
    t.same(kinds(checkLosses(planted(read('live', 1, 'bob-1')))), ['lost'], 'also from the beginning');
    t.same(kinds(checkLosses(planted(read('live', 4, 'ann-3'), read('live', 4, 'eve-9')))), ['lost']);
    t.same(kinds(checkLosses(planted(read('newest two', 4, 'ann-3')))), ['stale'], 'others have it');
    const nowhere = correct.filter((event) => event.kind !== 'read' || event.payload !== 'ann-3');
    t.same(kinds(checkLosses(nowhere)), ['lost', 'lost']);
    const acknowledgedMeanwhile = [invoke('a', 1), begin('scan'), ack('a', 1, 1), complete('scan')];
    t.same(
      checkLosses(acknowledgedMeanwhile),
      [],
      'a scan need not show what was acknowledged after it began',
    );
    const nothing = [invoke('a', 1), ack('a', 1, 1), begin('scan'), complete('scan')];
    t.same(kinds(checkLosses(nothing)), ['lost'], 'an empty scan misses all');
  },
);

t.test('verdict: faults are counted by kind, and each has its explanation', async (t) => {
  const verdict = judge([
    ...planted(read('live', 3, 'ann-2')),
    read('live', 4, 'ann-3'),
    read('x', 9, 'eve'),
  ]);
  t.match(verdict, { lost: 1, duplicated: 1, reordered: 0, others: 1 });
  t.equal(verdict.violations.length, 3);
});
