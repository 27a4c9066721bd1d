import t from 'tap';
import type { MessageEntry } from '../../../src/protocol/requests.ts';
import {
  emptyWindow,
  largestWindow,
  type MessageWindow,
  messageAt,
  trimmed,
  windowAround,
  windowOfNewest,
  withLive,
  withNewer,
  withOlder,
  withReplaced,
} from '../../../src/web/model/message-window.ts';
import { message } from './samples.ts';

function run(from: number, to: number): MessageEntry[] {
  return Array.from({ length: to - from + 1 }, (_, at) => message({ sequence: from + at }));
}

function ends({ messages, hasOlder, hasNewer }: MessageWindow) {
  return [messages[0]?.sequence, messages.at(-1)?.sequence, hasOlder, hasNewer];
}

t.test('window: the newest messages, and older ones before them until the first', async (t) => {
  const newest = windowOfNewest(run(51, 100), 50);
  t.same(ends(newest), [51, 100, true, false]);
  const more = withOlder(newest, run(11, 50), 40);
  t.same(ends(more), [11, 100, true, false]);
  t.same(ends(withOlder(more, run(1, 10), 40)), [1, 100, false, false]);
  t.same(ends(windowOfNewest(run(1, 50), 50)), [1, 50, false, false], 'a full page that begins at the first');
});

t.test('window: what is said now goes on top, once, and never over a gap', async (t) => {
  const window = windowOfNewest(run(1, 3), 50);
  const live = withLive(withLive(window, message({ sequence: 4 })), message({ sequence: 4 }));
  t.same(ends(live), [1, 4, false, false]);
  t.same(
    ends(withLive(live, message({ sequence: 6 }))),
    [1, 4, false, true],
    'the gap is seen, and asked for',
  );
  t.same(ends(withLive(emptyWindow, message({ sequence: 9 }))), [9, 9, true, false]);
});

t.test('window: in the past new messages wait until one has come down to them', async (t) => {
  const past = windowAround(run(10, 49), 200);
  t.same(ends(past), [10, 49, true, true]);
  t.same(ends(withLive(past, message({ sequence: 201 }))), [10, 49, true, true]);
  const further = withNewer(past, run(50, 149), 201);
  t.same(ends(further), [10, 149, true, true]);
  t.same(ends(withNewer(further, run(150, 201), 201)), [10, 201, true, false]);
  t.same(ends(withNewer(further, [], 201)), [10, 149, true, false], 'what is gone is not waited for');
});

t.test('window: it is bounded, at whichever end one is not', async (t) => {
  const full = windowOfNewest(run(101, 100 + largestWindow), largestWindow);
  const down = withNewer(full, run(101 + largestWindow, 110 + largestWindow), 110 + largestWindow);
  t.same(ends(down), [111, 110 + largestWindow, true, false]);
  t.same(ends(withOlder(full, run(91, 100), 10)), [91, 90 + largestWindow, true, true]);
  t.same(ends(trimmed(windowOfNewest(run(1, 500), 500), 200)), [301, 500, true, false]);
});

t.test('window: a message is found and replaced by its sequence', async (t) => {
  const window = windowOfNewest(run(5, 9), 5);
  t.equal(messageAt(window, 7)?.sequence, 7);
  t.equal(messageAt(window, 4), null);
  t.equal(messageAt(window, 10), null);
  const changed = withReplaced(window, message({ sequence: 7, text: 'other' }));
  t.equal(messageAt(changed, 7)?.text, 'other');
  t.equal(withReplaced(window, message({ sequence: 70 })), window);
});
