import t from 'tap';
import { limits } from '../../../src/base/limits.ts';
import { decodeProposal, encodeProposal } from '../../../src/chat/codecs/codec.ts';
import type { ActionActor, ActionRecord } from '../../../src/chat/vocabulary/administration-types.ts';
import type { Command } from '../../../src/chat/vocabulary/types.ts';
import { said, World } from '../support/world.ts';

const operator: ActionActor = { kind: 'operator' };

function note(more: Partial<Extract<Command, { kind: 'note-action' }>> = {}): Command {
  return {
    kind: 'note-action',
    by: operator,
    action: 'unlock',
    subject: 'ann',
    node: 2,
    joins: false,
    ...more,
  };
}

function numberIn(answer: ReturnType<World['raw']>): number {
  const { result } = answer;
  if (!result.ok || result.receipt.kind !== 'action-noted') throw new Error('not noted');
  return result.receipt.action;
}

function last(world: World): ActionRecord | undefined {
  return world.machine.actions().at(-1);
}

t.test('roles: an account is an administrator until that is revoked, or the account goes', async (t) => {
  const world = new World();
  const [ann, bob] = [world.register('ann'), world.register('bob')];
  const grant = (account: number, administrator = true) =>
    said(world.raw({ kind: 'set-role', account, administrator }));
  t.equal(grant(ann), 'noted');
  t.equal(grant(ann), 'noted', 'asked again');
  t.equal(grant(bob), 'noted');
  await world.reload();
  t.ok(world.machine.isAdministrator(ann), 'kept over a restart');
  t.equal(grant(bob, false), 'noted');
  t.notOk(world.machine.isAdministrator(bob));
  t.equal(grant(999), 'UNKNOWN_USER');
  world.raw({ kind: 'delete-account', name: 'ann' }, ann);
  const again = world.register('ann');
  t.notOk(world.machine.isAdministrator(again), 'the name inherits nothing');
  const before = world.machine.digest();
  await world.reload();
  t.equal(world.machine.digest(), before);
  t.notOk(world.machine.isAdministrator(bob) || world.machine.isAdministrator(ann));
});

t.test('roles: only a node gives them, never to a guest', async (t) => {
  const world = new World();
  const ann = world.register('ann');
  t.equal(said(world.raw({ kind: 'set-role', account: ann, administrator: true }, ann)), 'DENIED');
  t.equal(said(world.raw(note(), ann)), 'DENIED');
  t.equal(said(world.raw({ kind: 'note-outcome', action: 1, outcome: 'done' }, ann)), 'DENIED');
  const uuid = '00000001-0000-4000-8000-000000000000';
  const { result } = world.raw({ kind: 'enter-guest', name: 'gast', uuid });
  t.ok(result.ok);
  const guest = world.machine.accountByName('gast')?.id ?? 0;
  t.equal(said(world.raw({ kind: 'set-role', account: guest, administrator: true })), 'DENIED');
  t.notOk(world.machine.isAdministrator(ann));
  t.same(world.machine.actions(), []);
});

t.test('actions: noted before, with the first outcome that is heard, over a restart', async (t) => {
  const world = new World();
  const ann = world.register('ann');
  const by: ActionActor = { kind: 'account', account: ann, name: 'ann' };
  const number = numberIn(world.raw(note({ by, action: 'members remove', subject: 'node 3' })));
  t.match(last(world), { number, by, node: 2, outcome: null, endedMs: null, times: 1 });
  world.clusterMs += 50;
  world.raw({ kind: 'note-outcome', action: number, outcome: 'LAST_VOTER' });
  world.raw({ kind: 'note-outcome', action: number, outcome: 'done' });
  world.raw({ kind: 'note-outcome', action: 999, outcome: 'done' });
  await world.reload();
  t.match(last(world), { number, by, outcome: 'LAST_VOTER', endedMs: 1_700_000_000_050 });
  t.equal(world.machine.actions().length, 1);
});

t.test('actions: many that belong together are one line, others never are', async (t) => {
  const world = new World();
  const batch = note({ action: 'import', subject: '', joins: true });
  const first = numberIn(world.raw(batch));
  t.not(numberIn(world.raw(batch)), first, 'the first has not ended');
  const open = last(world)?.number ?? 0;
  world.raw({ kind: 'note-outcome', action: open, outcome: 'done' });
  t.equal(numberIn(world.raw(batch)), open);
  t.match(last(world), { times: 2, outcome: null, endedMs: null });
  world.raw({ kind: 'note-outcome', action: open, outcome: 'done' });
  t.not(numberIn(world.raw(note({ joins: true }))), open, 'another action');
  const plain = numberIn(world.raw(note()));
  world.raw({ kind: 'note-outcome', action: plain, outcome: 'done' });
  t.not(numberIn(world.raw(note())), plain, 'two unlocks are two lines');
  const before = world.machine.digest();
  await world.reload();
  t.equal(world.machine.digest(), before);
});

t.test('actions: the newest are kept, in memory and in the rows', async (t) => {
  const world = new World();
  const numbers: number[] = [];
  for (let n = 0; n < limits.actionsKept + 3; n++) numbers.push(numberIn(world.raw(note())));
  const kept = world.machine.actions().map(({ number }) => number);
  t.same(kept, numbers.slice(3));
  await world.reload();
  t.same(
    world.machine.actions().map(({ number }) => number),
    kept,
  );
  t.equal([...world.rows.keys()].filter((key) => key.startsWith('j/')).length, limits.actionsKept);
  world.raw({ kind: 'note-outcome', action: numbers[0] ?? 0, outcome: 'done' });
  t.equal(
    world.machine.actions().length,
    limits.actionsKept,
    'the outcome of one that has gone brings nothing back',
  );
});

t.test('actions: what is too long or empty is refused', async (t) => {
  const world = new World();
  t.equal(said(world.raw(note({ action: '' }))), 'BAD_REQUEST');
  t.equal(said(world.raw(note({ action: 'x'.repeat(limits.actionChars + 1) }))), 'BAD_REQUEST');
  t.equal(said(world.raw(note({ subject: 'x'.repeat(limits.actionSubjectChars + 1) }))), 'BAD_REQUEST');
  t.equal(said(world.raw({ kind: 'note-outcome', action: 1, outcome: '' })), 'BAD_REQUEST');
});

t.test('actions: commands are read as they were written, cut ones are none', async (t) => {
  const commands: Command[] = [
    { kind: 'set-role', account: 7, administrator: false },
    note({ by: { kind: 'account', account: 3, name: 'ann' }, joins: true }),
    note({ by: { kind: 'page' } }),
    { kind: 'note-outcome', action: 12, outcome: 'done' },
  ];
  for (const command of commands) {
    const bytes = encodeProposal({ numbering: null, actor: null, command });
    t.same(decodeProposal(bytes)?.command, command);
    for (let length = 1; length < bytes.length; length++) {
      t.equal(decodeProposal(bytes.subarray(0, length)), null);
    }
  }
});
