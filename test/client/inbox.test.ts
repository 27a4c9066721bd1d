import t from 'tap';
import { Inbox, largestInbox } from '../../src/client/inbox.ts';
import type { AmendedEntry } from '../../src/protocol/amendments.ts';
import type { MessageEntry } from '../../src/protocol/requests.ts';

function message(sequence: number, index: number): MessageEntry {
  const names = { from: 'ann', to: 'bob', text: `m${sequence}` };
  return { conversation: 'd:1:2', sequence, index, number: sequence, sentMs: 0, ...names };
}

function amended(revision: number, index: number): AmendedEntry {
  const place = { conversation: 'd:1:2', sequence: 1, by: 'ann', amendedMs: 0 };
  return { ...place, revision, index, text: `r${revision}`, editedMs: 0 };
}

function inbox() {
  const heard: string[] = [];
  let rooms = 0;
  const made = new Inbox({
    onHandled: () => undefined,
    onAmended: ({ revision }) => heard.push(`r${revision}`),
    onRoom: () => {
      rooms += 1;
    },
  });
  return { inbox: made, heard, rooms: () => rooms };
}

t.test(
  'inbox: amendments come once, between the messages, behind the handler of the one before',
  async (t) => {
    const { inbox: box, heard } = inbox();
    const done: (() => void)[] = [];
    box.setHandler(({ text }) => {
      heard.push(text);
      return new Promise((resolve) => done.push(resolve));
    });
    box.take(message(1, 10));
    box.takeAmended(amended(1, 11));
    box.takeAmended(amended(1, 11));
    box.take(message(2, 12));
    t.same(heard, ['m1'], 'the first message is being handled');
    t.equal(box.received, 12);
    done.shift()?.();
    await new Promise(setImmediate);
    t.same(heard, ['m1', 'r1', 'm2']);
    t.equal(box.handled, 11);
    // A connection that begins again behind an earlier cursor.
    box.deliveryBegins();
    box.takeAmended(amended(1, 11));
    box.takeAmended(amended(3, 14));
    done.shift()?.();
    await new Promise(setImmediate);
    t.same(heard, ['m1', 'r1', 'm2', 'r3']);
    t.equal(box.cursor, 14);
  },
);

t.test(
  'inbox: a later program goes on behind what the handler has had, not behind what has come',
  async (t) => {
    const { inbox: box } = inbox();
    const done: (() => void)[] = [];
    const handled = async (): Promise<void> => {
      done.shift()?.();
      await new Promise(setImmediate);
    };
    box.setHandler(() => new Promise((resolve) => done.push(resolve)));
    box.take(message(1, 10));
    box.take(message(2, 12));
    t.equal(box.cursor, undefined, 'nothing was had');
    await handled();
    t.equal(box.cursor, 10);
    await handled();
    t.equal(box.cursor, 12);
    box.caughtUpTo(15);
    t.equal(box.cursor, 15, 'what lies between concerns others');
    // As after a restart of the program: what it had then it has had.
    box.reset(12);
    box.take(message(3, 17));
    t.equal(box.cursor, 12);
    await handled();
    t.equal(box.cursor, 17);
  },
);

t.test(
  'inbox: without a handler of messages amendments are told, as far as no message waits before them',
  (t) => {
    const { inbox: box, heard } = inbox();
    box.takeAmended(amended(1, 5));
    box.take(message(1, 6));
    box.takeAmended(amended(2, 7));
    t.same(heard, ['r1']);
    box.setHandler(({ text }) => void heard.push(text));
    t.same(heard, ['r1', 'm1', 'r2']);
    t.end();
  },
);

t.test('inbox: an amendment behind what was left on the server is left there, too', (t) => {
  const { inbox: box, heard, rooms } = inbox();
  for (let at = 1; at <= largestInbox + 1; at++) box.take(message(at, at));
  box.takeAmended(amended(1, largestInbox + 2));
  t.equal(box.received, largestInbox, 'delivery goes on behind the last one taken in');
  box.setHandler(() => undefined);
  t.equal(rooms(), 1);
  t.same(heard, []);
  box.takeAmended(amended(1, largestInbox + 2));
  t.same(heard, ['r1'], 'told again, it is news');
  t.end();
});
