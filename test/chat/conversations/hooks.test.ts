import t from 'tap';
import { limits } from '../../../src/base/limits.ts';
import { ByteWriter, readAll } from '../../../src/chat/codecs/bytes.ts';
import { decodeProposal, encodeProposal } from '../../../src/chat/codecs/codec.ts';
import { readResult, writeResult } from '../../../src/chat/codecs/receipt-codec.ts';
import type { AccountId, Command, Receipt } from '../../../src/chat/vocabulary/types.ts';
import { said, textTo, World } from '../support/world.ts';

const creation = (to: string, name: string, url: string | null = null): Command => ({
  kind: 'create-hook',
  to,
  name,
  url,
});

function create(
  world: World,
  account: AccountId,
  to: string,
  name: string,
  url: string | null = null,
): number {
  const { result } = world.raw(creation(to, name, url), account);
  if (!result.ok || result.receipt.kind !== 'hook-created') throw new Error('not created');
  return result.receipt.hook;
}

interface Team {
  readonly world: World;
  readonly ann: AccountId;
  readonly bob: AccountId;
}

/** A group `team` of ann's, with bob in it. */
function team(): Team {
  const world = new World();
  const [ann, bob] = [world.register('ann'), world.register('bob')];
  world.raw({ kind: 'create-group', name: 'team', passwordHash: null }, ann);
  world.raw({ kind: 'join-group', name: 'team', seen: null, create: false, passwordHash: null }, bob);
  return { world, ann, bob };
}

function post(world: World, account: AccountId, hook: number, text: string) {
  const actor = { account, session: null, hook };
  return world.apply({ numbering: null, actor, command: { kind: 'post-to-hook', hook, text } });
}

t.test('hook: is made in a group by its owner, in a direct conversation by either side', async (t) => {
  const { world, ann, bob } = team();
  const hook = create(world, ann, '#team', 'CI', 'https://ci.example/');
  t.equal(create(world, ann, '#team', 'CI', 'https://ci.example/'), hook, 'the same again');
  t.equal(said(world.raw(creation('#team', 'CI'), ann)), 'NAME_TAKEN');
  t.equal(said(world.raw(creation('#team', 'other'), bob)), 'DENIED');
  t.equal(said(world.raw(creation('#lobby', 'all'), ann)), 'DENIED');
  t.equal(said(world.raw(creation('#none', 'x'), ann)), 'UNKNOWN_GROUP');
  t.equal(said(world.raw(creation('zoe', 'x'), ann)), 'UNKNOWN_USER');
  t.equal(said(world.raw(creation('bob', 'x\n'), ann)), 'BAD_DISPLAY_NAME');
  t.equal(said(world.raw(creation('bob', 'mine'), ann)), 'hook-created');
  t.equal(said(world.raw(creation('ann', 'mine too'), bob)), 'hook-created');
  for (let count = 1; count < limits.hooksPerConversation; count++)
    create(world, ann, '#team', `hook ${count}`);
  t.equal(said(world.raw(creation('#team', 'one more'), ann)), 'LIMIT_REACHED');
});

t.test(
  'hook: what is posted is a message of its maker, under its name, as long as it is there',
  async (t) => {
    const { world, ann, bob } = team();
    const hook = create(world, ann, '#team', 'CI');
    t.equal(said(post(world, ann, hook, 'built')), 'sent');
    const [message] = world.history(world.machine.hook(hook)?.conversation ?? '');
    t.match(message, { from: ann, body: { kind: 'text', text: 'built', via: 'CI' } });
    t.equal(said(post(world, bob, hook, 'built')), 'AUTH_REQUIRED', 'in another name');
    t.equal(said(post(world, ann, hook, '')), 'BAD_REQUEST');
    t.equal(said(post(world, ann, hook, 'x'.repeat(limits.messageBytes + 1))), 'TOO_LONG');
    const outgoing = create(world, ann, '#team', 'out', 'https://ci.example/');
    t.equal(said(post(world, ann, outgoing, 'built')), 'UNKNOWN_HOOK');
    const forged = { kind: 'text', text: 'built', via: 'CI' } as const;
    t.equal(
      said(world.raw({ ...textTo('#team', ''), body: forged }, bob)),
      'BAD_REQUEST',
      'nobody else says via',
    );
    const direct = create(world, ann, 'bob', 'door');
    t.equal(said(post(world, ann, direct, 'hello')), 'sent');
    t.equal(said(world.raw({ kind: 'remove-hook', hook }, ann)), 'hook-removed');
    t.equal(said(post(world, ann, hook, 'built')), 'AUTH_REQUIRED', 'it is gone when this is applied');
  },
);

t.test('hook: with a key a repeated post is one message', async (t) => {
  const { world, ann } = team();
  const hook = create(world, ann, '#team', 'CI');
  const asked = (text: string) =>
    world.apply({
      numbering: null,
      actor: { account: ann, session: null, hook },
      command: { kind: 'asked', key: '0'.repeat(32), command: { kind: 'post-to-hook', hook, text } },
    });
  const once = asked('built');
  t.same(asked('built').result, once.result);
  t.equal(said(asked('failed')), 'CONFLICT');
  t.equal(world.history(world.machine.hook(hook)?.conversation ?? '').length, 1);
});

t.test('hook: goes with its maker’s membership, account and group; a new owner may remove it', async (t) => {
  const { world, ann, bob } = team();
  const first = create(world, ann, '#team', 'first');
  t.equal(said(world.raw({ kind: 'remove-hook', hook: first }, bob)), 'UNKNOWN_HOOK');
  world.raw({ kind: 'transfer-group', name: 'team', owner: 'bob' }, ann);
  t.equal(said(world.raw({ kind: 'resume-hook', hook: first }, bob)), 'hook-resumed');
  world.raw({ kind: 'leave-group', name: 'team' }, ann);
  t.equal(world.machine.hook(first), undefined);
  const second = create(world, bob, '#team', 'second');
  await world.reload();
  world.raw({ kind: 'delete-group', name: 'team' }, bob);
  t.equal(world.machine.hook(second), undefined);
  const third = create(world, ann, 'bob', 'third');
  world.raw({ kind: 'delete-account', name: 'ann' }, ann);
  t.equal(world.machine.hook(third), undefined);
  world.store();
  t.notOk([...world.rows.keys()].some((key) => key.startsWith('h/')));
});

t.test('hook: a cursor begins at the end, moves forward only, and is kept over a restart', async (t) => {
  const { world, ann } = team();
  world.raw(textTo('#team', 'before'), ann);
  const hook = create(world, ann, '#team', 'out', 'https://ci.example/');
  t.equal(world.machine.hook(hook)?.cursor, 1);
  const note = (cursor: number, suspended = false) =>
    world.raw({ kind: 'note-hooks', hooks: [{ hook, cursor, failures: 2, fault: 'status 500', suspended }] });
  t.equal(said(note(3)), 'noted');
  note(2, true);
  await world.reload();
  t.match(world.machine.hook(hook), { cursor: 3, failures: 2, fault: 'status 500', suspended: false });
  note(3, true);
  t.match(world.machine.hook(hook), { suspended: true });
  world.raw({ kind: 'resume-hook', hook }, ann);
  t.match(world.machine.hook(hook), { cursor: 3, failures: 0, fault: '', suspended: false });
  const asAnn = world.raw({ kind: 'note-hooks', hooks: [] }, ann);
  t.equal(said(asAnn), 'DENIED', 'a node’s own command');
});

t.test('hook: commands and receipts come back as they were', async (t) => {
  const commands: readonly Command[] = [
    creation('#team', 'CI'),
    creation('bob', 'CI', 'https://ci.example/'),
    { kind: 'remove-hook', hook: 300 },
    { kind: 'resume-hook', hook: 300 },
    { kind: 'post-to-hook', hook: 300, text: 'hi' },
    { kind: 'note-hooks', hooks: [{ hook: 3, cursor: 300, failures: 1, fault: 'x', suspended: true }] },
  ];
  for (const command of commands) {
    const proposal = { numbering: null, actor: { account: 1, session: null, hook: 2 }, command };
    t.same(decodeProposal(encodeProposal(proposal)), proposal);
  }
  for (const kind of ['hook-created', 'hook-removed', 'hook-resumed'] as const) {
    const receipt: Receipt = { kind, hook: 300 };
    const writer = new ByteWriter();
    writer.begin(1);
    writeResult(writer, { ok: true, receipt });
    t.same(readAll(writer.take().subarray(1), readResult), { ok: true, receipt });
  }
});
