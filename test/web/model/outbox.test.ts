import t from 'tap';
import {
  afterOwnMessage,
  afterReceipt,
  afterSessionLoss,
  decodeOutbox,
  encodeOutbox,
  largestOutbox,
  repeatable,
} from '../../../src/web/model/outbox.ts';
import { open } from './samples.ts';

const said = { conversation: 'd:1:2', sequence: 7, to: 'bob', text: 'hi' };

t.test(
  'outbox: a confirmed message goes when it is seen in its conversation, whichever comes first',
  async (t) => {
    const sent = [open({ number: 3, state: { kind: 'sent' } })];
    const held = afterReceipt(sent, 'k1', said, false);
    t.equal(held[0]?.state.kind, 'held');
    t.same(afterOwnMessage(held, said), []);

    const told = afterOwnMessage(sent, said);
    t.equal(told[0]?.claimed, 7, 'told before it was answered: shown in its place');
    t.same(afterReceipt(told, 'k1', said, true), []);
  },
);

t.test('outbox: of two equal messages each is taken for one', async (t) => {
  const sent = ['k1', 'k2'].map((key) => open({ key, state: { kind: 'sent' } }));
  const one = afterOwnMessage(sent, said);
  t.same(
    one.map(({ claimed }) => claimed),
    [7, null],
  );
  const same = afterOwnMessage(one, said);
  t.equal(same, one, 'told again, it is known');
  const two = afterOwnMessage(one, { ...said, sequence: 8 });
  t.same(
    two.map(({ claimed }) => claimed),
    [7, 8],
  );
});

t.test('outbox: the same words from another device are no answer', async (t) => {
  const sent = [open({ state: { kind: 'sent' } })];
  const claimed = afterOwnMessage(sent, said);
  const held = afterReceipt(claimed, 'k1', { ...said, sequence: 9 }, false);
  t.equal(held[0]?.claimed, null, 'it stands elsewhere, and is shown again until it is seen there');
  t.same(afterOwnMessage(held, { ...said, sequence: 9 }), []);
  const waiting = [open()];
  t.equal(afterOwnMessage(waiting, said), waiting, 'what has not left cannot have come');
});

t.test('outbox: after a reload what had left is repeated under its number, first', async (t) => {
  const entries = [
    open({ key: 'a' }),
    open({ key: 'b', number: 5, state: { kind: 'sent' } }),
    open({ key: 'c', number: 4, state: { kind: 'sent' } }),
    open({ key: 'd', state: { kind: 'refused', code: 'UNKNOWN_USER', text: '' } }),
    open({ key: 'e', state: { kind: 'held', conversation: 'd:1:2', sequence: 1 } }),
  ];
  const kept = decodeOutbox(encodeOutbox('s1', entries), 's1');
  t.same(
    kept.map(({ key }) => key),
    ['a', 'b', 'c', 'd'],
  );
  t.same(
    repeatable(kept).map(({ key }) => key),
    ['c', 'b', 'a'],
  );
});

t.test('outbox: in another session what had left is unknown, and is not repeated by itself', async (t) => {
  const entries = [open({ key: 'a' }), open({ key: 'b', number: 5, state: { kind: 'sent' } })];
  const kept = decodeOutbox(encodeOutbox('s1', entries), 's2');
  t.same(
    kept.map(({ state }) => state.kind),
    ['waiting', 'unknown'],
  );
  t.same(
    repeatable(kept).map(({ key }) => key),
    ['a'],
  );
  t.same(afterSessionLoss(entries), kept);
});

t.test('outbox: what is no outbox is none, and a file is not kept', async (t) => {
  for (const wrong of [null, '', '{', '[]', '{"v":2}', '{"v":1,"session":"s1","entries":7}']) {
    t.same(decodeOutbox(wrong, 's1'), [], `${wrong}`);
  }
  const file = open({ body: { kind: 'file', name: 'a', bytes: 1, done: 0 } });
  t.same(decodeOutbox(encodeOutbox('s1', [file]), 's1'), []);
  const many = Array.from({ length: largestOutbox + 5 }, (_, at) => open({ key: `${at}` }));
  t.equal(decodeOutbox(encodeOutbox('s1', many), 's1').length, largestOutbox);
});
