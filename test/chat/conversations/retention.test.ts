import t from 'tap';
import { amendmentStream } from '../../../src/chat/conversations/amendments.ts';
import { retainStep } from '../../../src/chat/handlers/retain.ts';
import type { AccountId } from '../../../src/chat/vocabulary/types.ts';
import { said, textTo, World } from '../support/world.ts';

const dayMs = 24 * 3_600_000;

/** Ann owns a group, bob is in it. */
function team() {
  const world = new World();
  const [ann, bob] = [world.register('ann'), world.register('bob')];
  world.raw({ kind: 'create-group', name: 'team', passwordHash: null }, ann);
  world.raw({ kind: 'join-group', name: 'team', seen: null, create: false, passwordHash: null }, bob);
  const group = world.machine.groupByName('team')?.id ?? '';
  const say = (count: number, by: AccountId = ann): void => {
    for (let at = 0; at < count; at++) world.raw(textTo('#team', 'text'), by);
  };
  const due = (defaultMs: number | null): readonly string[] => [
    ...world.machine.retentionDue(defaultMs, world.clusterMs),
  ];
  /** As the node that leads does it. */
  const retain = (defaultMs: number | null): number => {
    let steps = 0;
    for (; due(defaultMs).length > 0; steps++) {
      for (const conversation of due(defaultMs)) world.raw({ kind: 'retain', conversation, defaultMs });
    }
    return steps;
  };
  return { world, ann, bob, group, say, due, retain };
}

t.test(
  'retain: what is older than the age goes, with its amendments, and whose cursor is below stands at the beginning',
  (t) => {
    const { world, ann, bob, group, say, retain } = team();
    say(3);
    const [first] = world.history(group);
    if (first === undefined) throw new Error('three messages');
    world.raw({ kind: 'edit-message', message: first, text: 'edited' }, ann);
    retain(10 * dayMs);
    world.clusterMs += 5 * dayMs;
    say(2);
    retain(10 * dayMs);
    t.equal(world.machine.conversation(group)?.firstSequence, 1, 'nothing is too old yet');
    world.clusterMs += 5 * dayMs;
    retain(10 * dayMs);
    const conversation = world.machine.conversation(group);
    t.equal(conversation?.firstSequence, 4);
    t.equal(conversation?.lastSequence, 5);
    t.equal(conversation?.read(bob), 3, 'two are unread');
    t.equal(conversation?.delivered(bob), 3);
    t.equal(world.machine.amended(group, 1), undefined);
    t.same(
      world.history(group).map(({ sequence }) => sequence),
      [4, 5],
    );
    t.same(world.streams.get(amendmentStream(group)), []);
    t.equal(said(world.raw({ kind: 'edit-message', message: first, text: 'again' }, ann)), 'UNKNOWN_MESSAGE');
    world.clusterMs += 5 * dayMs;
    retain(10 * dayMs);
    t.equal(world.machine.conversation(group)?.firstSequence, 6, 'all may go');
    say(1);
    t.match(world.history(group), [{ sequence: 6 }]);
    t.end();
  },
);

t.test('retain: a jump of the wall clock makes nothing old; without an age nothing is noted', (t) => {
  const { world, group, say, due, retain } = team();
  say(3);
  t.same(due(null), []);
  const rows = world.machine.digest();
  world.raw({ kind: 'retain', conversation: group, defaultMs: null });
  t.equal(world.machine.digest(), rows);
  retain(dayMs);
  // Cluster time stands still, whatever the clocks on the walls say.
  retain(dayMs);
  t.equal(world.machine.conversation(group)?.firstSequence, 1);
  t.end();
});

t.test('retain: a step has a bound, and texts stay as long as a message that has them', (t) => {
  const { world, ann, group, say, retain } = team();
  say(2 * retainStep + 10);
  const last = world.history(group).at(-1);
  if (last === undefined) throw new Error('messages');
  world.raw({ kind: 'edit-message', message: last, text: 'edited' }, ann);
  retain(dayMs);
  world.clusterMs += dayMs;
  const step = () => world.raw({ kind: 'retain', conversation: group, defaultMs: dayMs });
  t.match(step().result, { receipt: { kind: 'retained', first: retainStep + 1, more: true } });
  t.equal(world.history(group)[0]?.sequence, retainStep + 1);
  t.equal(world.machine.retentionOf(group)?.firstRevision, 1, 'the last message still has its text');
  t.match(step().result, { receipt: { more: true } });
  t.match(step().result, { receipt: { first: 2 * retainStep + 11, more: false } });
  t.equal(world.machine.retentionOf(group)?.firstRevision, 2);
  t.same(world.history(group), []);
  t.end();
});

t.test('set-group-retention: an owner keeps less, or for ever, whatever the configuration says', (t) => {
  const { world, ann, bob, group, say, retain, due } = team();
  const set = (ageMs: number | null, by: AccountId) =>
    said(world.raw({ kind: 'set-group-retention', name: 'team', ageMs }, by));
  t.equal(set(dayMs, bob), 'DENIED');
  t.equal(set(0, ann), 'group-changed');
  say(1);
  t.notOk(due(dayMs).includes(group), 'for ever');
  t.equal(set(2 * dayMs, ann), 'group-changed');
  retain(null);
  world.clusterMs += dayMs;
  retain(null);
  t.equal(world.machine.conversation(group)?.firstSequence, 1);
  world.clusterMs += dayMs;
  retain(null);
  t.equal(world.machine.conversation(group)?.firstSequence, 2);
  t.equal(set(null, ann), 'group-changed');
  t.equal(
    said(world.raw({ kind: 'retain', conversation: group, defaultMs: 1 }, ann)),
    'DENIED',
    'only nodes',
  );
  t.equal(said(world.raw({ kind: 'retain', conversation: 'g:999', defaultMs: 1 })), 'UNKNOWN_GROUP');
  t.end();
});

t.test(
  'retain: loaded again it is the same, goes with its group, and files and receipts go with their messages',
  async (t) => {
    const { world, ann, bob, group, retain } = team();
    const manifest = 'b'.repeat(64);
    const quota = { fileBytes: 1e6, accountBytes: 1e6, clusterBytes: 1e6 };
    const file = { name: 'a.txt', type: 'text/plain', bytes: 5, manifest };
    world.raw({ kind: 'lease-upload', manifest, bytes: 5, quota }, ann);
    world.raw({ kind: 'send-file', to: '#team', file, replyTo: null, complete: true }, ann);
    world.raw({ ...textTo('bob', 'told?'), wantsReceipt: true }, ann);
    retain(dayMs);
    world.clusterMs += dayMs;
    await world.reload();
    retain(dayMs);
    t.notOk(world.machine.files.has(manifest));
    t.same(world.machine.allReceiptsOf(ann), []);
    const direct = world.machine.directConversation(ann, bob);
    t.equal(world.machine.conversation(direct)?.firstSequence, 2);
    const before = world.machine.digest();
    await world.reload();
    t.equal(world.machine.digest(), before);
    t.equal(world.machine.conversation(group)?.firstSequence, 2);
    world.raw(textTo('#team', 'goes on'), bob);
    world.raw({ kind: 'delete-group', name: 'team' }, ann);
    world.store();
    t.same(
      [...world.rows.keys()].filter((key) => key.startsWith('b/')),
      [`b/${direct}`],
    );
  },
);

t.test('retain: notes have a bound, and one more is made only for news', (t) => {
  const { world, group, say, retain } = team();
  for (let at = 0; at < 200; at++) {
    say(1);
    retain(100 * dayMs);
    world.clusterMs += dayMs;
  }
  const notes = world.machine.retentionOf(group)?.checkpoints ?? [];
  t.ok(notes.length >= 14 && notes.length <= 18, `${notes.length}`);
  world.clusterMs += 30 * dayMs;
  retain(100 * dayMs);
  world.clusterMs += 30 * dayMs;
  const after = world.machine.retentionOf(group)?.checkpoints.length ?? 0;
  retain(100 * dayMs);
  t.ok((world.machine.retentionOf(group)?.checkpoints.length ?? 0) <= after, 'nothing was said since');
  t.end();
});
