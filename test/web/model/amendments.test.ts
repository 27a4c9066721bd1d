import t from 'tap';
import { afterAmendment, lastEditable, mayDelete, mayEdit } from '../../../src/web/model/amendments.ts';
import { newConversation } from '../../../src/web/model/conversations.ts';
import { windowOfNewest } from '../../../src/web/model/message-window.ts';
import { message } from './samples.ts';

const file = { id: 9, name: 'a.png', type: 'image/png', bytes: 3, manifest: 'a'.repeat(64) };
const conversation = {
  ...newConversation('bob', 'd:1:2'),
  window: windowOfNewest([message({ sequence: 1, file }), message({ sequence: 2, from: 'ann' })], 50),
};
const about = { conversation: 'd:1:2', index: 200, by: 'ann', amendedMs: 5 } as const;

t.test('amendments: each puts the whole of what it changes in the place of what was there', async (t) => {
  const edited = afterAmendment(conversation, {
    ...about,
    sequence: 2,
    revision: 1,
    text: 'new',
    editedMs: 5,
  });
  t.match(edited.window.messages[1], { text: 'new', editedMs: 5, revision: 1 });
  const reactions = [{ reaction: '👍', users: ['bob', 'ann'] }];
  const reacted = afterAmendment(edited, { ...about, sequence: 2, revision: 2, reactions });
  t.match(reacted.window.messages[1], { text: 'new', reactions, revision: 2 });
  const gone = afterAmendment(reacted, { ...about, sequence: 1, revision: 3, deleted: true });
  t.equal(gone.window.messages[0]?.file, undefined);
  t.equal(gone.window.messages[0]?.deleted, true);
  t.equal(conversation.window.messages[1]?.text, 'text 2', 'what was drawn is not touched');
});

t.test('amendments: one that is known, or of a message that is not loaded, changes nothing', async (t) => {
  const edit = { ...about, sequence: 2, revision: 4, text: 'new', editedMs: 5 };
  const edited = afterAmendment(conversation, edit);
  t.equal(afterAmendment(edited, { ...edit, text: 'again' }), edited);
  t.equal(afterAmendment(edited, { ...edit, revision: 3, text: 'older' }), edited);
  t.equal(afterAmendment(edited, { ...edit, sequence: 77, revision: 9 }), edited);
});

t.test(
  'amendments: a text is its author’s to change, and the last one is what arrow up goes to',
  async (t) => {
    const [theirs, own] = conversation.window.messages;
    t.ok(own !== undefined && mayEdit(own, 'ann') && mayDelete(own, 'ann', false));
    t.notOk(theirs === undefined || mayEdit(theirs, 'ann') || mayDelete(theirs, 'ann', false));
    t.ok(theirs !== undefined && mayDelete(theirs, 'ann', true), 'the owner of the group may');
    t.notOk(mayEdit(message({ from: 'ann', file }), 'ann'), 'a file has no text');
    t.notOk(mayDelete(message({ from: 'ann', deleted: true }), 'ann', true));
    t.equal(lastEditable(conversation, 'ann')?.sequence, 2);
    t.equal(lastEditable(conversation, 'cy'), null);
  },
);
