import t from 'tap';
import { limits } from '../../../src/base/limits.ts';
import { ByteWriter, readAll } from '../../../src/chat/codecs/bytes.ts';
import { decodeProposal, encodeProposal } from '../../../src/chat/codecs/codec.ts';
import { readResult, writeResult } from '../../../src/chat/codecs/receipt-codec.ts';
import { isDisplayName, isEmail } from '../../../src/chat/names/profile-fields.ts';
import { derivedUuid, isUuid } from '../../../src/chat/names/uuid.ts';
import { decodeAccount, encodeAccount } from '../../../src/chat/rows/account-rows.ts';
import type { Command, Receipt } from '../../../src/chat/vocabulary/types.ts';
import { said, sessionId, textTo, World } from '../support/world.ts';

const uuid = (digit: number): string => `0000000${digit}-0000-4000-8000-000000000000`;
const secretHash = (digit: number): string => String(digit).repeat(64);

t.test('register: display name, e-mail and UUID are kept, also over a restart', async (t) => {
  const world = new World();
  const full = { displayName: 'Ann Bé', email: 'Ann@Example.org', uuid: uuid(1) };
  world.raw({ kind: 'register', name: 'ann', passwordHash: 'h', ...full });
  await world.reload();
  t.match(world.machine.accountByEmail('ann@example.ORG'), { name: 'ann', kind: 'member', ...full });
});

t.test('register: an e-mail address is taken whatever its letter case', async (t) => {
  const world = new World();
  const register = (name: string, email: string) =>
    said(world.raw({ kind: 'register', name, passwordHash: 'h', email }));
  t.equal(register('ann', 'a@example.org'), 'registered');
  t.equal(register('bob', 'A@EXAMPLE.org'), 'EMAIL_TAKEN');
  t.equal(world.machine.accountByName('bob'), undefined);
  t.equal(register('bob', 'nonsense'), 'BAD_EMAIL');
});

t.test(
  'register: without a UUID it follows from the entry, the same after a row of the first version',
  async (t) => {
    const world = new World();
    const id = world.register('ann');
    const account = world.machine.accountById(id);
    t.ok(isUuid(account?.uuid ?? ''));
    const writer = new ByteWriter();
    writer.begin(1);
    writer.text('ann');
    writer.text('hash of ann');
    writer.integer(1);
    writer.integer(account?.createdMs ?? 0);
    const old = decodeAccount(id, writer.take());
    t.same(old, account, 'an old row loads as the account that it is');
    if (old !== null) t.same(decodeAccount(id, encodeAccount(old)), account);
    t.not(derivedUuid(1, 'ann'), derivedUuid(2, 'ann'));
  },
);

t.test('profile: what an e-mail address may be', async (t) => {
  for (const good of ['a@b.c', 'ann.b+c@mail.example.org', `${'x'.repeat(64)}@a.bc`])
    t.ok(isEmail(good), good);
  const bad = [
    '',
    '@',
    'a@b',
    'a@@b.c',
    'a b@c.d',
    'a@b..c',
    'a@-b.c',
    'ä@b.c',
    'a@b.c\n',
    `${'x'.repeat(65)}@a.bc`,
  ];
  for (const text of [...bad, `a@${'b.'.repeat(200)}c`]) t.notOk(isEmail(text), JSON.stringify(text));
});

t.test('profile: a display name is text without control characters, bidi overrides or halves', async (t) => {
  for (const good of ['A', 'Ann Müller', '李小龙', '💬']) t.ok(isDisplayName(good), good);
  const bad = [
    '',
    ' a',
    'a\n',
    'a\u001b[1m',
    'a\u202eb',
    'a\u0085',
    'a\u200bb',
    '\ud800',
    'a\udc00',
    'x'.repeat(65),
  ];
  for (const text of bad) t.notOk(isDisplayName(text), JSON.stringify(text));
});

t.test('set-profile: absent stays, null takes away, an address is free again after', async (t) => {
  const world = new World();
  const ann = world.register('ann');
  const bob = world.register('bob');
  const set = (account: number, change: { displayName?: string | null; email?: string | null }) =>
    said(world.raw({ kind: 'set-profile', ...change }, account));
  t.equal(set(ann, { displayName: 'Ann', email: 'a@example.org' }), 'profile-set');
  t.equal(set(bob, { email: 'A@example.org' }), 'EMAIL_TAKEN');
  t.equal(set(ann, { email: 'A@example.org' }), 'profile-set', 'one’s own in another letter case');
  t.equal(set(ann, { displayName: null }), 'profile-set');
  t.match(world.machine.accountById(ann), { displayName: null, email: 'A@example.org' });
  t.equal(set(ann, { email: null }), 'profile-set');
  t.equal(set(bob, { email: 'a@example.org' }), 'profile-set');
  t.equal(set(bob, { displayName: 'a\u001b' }), 'BAD_DISPLAY_NAME');
  t.equal(said(world.raw({ kind: 'set-profile', email: null })), 'AUTH_REQUIRED');
  t.match(
    world.machine.accounts().map(({ name, email }) => [name, email]),
    [
      ['ann', null],
      ['bob', 'a@example.org'],
    ],
    'the list in order shows what is',
  );
});

t.test(
  'change-password: ends the other sessions, keeps this one, refuses logins verified before',
  async (t) => {
    const world = new World();
    const account = world.register('ann');
    for (const id of [1, 2, 3]) world.numbered(id, 1, { kind: 'login', account, credential: 1 });
    const change = { kind: 'change-password', credential: 1, passwordHash: 'new' } as const;
    const { events, result } = world.numbered(2, 2, change);
    t.same(result, { ok: true, receipt: { kind: 'password-changed' } });
    t.same(events, [
      { kind: 'session-ended', session: sessionId(1) },
      { kind: 'session-ended', session: sessionId(3) },
      { kind: 'credential-changed', account, by: sessionId(2) },
    ]);
    t.equal(said(world.numbered(1, 2, textTo('ann', 'x'))), 'SESSION_EXPIRED');
    t.equal(said(world.numbered(2, 3, textTo('ann', 'x'))), 'sent');
    t.equal(said(world.numbered(2, 2, change)), 'password-changed', 'its retry');
    t.equal(said(world.numbered(4, 1, { kind: 'login', account, credential: 1 })), 'BAD_CREDENTIALS');
    t.equal(said(world.numbered(2, 4, change)), 'DENIED', 'verified against a hash that is no more');
    t.match(world.machine.accountById(account), { passwordHash: 'new', credential: 2 });
  },
);

t.test('change-password: a raw line that logged in with the old one is nobody', async (t) => {
  const world = new World();
  const account = world.register('ann');
  const send = (credential: number) =>
    said(
      world.apply({
        numbering: null,
        actor: { account, session: null, credential },
        command: textTo('ann', 'x'),
      }),
    );
  t.equal(send(1), 'sent');
  world.raw({ kind: 'change-password', credential: 1, passwordHash: 'new' }, account);
  t.equal(send(1), 'AUTH_REQUIRED');
  t.equal(send(2), 'sent');
});

t.test('rehash: the same password under another hash logs nobody out', async (t) => {
  const world = new World();
  const account = world.register('ann');
  world.numbered(1, 1, { kind: 'login', account, credential: 1 });
  const rehash = { kind: 'rehash', account, credential: 1, passwordHash: 'stronger' } as const;
  t.equal(said(world.numbered(1, 2, rehash)), 'DENIED', 'never a client’s');
  t.equal(said(world.raw(rehash)), 'noted');
  t.match(world.machine.accountById(account), { passwordHash: 'stronger', credential: 1 });
  t.equal(said(world.raw({ ...rehash, credential: 2, passwordHash: 'late' })), 'noted');
  t.equal(world.machine.accountById(account)?.passwordHash, 'stronger');
});

t.test('guest: holds a name that nobody has, until its lease is over', async (t) => {
  const world = new World();
  world.register('ann');
  const enter = (name: string) => said(world.raw({ kind: 'enter-guest', name, uuid: uuid(1) }));
  t.equal(enter('ANN'), 'NAME_TAKEN');
  t.equal(enter('a'), 'BAD_NAME');
  t.equal(enter('guest'), 'guest-entered');
  t.equal(enter('guest'), 'NAME_TAKEN');
  const id = world.machine.accountByName('guest')?.id ?? 0;
  t.match(world.machine.accountById(id), { kind: 'guest', passwordHash: '' });
  world.clusterMs += limits.guestLeaseMs - 1;
  t.equal(said(world.raw({ kind: 'renew-guests', accounts: [id, 999] })), 'noted');
  await world.reload();
  world.clusterMs += limits.guestLeaseMs - 1;
  t.equal(said(world.raw(textTo('ann', 'hi'), id)), 'sent', 'renewed in time');
  world.clusterMs += 1;
  const { events } = world.raw({ kind: 'logout' });
  t.same(events, [{ kind: 'account-deleted', account: id, name: 'guest' }], 'of whatever entry comes next');
  t.equal(world.machine.accountByName('guest'), undefined);
  t.equal(said(world.raw({ kind: 'register', name: 'guest', passwordHash: 'h' })), 'registered');
  world.store();
  t.same(
    [...world.rows.keys()].filter((key) => key.startsWith('l/')),
    [],
  );
});

t.test('guest: a session that asks again is told what it was told, and is the same guest', async (t) => {
  const world = new World();
  const enter = (session: number, sequence: number, name: string) =>
    world.numbered(session, sequence, { kind: 'enter-guest', name, uuid: uuid(session) });
  const first = enter(1, 1, 'visitor');
  t.equal(said(first), 'guest-entered');
  await world.reload();
  const again = enter(1, 1, 'visitor');
  t.same(again.result, first.result);
  t.same(again.events, []);
  t.equal(said(enter(1, 1, 'other')), 'CONFLICT');
  t.equal(said(enter(1, 2, 'other')), 'ALREADY_LOGGED_IN');
  t.equal(said(enter(2, 1, 'visitor')), 'NAME_TAKEN');
  t.equal(said(world.numbered(1, 3, { kind: 'delete-account', name: 'visitor' })), 'account-deleted');
  t.equal(said(enter(2, 1, 'visitor')), 'NAME_TAKEN', 'also where the name is free by then');
  t.equal(said(enter(2, 2, 'visitor')), 'guest-entered', 'as a new request it is another matter');
});

t.test('guest: many whose node died go in the same order on a restored node', async (t) => {
  const enter = (world: World): void => {
    for (let at = 0; at < 40; at++) world.raw({ kind: 'enter-guest', name: `guest${at}`, uuid: uuid(1) });
    world.raw({ kind: 'renew-guests', accounts: [30, 3, 20] });
  };
  const [steady, restored] = [new World(), new World()];
  for (const world of [steady, restored]) enter(world);
  await restored.reload();
  for (let entry = 0; entry < 4; entry++) {
    for (const world of [steady, restored]) world.clusterMs += limits.guestLeaseMs;
    const [a, b] = [steady.raw({ kind: 'logout' }), restored.raw({ kind: 'logout' })];
    t.same(b, a);
    t.ok(a.events.length <= 16, 'a bounded share at each entry');
  }
  t.equal(steady.machine.accounts().length, 0);
});

t.test(
  'guest: sessions that one entry ends are forgotten in the same order on a restored node',
  async (t) => {
    const enter = (world: World): void => {
      for (let at = 0; at < 10; at++) {
        world.raw({ kind: 'enter-guest', name: `guest${at}`, uuid: uuid(1) });
        const login = { kind: 'login', account: world.index, credential: 1 } as const;
        // The later guest has the lower ids.
        for (const device of [0, 1])
          t.equal(said(world.numbered(100 - 2 * at - device, 1, login)), 'logged-in');
      }
    };
    const [steady, restored] = [new World(), new World()];
    for (const world of [steady, restored]) {
      enter(world);
      world.clusterMs += limits.guestLeaseMs;
      world.raw({ kind: 'logout' });
      t.equal(world.machine.accounts().length, 0);
    }
    await restored.reload();
    for (const world of [steady, restored]) {
      world.clusterMs += 20 * 60_000;
      world.raw({ kind: 'logout' });
      world.store();
    }
    t.equal(steady.rows.size, 4, 'a bounded share has gone');
    t.equal(restored.machine.digest(), steady.machine.digest());
  },
);

t.test('bearer: its name is made of the hash of its secret, and no registration can take it', async (t) => {
  const world = new World();
  const enter = { kind: 'register-bearer', secretHash: secretHash(7), uuid: uuid(1) } as const;
  t.same(world.raw(enter).result, {
    ok: true,
    receipt: { kind: 'bearer-registered', account: 1, name: 'user-77777777' },
  });
  t.equal(said(world.raw(enter)), 'NAME_TAKEN');
  t.equal(said(world.raw({ ...enter, secretHash: 'x' })), 'BAD_REQUEST');
  t.equal(said(world.raw({ kind: 'register', name: 'user-77777777', passwordHash: 'h' })), 'BAD_NAME');
  t.equal(said(world.raw({ kind: 'change-password', credential: 1, passwordHash: 'h' }, 1)), 'DENIED');
});

t.test('codec: every command about accounts comes back as it was, and so does every receipt', async (t) => {
  const commands: readonly Command[] = [
    { kind: 'register', name: 'ann', passwordHash: 'h' },
    {
      kind: 'register',
      name: 'ann',
      passwordHash: 'h',
      uuid: uuid(1),
      displayName: 'Ann',
      email: 'a@b.c',
      invitation: secretHash(1),
    },
    { kind: 'register', name: 'ann', passwordHash: 'h', email: 'a@b.c' },
    { kind: 'register', name: 'ann', passwordHash: 'h', names: 'unicode' },
    { kind: 'enter-guest', name: 'guest', uuid: uuid(2), names: 'unicode' },
    { kind: 'login', account: 1, credential: 2 },
    {
      kind: 'login',
      account: 1,
      credential: 2,
      previous: { session: sessionId(1), secretHash: secretHash(2) },
    },
    { kind: 'change-password', credential: 300, passwordHash: 'h' },
    { kind: 'rehash', account: 1, credential: 2, passwordHash: 'h' },
    { kind: 'set-profile' },
    { kind: 'set-profile', displayName: null, email: 'a@b.c' },
    { kind: 'enter-guest', name: 'guest', uuid: uuid(2) },
    { kind: 'renew-guests', accounts: [1, 2 ** 40] },
    { kind: 'register-bearer', secretHash: secretHash(3), uuid: uuid(3) },
    { kind: 'register-bearer', secretHash: secretHash(3), uuid: uuid(3), invitation: secretHash(4) },
    { kind: 'create-invitation', codeHash: secretHash(4), uses: 5, lifetimeMs: 86_400_000 },
    { kind: 'note-attempts', attempts: [{ key: 'a:1', failures: 5, cleared: true }] },
  ];
  for (const command of commands) {
    const proposal = { numbering: null, actor: null, command };
    t.same(decodeProposal(encodeProposal(proposal)), proposal, command.kind);
  }
  const raw = {
    numbering: null,
    actor: { account: 7, session: null, credential: 3 },
    command: { kind: 'logout' },
  } as const;
  t.same(decodeProposal(encodeProposal(raw)), raw);
  const receipts: readonly Receipt[] = [
    { kind: 'password-changed' },
    { kind: 'profile-set' },
    { kind: 'guest-entered', account: 1, name: 'guest' },
    { kind: 'bearer-registered', account: 1, name: 'user-00000000' },
    { kind: 'noted' },
  ];
  for (const receipt of receipts) {
    const writer = new ByteWriter();
    writer.begin(1);
    writeResult(writer, { ok: true, receipt });
    const back = readAll(writer.take(), (reader) => (reader.byte() === 1 ? readResult(reader) : null));
    t.same(back, { ok: true, receipt }, receipt.kind);
  }
});
