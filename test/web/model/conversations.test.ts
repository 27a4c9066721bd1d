import t from 'tap';
import type { MessageEntry } from '../../../src/protocol/requests.ts';
import {
  afterList,
  afterMessage,
  afterProgress,
  afterReading,
  byAddress,
  type Conversations,
  inOrder,
  newConversation,
  opened,
  replaced,
} from '../../../src/web/model/conversations.ts';
import { markOf, markOfEntry } from '../../../src/web/model/marks.ts';
import { entry, message } from './samples.ts';

const none: Conversations = new Map();

function take(known: Conversations, told: MessageEntry, isSeen = false): Conversations {
  const isCalled = told.text.includes('@ann');
  return afterMessage(known, { message: told, me: 'ann', isSeen, isCalled });
}

t.test('conversations: a message makes its conversation, counts, and comes to the top', async (t) => {
  const team = entry({ conversation: 'g:1', kind: 'group', name: '#team', lastIndex: 500 });
  const listed = afterList(none, [entry(), team]);
  t.same(
    inOrder(listed).map(({ name }) => name),
    ['#team', 'bob', '#lobby'],
  );
  const told = take(listed, message({ sequence: 4, index: 501, text: '@ann look' }));
  const bob = byAddress(told, 'BOB');
  t.equal(bob?.unread, 3);
  t.equal(bob?.isCalled, true);
  t.equal(inOrder(told)[0]?.name, 'bob');
  t.equal(
    byAddress(take(told, message({ sequence: 4, index: 501 })), 'bob')?.unread,
    3,
    'told twice, counted once',
  );
});

t.test('conversations: what one sees or answers is read', async (t) => {
  const listed = afterList(none, [entry()]);
  t.equal(byAddress(take(listed, message({ sequence: 4 }), true), 'bob')?.unread, 0);
  const answered = take(listed, message({ sequence: 4, from: 'ann', to: 'bob' }));
  t.equal(byAddress(answered, 'bob')?.unread, 0, 'writing marks what is above as read');
  const bob = byAddress(listed, 'bob') ?? newConversation('bob');
  t.equal(afterReading(bob, 3).unread, 0);
  t.equal(opened(bob).marker, 2, 'the marker stands before the first unread');
  t.equal(opened(afterReading(bob, 3)).marker, null);
});

t.test(
  'conversations: one that was begun here gets its name with its first message, and its place in the list',
  async (t) => {
    const begun = replaced(none, newConversation('bob'));
    const told = take(begun, message({ from: 'ann', to: 'bob' }));
    t.same([...told.keys()], ['d:1:2']);
    t.equal(told.get('d:1:2')?.window.messages.length, 1);
    const listed = afterList(begun, [entry()]);
    t.same([...listed.keys()], ['d:1:2', 'to:#lobby'], 'and the lobby is there for everyone');
    t.same([...afterList(begun, []).keys()], ['to:bob', 'to:#lobby'], 'unused, it stays');
  },
);

t.test('conversations: the list after an absence shows that more was said', async (t) => {
  const told = take(none, message({ sequence: 1 }));
  const listed = afterList(told, [entry({ lastSequence: 5, unread: 4 })]);
  const bob = byAddress(listed, 'bob');
  t.equal(bob?.window.hasNewer, true);
  t.equal(bob?.unread, 4);
  t.same([...afterList(told, []).keys()], ['to:#lobby'], 'one that is gone goes');
});

t.test(
  'marks: held by the majority, delivered, read; in a direct conversation an answer says that all was read',
  async (t) => {
    const bob = byAddress(afterList(none, [entry()]), 'bob') ?? newConversation('bob');
    t.equal(markOf(bob, 2), 'read');
    t.equal(markOf(bob, 3), 'delivered');
    t.equal(markOf(bob, 4), 'held');
    t.equal(markOf(afterProgress(bob, 'delivered', 4), 4), 'delivered');
    t.equal(markOf(afterProgress(bob, 'read', 4), 4), 'read');
    const answered = byAddress(take(new Map([[bob.id, bob]]), message({ sequence: 4 })), 'bob');
    t.equal(answered === null ? null : markOf(answered, 3), 'read');
    t.equal(markOf({ others: null }, 1), 'held');
  },
);

t.test('marks: what has left waits again while there is no connection', async (t) => {
  t.equal(markOfEntry({ kind: 'sent' }, true), 'sent');
  t.equal(markOfEntry({ kind: 'sent' }, false), 'waiting');
  t.equal(markOfEntry({ kind: 'unknown' }, false), 'unknown');
});
