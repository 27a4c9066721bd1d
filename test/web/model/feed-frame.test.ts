import t from 'tap';
import { newConversation } from '../../../src/web/model/conversations.ts';
import { FeedFrame } from '../../../src/web/model/feed-frame.ts';
import { RowHeights } from '../../../src/web/model/row-heights.ts';
import { rowsOf } from '../../../src/web/model/timeline.ts';
import { message, open } from './samples.ts';

function keys(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, at) => `m${from + at}`);
}

t.test(
  'heights: where a row lies and which row lies where, as rows turn out other than estimated',
  async (t) => {
    const heights = new RowHeights(() => 50);
    heights.setKeys(keys(1, 1_000));
    t.equal(heights.total, 50_000);
    t.equal(heights.offsetOf(10), 500);
    t.equal(heights.rowAt(499), 9);
    t.equal(heights.rowAt(500), 10);
    t.equal(heights.rowAt(-5), 0);
    t.equal(heights.rowAt(1e9), 999);
    t.ok(heights.measure(3, 250));
    t.notOk(heights.measure(3, 250));
    t.equal(heights.total, 50_200);
    t.equal(heights.rowAt(200), 3);
    t.equal(heights.rowAt(400), 4);
    const plain = Array.from({ length: 1_000 }, (_, row) => (row === 3 ? 250 : 50));
    let sum = 0;
    const wrong = plain.filter((height, row) => {
      const isRight = heights.offsetOf(row) === sum && heights.rowAt(sum) === row;
      sum += height;
      return !isRight;
    });
    t.same(wrong, [], 'as adding them up one by one');
  },
);

t.test('heights: what was measured is known when rows come before it', async (t) => {
  const heights = new RowHeights(() => 50);
  heights.setKeys(keys(11, 20));
  heights.measure(0, 80);
  heights.setKeys(keys(1, 20));
  t.equal(heights.offsetOf(11), 580);
  heights.setKeys([]);
  t.equal(heights.total, 0);
});

t.test('feed: held at the end, it stays there as messages come', async (t) => {
  const frame = new FeedFrame(() => 50);
  frame.heights.setKeys(keys(1, 100));
  t.equal(frame.scrollTop(500), 4_500);
  frame.heights.setKeys(keys(1, 101));
  t.equal(frame.scrollTop(500), 4_550);
  t.ok(frame.isAtEnd(500));
  const { start, end } = frame.range(500);
  t.ok(start > 0 && end === 101, 'few rows are drawn');
});

t.test(
  'feed: where one reads stays where it is as older ones come before it and rows turn out higher',
  async (t) => {
    const frame = new FeedFrame(() => 50);
    frame.heights.setKeys(keys(51, 150));
    frame.scrolled({ scrollTop: 1_020, height: 500 }, () => true, false);
    t.notOk(frame.isAtEnd(500));
    t.equal(frame.scrollTop(500), 1_020);
    frame.heights.setKeys(keys(1, 150));
    t.equal(frame.scrollTop(500), 1_020 + 50 * 50);
    frame.heights.measure(2, 90);
    t.equal(frame.scrollTop(500), 1_020 + 50 * 50 + 40);
    frame.scrolled({ scrollTop: 7_030, height: 500 }, () => true, false);
    t.ok(frame.isAtEnd(500), 'scrolled to the end it is held there');
  },
);

t.test('feed: at the end of what is loaded, but not of what was said, it is not held there', async (t) => {
  const frame = new FeedFrame(() => 50);
  frame.heights.setKeys(keys(1, 100));
  frame.scrolled({ scrollTop: 4_500, height: 500 }, () => true, true);
  frame.heights.setKeys(keys(1, 200));
  t.equal(frame.scrollTop(500), 4_500);
});

t.test('timeline: days, the marker of what is unread, who goes on, and what is not confirmed', async (t) => {
  const day = 86_400_000;
  const start = 20_000 * day;
  const messages = [
    message({ sequence: 1, sentMs: start }),
    message({ sequence: 2, sentMs: start + 1_000 }),
    message({ sequence: 3, sentMs: start + day, from: 'ann', to: 'bob' }),
    message({ sequence: 4, sentMs: start + day + 1_000 }),
  ];
  const conversation = {
    ...newConversation('bob', 'd:1:2'),
    unread: 1,
    marker: 4,
    window: { messages, hasOlder: false, hasNewer: false },
  };
  const outbox = [open(), open({ key: 'k2', to: 'cy' }), open({ key: 'k3', claimed: 3 })];
  const rows = rowsOf(conversation, outbox, 'ann', (atMs) => Math.floor(atMs / day));
  t.same(
    rows.map((row) => (row.kind === 'message' ? `${row.key}${row.isContinued ? '+' : ''}` : row.key)),
    ['start', 'd20000', 'm1', 'm2+', 'd20001', 'm3', 'unread', 'm4', 'ok1'],
  );
});
