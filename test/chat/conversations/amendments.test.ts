import t from 'tap';
import { limits } from '../../../src/base/limits.ts';
import { decodeAmendment } from '../../../src/chat/codecs/amendment-codec.ts';
import { decodeProposal, encodeProposal } from '../../../src/chat/codecs/codec.ts';
import { formatOf } from '../../../src/chat/codecs/command-format.ts';
import { amendmentStream } from '../../../src/chat/conversations/amendments.ts';
import type {
  Amendment,
  AmendmentCommand,
  MessageReference,
} from '../../../src/chat/vocabulary/amendment-types.ts';
import type { AccountId } from '../../../src/chat/vocabulary/types.ts';
import { type Answer, numbering, said, textTo, World } from '../support/world.ts';

const digest = 'a'.repeat(64);
const quota = { fileBytes: 1e6, accountBytes: 1e6, clusterBytes: 1e6 };

/** Ann owns a group that bob is in and cleo is not; a message of each of the two stands in it, and one of ann's in a direct conversation. */
function team() {
  const world = new World();
  const [ann, bob, cleo] = ['ann', 'bob', 'cleo'].map((name) => world.register(name));
  if (ann === undefined || bob === undefined || cleo === undefined) throw new Error('three accounts');
  world.raw({ kind: 'create-group', name: 'team', passwordHash: null }, ann);
  world.raw({ kind: 'join-group', name: 'team', seen: null, create: false, passwordHash: null }, bob);
  const send = (from: AccountId, to: string, text: string): MessageReference => {
    const { result } = world.raw(textTo(to, text), from);
    if (!result.ok || result.receipt.kind !== 'sent') throw new Error(`not sent: ${text}`);
    const { conversation, sequence, index } = result.receipt;
    return { conversation, sequence, index, from };
  };
  const ofAnn = send(ann, '#team', 'by ann');
  const ofBob = send(bob, '#team', 'by bob');
  const direct = send(ann, 'bob', 'between us');
  return { world, ann, bob, cleo, ofAnn, ofBob, direct, send };
}

function revisionOf({ result }: Answer): number {
  if (!result.ok || result.receipt.kind !== 'amended') throw new Error('not amended');
  return result.receipt.revision;
}

function amendmentsOf(world: World, conversation: string): readonly Amendment[] {
  world.store();
  const records = world.streams.get(amendmentStream(conversation)) ?? [];
  return records.map((record, at) => decodeAmendment(conversation, at + 1, record));
}

function edit(message: MessageReference, text: string): AmendmentCommand {
  return { kind: 'edit-message', message, text };
}

function react(message: MessageReference, reaction: string, present = true): AmendmentCommand {
  return { kind: 'react', message, reaction, present };
}

t.test('edit-message: its author changes a text, and the record of the message stays', (t) => {
  const { world, ann, bob, cleo, ofAnn } = team();
  const { conversation } = ofAnn;
  const before = world.machine.conversation(conversation)?.lastSequence;
  const answer = world.raw(edit(ofAnn, 'better'), ann);
  t.match(answer.result, { receipt: { kind: 'amended', conversation, sequence: 1, revision: 1 } });
  t.match(answer.events, [
    { kind: 'amended', amendment: { change: { kind: 'text', text: 'better' }, by: ann } },
  ]);
  t.match(world.machine.amended(conversation, 1), { textRevision: 1, isDeleted: false, reactions: [] });
  t.equal(world.machine.conversation(conversation)?.lastSequence, before, 'no message more');
  t.equal(world.machine.conversation(conversation)?.read(bob), before, 'and nothing unread');
  t.match(world.history(conversation)[0]?.body, { text: 'by ann' });
  t.match(amendmentsOf(world, conversation), [{ sequence: 1, change: { text: 'better' } }]);
  t.equal(said(world.raw(edit(ofAnn, 'mine'), bob)), 'DENIED');
  t.equal(said(world.raw(edit(ofAnn, 'mine'), cleo)), 'UNKNOWN_MESSAGE', 'to a stranger it is not there');
  t.equal(said(world.raw(edit(ofAnn, 'mine'))), 'AUTH_REQUIRED');
  t.equal(said(world.raw(edit(ofAnn, ''), ann)), 'BAD_REQUEST');
  t.equal(said(world.raw(edit(ofAnn, 'x'.repeat(limits.messageBytes + 1)), ann)), 'TOO_LONG');
  t.equal(said(world.raw(edit({ ...ofAnn, index: 0, from: 0 }, 'x'), ann)), 'UNKNOWN_MESSAGE');
  t.equal(said(world.raw(edit({ ...ofAnn, sequence: 9 }, 'x'), ann)), 'UNKNOWN_MESSAGE');
  t.equal(amendmentsOf(world, conversation).length, 1, 'a rejection leaves no trace');
  t.equal(revisionOf(world.raw(edit(ofAnn, 'best'), ann)), 2);
  t.end();
});

t.test('delete-message: its author may, and the owner of the group; nobody amends it after that', (t) => {
  const { world, ann, bob, ofAnn, ofBob, direct } = team();
  const remove = (message: MessageReference): AmendmentCommand => ({ kind: 'delete-message', message });
  t.equal(said(world.raw(remove(ofAnn), bob)), 'DENIED', 'a member is no owner');
  t.equal(said(world.raw(remove(direct), bob)), 'DENIED', 'nobody owns a direct conversation');
  world.raw(edit(ofBob, 'secret'), bob);
  world.raw(react(ofBob, '👍'), ann);
  t.equal(revisionOf(world.raw(remove(ofBob), ann)), 3);
  t.match(world.machine.amended(ofBob.conversation, ofBob.sequence), {
    isDeleted: true,
    textRevision: 0,
    reactions: [],
  });
  const again = world.raw(remove(ofBob), bob);
  t.equal(revisionOf(again), 3, 'it is gone already');
  t.same(again.events, []);
  t.equal(said(world.raw(edit(ofBob, 'again'), bob)), 'UNKNOWN_MESSAGE');
  t.equal(said(world.raw(react(ofBob, '👍'), ann)), 'UNKNOWN_MESSAGE');
  t.equal(said(world.raw(remove(direct), ann)), 'amended');
  t.end();
});

t.test(
  'delete-message: the file of one that carries it is no longer referred to, and its text cannot be edited',
  (t) => {
    const { world, ann } = team();
    const file = { name: 'a.txt', type: 'text/plain', bytes: 5, manifest: digest };
    world.raw({ kind: 'lease-upload', manifest: digest, bytes: 5, quota }, ann);
    const { result } = world.raw(
      { kind: 'send-file', to: '#team', file, replyTo: null, complete: true },
      ann,
    );
    if (!result.ok || result.receipt.kind !== 'sent') throw new Error('not sent');
    const { conversation, sequence, index } = result.receipt;
    const message = { conversation, sequence, index, from: ann };
    t.equal(said(world.raw(edit(message, 'text'), ann)), 'BAD_REQUEST');
    t.ok(world.machine.files.has(digest));
    world.raw({ kind: 'delete-message', message }, ann);
    t.notOk(world.machine.files.has(digest));
    t.equal(world.machine.files.bytesOf(ann), 0);
    t.end();
  },
);

t.test('react: everyone once in each way, taken back by whoever gave it, within bounds', (t) => {
  const { world, ann, bob, cleo, ofAnn } = team();
  const { conversation } = ofAnn;
  t.equal(revisionOf(world.raw(react(ofAnn, '👍'), bob)), 1);
  t.equal(revisionOf(world.raw(react(ofAnn, '👍'), ann)), 2);
  const twice = world.raw(react(ofAnn, '👍'), bob);
  t.equal(revisionOf(twice), 2, 'the second time changes nothing');
  t.same(twice.events, []);
  t.same(world.machine.amended(conversation, 1)?.reactions, [{ reaction: '👍', accounts: [bob, ann] }]);
  world.raw(react(ofAnn, '👍', false), bob);
  t.same(world.machine.amended(conversation, 1)?.reactions, [{ reaction: '👍', accounts: [ann] }]);
  world.raw(react(ofAnn, '👍', false), ann);
  t.same(world.machine.amended(conversation, 1)?.reactions, []);
  t.equal(said(world.raw(react(ofAnn, '👍'), cleo)), 'UNKNOWN_MESSAGE');
  for (const bad of ['', 'two words', 'line\nbreak', '\u202egnitirw', 'x'.repeat(limits.reactionBytes + 1)]) {
    t.equal(said(world.raw(react(ofAnn, bad), bob)), 'BAD_REQUEST', JSON.stringify(bad));
  }
  t.equal(said(world.raw(react(ofAnn, '👩‍👩‍👧'), bob)), 'amended', 'an emoji of several characters');
  for (let at = 1; at < limits.reactionsPerMessage; at++) world.raw(react(ofAnn, `r${at}`), bob);
  t.equal(said(world.raw(react(ofAnn, 'one-more'), ann)), 'TOO_MANY_REACTIONS');
  t.equal(said(world.raw(react(ofAnn, 'r1'), ann)), 'amended', 'one that is there already');
  t.end();
});

t.test('react: all reactions to a message together have a bound', (t) => {
  const { world, ofAnn } = team();
  for (let at = 0; at < limits.reactersPerMessage; at++) {
    const account = world.register(`user${at}`);
    world.raw({ kind: 'join-group', name: 'team', seen: null, create: false, passwordHash: null }, account);
    t.equal(said(world.raw(react(ofAnn, 'ok'), account)), 'amended');
  }
  const late = world.register('late');
  world.raw({ kind: 'join-group', name: 'team', seen: null, create: false, passwordHash: null }, late);
  t.equal(said(world.raw(react(ofAnn, 'ok'), late)), 'TOO_MANY_REACTIONS');
  t.end();
});

t.test('amendments: a retry has the first answer, whatever the gateway finds in the record by then', (t) => {
  const { world, ofAnn } = team();
  world.numbered(1, 1, { kind: 'login', account: ofAnn.from, credential: 1 });
  const first = world.numbered(1, 2, edit(ofAnn, 'once'));
  t.equal(revisionOf(first), 1);
  const again = world.numbered(1, 2, edit({ ...ofAnn, index: 0, from: 0 }, 'once'));
  t.same(again.result, first.result);
  t.same(again.events, []);
  t.equal(said(world.numbered(1, 2, edit(ofAnn, 'another'))), 'CONFLICT');
  t.end();
});

t.test('amendments: loaded again they are the same, and go with their conversation', async (t) => {
  const { world, ann, bob, ofAnn, ofBob, direct } = team();
  for (const [command, by] of [
    [edit(ofAnn, 'better'), ann],
    [react(ofAnn, '👍'), bob],
    [react(ofBob, 'ok'), ann],
    [edit(direct, 'between you and me'), ann],
  ] as const) {
    world.raw(command, by);
  }
  const before = world.machine.digest();
  const amended = world.machine.amended(ofAnn.conversation, 1);
  await world.reload();
  t.equal(world.machine.digest(), before);
  t.match(world.machine.amended(ofAnn.conversation, 1), { ...amended, noted: false });
  t.match(world.machine.amendmentsOf(ofAnn.conversation), { lastRevision: 3 });
  world.raw({ kind: 'delete-group', name: 'team' }, ann);
  world.store();
  t.equal(world.machine.amendmentsOf(ofAnn.conversation), undefined);
  t.same([...world.rows.keys()].filter((key) => key.startsWith('e/') || key.startsWith('v/')).sort(), [
    `e/${direct.conversation}/1`,
    `v/${direct.conversation}`,
  ]);
  t.same(
    [...world.streams.keys()].filter((stream) => stream.endsWith('~')),
    [`${direct.conversation}~`],
  );
  t.end();
});

t.test('amendments: a row that is of no known conversation is damage', async (t) => {
  const { world, ann, ofAnn } = team();
  world.raw(edit(ofAnn, 'better'), ann);
  world.store();
  world.rows.delete(`v/${ofAnn.conversation}`);
  await t.rejects(world.reload(), { code: 'DATA_DAMAGED', message: /e\/g:/ });
});

t.test('amendments: commands survive their encoding, and are of the second format', (t) => {
  const { ofAnn } = team();
  const commands: readonly AmendmentCommand[] = [
    edit(ofAnn, 'ä👍'),
    { kind: 'delete-message', message: ofAnn },
    react(ofAnn, '👍'),
    react(ofAnn, '👍', false),
  ];
  for (const command of commands) {
    const proposal = { numbering: numbering(1, 2), actor: null, command };
    t.same(decodeProposal(encodeProposal(proposal)), proposal);
    t.equal(formatOf(command), 2);
  }
  t.equal(formatOf({ kind: 'logout' }), 1);
  t.end();
});
