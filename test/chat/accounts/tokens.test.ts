import t from 'tap';
import { limits } from '../../../src/base/limits.ts';
import { ByteWriter, readAll } from '../../../src/chat/codecs/bytes.ts';
import { decodeProposal, encodeProposal } from '../../../src/chat/codecs/codec.ts';
import { readResult, writeResult } from '../../../src/chat/codecs/receipt-codec.ts';
import type { TokenCommand, TokenScope } from '../../../src/chat/vocabulary/token-types.ts';
import type { AccountId, Command, Receipt } from '../../../src/chat/vocabulary/types.ts';
import { said, sessionId, textTo, World } from '../support/world.ts';

const hash = (digit: number): string => digit.toString(16).padStart(64, '0');

function creation(digit: number, more: Partial<Extract<TokenCommand, { kind: 'create-token' }>> = {}) {
  const scopes: readonly TokenScope[] = ['read', 'send'];
  return {
    kind: 'create-token',
    name: `token ${digit}`,
    hash: hash(digit),
    scopes,
    lifetimeMs: null,
    ...more,
  } as const;
}

function create(world: World, account: AccountId, digit: number, lifetimeMs: number | null = null): number {
  const { result } = world.raw(creation(digit, { lifetimeMs }), account);
  if (!result.ok || result.receipt.kind !== 'token-created') throw new Error('not created');
  return result.receipt.token;
}

function enter(world: World, session: number, digit: number): string {
  return said(world.numbered(session, 1, { kind: 'enter-token', hash: hash(digit) }));
}

t.test(
  'token: is made for oneself, once for each name, and is the same when it is asked for again',
  async (t) => {
    const world = new World();
    const ann = world.register('ann');
    const bob = world.register('bob');
    const token = create(world, ann, 1);
    t.equal(create(world, ann, 1), token, 'a retry');
    t.equal(said(world.raw(creation(2, { name: 'token 1' }), ann)), 'NAME_TAKEN');
    t.equal(said(world.raw(creation(1, { name: 'another' }), ann)), 'NAME_TAKEN');
    t.equal(said(world.raw(creation(1), bob)), 'BAD_REQUEST', 'the hash is somebody else’s');
    t.equal(said(world.raw(creation(3))), 'AUTH_REQUIRED');
    t.equal(said(world.raw(creation(3, { scopes: [] }), ann)), 'BAD_REQUEST');
    t.equal(said(world.raw(creation(3, { hash: 'cvt_secret' }), ann)), 'BAD_REQUEST');
    t.equal(said(world.raw(creation(3, { lifetimeMs: 0 }), ann)), 'BAD_REQUEST');
    t.equal(said(world.raw(creation(3, { lifetimeMs: limits.tokenMs + 1 }), ann)), 'BAD_REQUEST');
    t.equal(said(world.raw(creation(3, { name: 'a\u202eb' }), ann)), 'BAD_DISPLAY_NAME');
    for (let digit = 3; world.machine.tokensOf(ann).length < limits.tokensPerAccount; digit++) {
      create(world, ann, digit);
    }
    t.equal(said(world.raw(creation(999), ann)), 'LIMIT_REACHED');
  },
);

t.test('token: opens a session as its account; a retry of that gets its answer', async (t) => {
  const world = new World();
  const ann = world.register('ann');
  world.register('bob');
  create(world, ann, 1);
  t.equal(enter(world, 7, 1), 'token-entered');
  t.equal(enter(world, 7, 1), 'token-entered', 'again');
  t.equal(said(world.numbered(7, 2, textTo('bob', 'hi'))), 'sent');
  t.equal(said(world.numbered(7, 3, creation(2))), 'DENIED', 'a token makes no tokens');
  t.equal(enter(world, 8, 2), 'TOKEN_INVALID');
  t.equal(said(world.raw({ kind: 'enter-token', hash: hash(1) })), 'BAD_REQUEST', 'there is nothing to bind');
});

const endings: readonly { readonly by: string; readonly command: (token: number) => Command }[] = [
  { by: 'its revocation', command: (token) => ({ kind: 'revoke-token', token }) },
  { by: 'its account’s deletion', command: () => ({ kind: 'delete-account', name: 'ann' }) },
  {
    by: 'a change of the password',
    command: () => ({ kind: 'change-password', credential: 1, passwordHash: 'new' }),
  },
];

for (const { by, command } of endings) {
  t.test(`token: ${by} ends it and the sessions that it opened, also on a restored node`, async (t) => {
    const world = new World();
    const ann = world.register('ann');
    const token = create(world, ann, 1);
    enter(world, 7, 1);
    await world.reload();
    const { events } = world.raw(command(token), ann);
    t.ok(events.some((event) => event.kind === 'token-ended' && event.token === token));
    t.ok(events.some((event) => event.kind === 'session-ended' && event.session === sessionId(7)));
    t.equal(world.machine.token(token), undefined);
    t.equal(said(world.numbered(7, 2, textTo('ann', 'hi'))), 'SESSION_EXPIRED');
    t.equal(enter(world, 8, 1), 'TOKEN_INVALID');
    const shown = world.apply({
      numbering: null,
      actor: { account: ann, session: null, token },
      command: textTo('ann', 'hi'),
    });
    t.equal(said(shown), 'AUTH_REQUIRED', 'what a gateway let in before it ended');
    world.store();
    t.notOk([...world.rows.keys()].some((key) => key.startsWith('p/')));
  });
}

t.test(
  'token: a program that forgets its sessions loses the oldest of them, and logs nobody out',
  async (t) => {
    const world = new World();
    const ann = world.register('ann');
    create(world, ann, 1);
    world.numbered(1_000, 1, { kind: 'login', account: ann, credential: 1 });
    for (let session = 1; session <= limits.sessionsPerToken; session++) enter(world, session, 1);
    t.equal(said(world.numbered(1, 2, textTo('ann', 'hi'))), 'sent');
    await world.reload();
    enter(world, limits.sessionsPerToken + 1, 1);
    t.equal(said(world.numbered(1, 3, textTo('ann', 'hi'))), 'SESSION_EXPIRED');
    t.equal(said(world.numbered(2, 2, textTo('ann', 'hi'))), 'sent');
    t.equal(said(world.numbered(1_000, 2, textTo('ann', 'hi'))), 'sent');
  },
);

t.test('token: another account’s cannot be revoked, nor be acted by', async (t) => {
  const world = new World();
  const token = create(world, world.register('ann'), 1);
  const bob = world.register('bob');
  t.equal(said(world.raw({ kind: 'revoke-token', token }, bob)), 'UNKNOWN_TOKEN');
  const actor = { account: bob, session: null, token };
  t.equal(said(world.apply({ numbering: null, actor, command: textTo('bob', 'hi') })), 'AUTH_REQUIRED');
});

t.test(
  'token: expires by cluster time, before any entry has noticed, in the order of the ends',
  async (t) => {
    const world = new World();
    const ann = world.register('ann');
    const late = create(world, ann, 1, 2_000);
    const early = create(world, ann, 2, 1_000);
    create(world, ann, 3);
    await world.reload();
    t.equal(enter(world, 7, 2), 'token-entered');
    world.clusterMs = 1_000;
    t.equal(enter(world, 8, 2), 'TOKEN_INVALID');
    t.same(
      world.machine.tokensOf(ann).map(({ name }) => name),
      ['token 1', 'token 3'],
    );
    t.equal(said(world.numbered(7, 2, textTo('ann', 'hi'))), 'SESSION_EXPIRED');
    world.clusterMs = 2_000;
    const { events } = world.raw(textTo('ann', 'hi'), ann);
    t.same(
      events.filter(({ kind }) => kind === 'token-ended'),
      [{ kind: 'token-ended', token: late }],
    );
    t.equal(world.machine.token(early), undefined);
  },
);

t.test('token: its use is kept to the hour, and noted by nodes only', async (t) => {
  const world = new World();
  const ann = world.register('ann');
  const token = create(world, ann, 1);
  const usedMs = () => world.machine.token(token)?.usedMs;
  t.equal(usedMs(), null);
  t.equal(said(world.raw({ kind: 'note-token-uses', tokens: [token] }, ann)), 'DENIED');
  t.equal(said(world.raw({ kind: 'note-token-uses', tokens: [token, 999] })), 'noted');
  t.equal(Number(usedMs()) % limits.tokenUseGrainMs, 0);
  world.store();
  world.raw({ kind: 'note-token-uses', tokens: [token] });
  t.equal(world.machine.takeChanges().puts.size, 0, 'nothing is written within the hour');
});

t.test('token: commands and receipts come back as they were', async (t) => {
  const commands: readonly Command[] = [
    creation(1, { scopes: ['admin'], lifetimeMs: 0 }),
    creation(1),
    { kind: 'revoke-token', token: 300 },
    { kind: 'enter-token', hash: hash(1) },
    { kind: 'note-token-uses', tokens: [1, 2] },
  ];
  for (const command of commands) {
    const proposal = { numbering: null, actor: { account: 1, session: null, token: 2 }, command };
    t.same(decodeProposal(encodeProposal(proposal)), proposal);
  }
  const receipts: readonly Receipt[] = [
    { kind: 'token-created', token: 300, expiresMs: null },
    { kind: 'token-created', token: 300, expiresMs: 5 },
    { kind: 'token-revoked', token: 300 },
    { kind: 'token-entered', account: 7, name: 'ann', token: 300 },
  ];
  for (const receipt of receipts) {
    const writer = new ByteWriter();
    writer.begin(1);
    writeResult(writer, { ok: true, receipt });
    const read = readAll(writer.take().subarray(1), readResult);
    t.same(read, { ok: true, receipt });
  }
});
