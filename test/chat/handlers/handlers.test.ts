import t from 'tap';
import { limits } from '../../../src/base/limits.ts';
import { numbering, said, sessionId, textTo, World } from '../support/world.ts';

t.test('register: names are ASCII letters and digits, 2 to 20', async (t) => {
  const world = new World();
  const register = (name: string) => said(world.raw({ kind: 'register', name, passwordHash: 'h' }));
  for (const name of ['ab', 'Zed9', 'a'.repeat(20)]) t.equal(register(name), 'registered', name);
  for (const name of ['a', 'a'.repeat(21), '', 'a b', 'a|b', 'ä1', 'еvan', 'a\u0000', 'a\n', '__proto__']) {
    t.equal(register(name), 'BAD_NAME', JSON.stringify(name));
  }
});

t.test('register: a name is taken whatever its letter case, and shown as registered', async (t) => {
  const world = new World();
  const id = world.register('Ann');
  t.equal(said(world.raw({ kind: 'register', name: 'aNN', passwordHash: 'h' })), 'NAME_TAKEN');
  t.match(world.machine.accountByName('ann'), { id, name: 'Ann', credential: 1 });
  t.equal(world.machine.accountById(id)?.name, 'Ann');
  // The Kelvin sign is no K here, as it would be for the platform's lower case.
  world.register('kate');
  t.equal(world.machine.accountByName('\u212aate'), undefined);
});

t.test('register: logs nobody in, and is not for someone who is', async (t) => {
  const world = new World();
  const id = world.register('ann');
  t.equal(said(world.raw({ kind: 'register', name: 'bob', passwordHash: 'h' }, id)), 'ALREADY_LOGGED_IN');
  const answer = world.numbered(1, 1, { kind: 'register', name: 'bob', passwordHash: 'h' });
  t.match(answer.events, [{ kind: 'account-registered', name: 'bob' }]);
  t.equal(world.machine.session(sessionId(1))?.account, null);
});

t.test('login: binds the session once, and only to what was verified', async (t) => {
  const world = new World();
  const account = world.register('ann');
  const login = (session: number, sequence: number, credential: number, id = account) =>
    said(world.numbered(session, sequence, { kind: 'login', account: id, credential }));
  t.equal(login(1, 1, 2), 'BAD_CREDENTIALS', 'another password was verified than the present one');
  t.equal(login(1, 2, 1, 999), 'BAD_CREDENTIALS', 'the account is gone');
  t.equal(login(1, 3, 1), 'logged-in', 'a session may try again');
  t.equal(login(1, 4, 1), 'ALREADY_LOGGED_IN');
  t.equal(world.machine.session(sessionId(1))?.account, account);
});

t.test('login: on a raw line it is an answer without state', async (t) => {
  const world = new World();
  const account = world.register('ann');
  world.store();
  const before = world.machine.digest();
  t.equal(said(world.raw({ kind: 'login', account, credential: 1 })), 'logged-in');
  t.equal(said(world.raw({ kind: 'login', account, credential: 2 })), 'BAD_CREDENTIALS');
  t.equal(said(world.raw({ kind: 'login', account, credential: 1 }, account)), 'ALREADY_LOGGED_IN');
  t.equal(world.machine.digest(), before);
  t.equal(world.machine.takeChanges().puts.size, 0);
});

t.test('logout: ends the session at once, anonymous ones too', async (t) => {
  const world = new World();
  const account = world.register('ann');
  world.numbered(1, 1, { kind: 'login', account, credential: 1 });
  const { events } = world.numbered(1, 2, { kind: 'logout' });
  t.same(events, [{ kind: 'session-ended', session: sessionId(1) }]);
  t.equal(world.machine.session(sessionId(1)), undefined);
  t.equal(said(world.numbered(1, 3, textTo('ann', 'x'))), 'SESSION_EXPIRED');
  world.numbered(2, 1, { kind: 'register', name: 'bob', passwordHash: 'h' });
  t.equal(said(world.numbered(2, 2, { kind: 'logout' })), 'logged-out');
  t.equal(said(world.raw({ kind: 'logout' })), 'AUTH_REQUIRED', 'a raw line that is not logged in');
  t.equal(said(world.raw({ kind: 'logout' }, account)), 'logged-out');
});

t.test('send: both sides share one conversation, whoever writes', async (t) => {
  const world = new World();
  const ann = world.register('ann');
  const bob = world.register('bob');
  const first = world.raw(textTo('BOB', 'hi'), ann);
  t.same(first.result, {
    ok: true,
    receipt: {
      kind: 'sent',
      conversation: 'd:1:2',
      sequence: 1,
      index: 3,
      to: bob,
      number: 1,
      sentMs: 1_700_000_000_000,
    },
  });
  t.match(first.events, [
    { kind: 'message', fromName: 'ann', toName: 'bob', message: { body: { text: 'hi' } } },
  ]);
  world.raw(textTo('ann', 'ho'), bob);
  t.match(world.history('d:1:2'), [
    { conversation: 'd:1:2', sequence: 1, index: 3, from: ann, to: bob, body: { text: 'hi' } },
    { conversation: 'd:1:2', sequence: 2, index: 4, from: bob, to: ann, body: { text: 'ho' } },
  ]);
  t.match(world.machine.conversation('d:1:2'), { lastSequence: 2, lastIndex: 4, members: [ann, bob] });
  t.equal(world.machine.directConversation(bob, ann), 'd:1:2');
  t.match(world.machine.conversationsOf(bob), [{ id: 'd:1:2' }]);
});

t.test('send: to oneself is a conversation with one member', async (t) => {
  const world = new World();
  const ann = world.register('ann');
  t.equal(said(world.raw(textTo('ann', 'note'), ann)), 'sent');
  t.same(membersOf(world, 'd:1:1'), [ann]);
  t.equal(world.machine.conversationsOf(ann).length, 1);
});

t.test('send: refused without login, receiver, or a text of 1 to 8192 bytes', async (t) => {
  const world = new World();
  const ann = world.register('ann');
  const send = (to: string, text: string, account: number | null = ann) =>
    said(world.raw(textTo(to, text), account));
  t.equal(send('ann', 'x', null), 'AUTH_REQUIRED');
  t.equal(send('ann', 'x', 77), 'AUTH_REQUIRED', 'an account that is gone');
  t.equal(send('nobody', 'x'), 'UNKNOWN_USER');
  t.equal(send('ann', ''), 'BAD_REQUEST');
  const most = limits.messageBytes;
  t.equal(send('ann', 'x'.repeat(most)), 'sent');
  t.equal(send('ann', 'x'.repeat(most + 1)), 'TOO_LONG');
  t.equal(send('ann', '💬'.repeat(most / 4)), 'sent', 'bytes are counted, not characters');
  t.equal(send('ann', `${'💬'.repeat(most / 4)}x`), 'TOO_LONG');
  t.equal(send('ann', 'é'.repeat(most / 2)), 'sent');
  t.equal(send('ann', `${'é'.repeat(most / 2)}x`), 'TOO_LONG');
});

t.test('send: refusals leave no trace', async (t) => {
  const world = new World();
  const ann = world.register('ann');
  world.store();
  const before = world.machine.digest();
  for (const text of ['', 'x'.repeat(limits.messageBytes + 1)]) world.raw(textTo('ann', text), ann);
  world.raw(textTo('nobody', 'x'), ann);
  world.raw({ kind: 'delete-account', name: 'bob' }, ann);
  const changes = world.machine.takeChanges();
  t.equal(changes.puts.size + changes.deletes.size + changes.appends.length, 0);
  t.equal(world.machine.digest(), before);
});

t.test('delete-account: only one’s own; all of it goes, messages stay with the other side', async (t) => {
  const world = new World();
  const ann = world.register('ann');
  const bob = world.register('bob');
  world.numbered(1, 1, { kind: 'login', account: ann, credential: 1 });
  world.numbered(2, 1, { kind: 'login', account: ann, credential: 1 });
  world.numbered(1, 2, textTo('bob', 'to stay'));
  world.numbered(1, 3, textTo('ann', 'to go'));
  t.equal(said(world.raw({ kind: 'delete-account', name: 'ann' })), 'AUTH_REQUIRED');
  t.equal(said(world.raw({ kind: 'delete-account', name: 'ann' }, bob)), 'DENIED');
  world.store();
  const { result, events } = world.numbered(1, 4, { kind: 'delete-account', name: 'ANN' });
  t.same(result, { ok: true, receipt: { kind: 'account-deleted', account: ann, name: 'ann' } });
  t.same(
    events.map((event) => event.kind),
    ['session-ended', 'session-ended', 'account-deleted'],
  );
  t.equal(world.machine.accountByName('ann'), undefined);
  t.same(
    world.machine.accounts().map((a) => a.name),
    ['bob'],
  );
  t.equal(world.machine.session(sessionId(1)) ?? world.machine.session(sessionId(2)), undefined);
  t.same(membersOf(world, 'd:1:2'), [bob]);
  t.equal(world.machine.conversationsOf(ann).length, 0);
  t.match(world.history('d:1:2'), [{ body: { text: 'to stay' } }]);
  t.notOk(world.streams.has('d:1:1'), 'a conversation without members is gone');
  t.notOk(world.rows.has('c/d:1:1'));
  world.raw({ kind: 'delete-account', name: 'bob' }, bob);
  world.store();
  t.equal(world.streams.size, 0);
});

t.test('delete-account: the name registered again is somebody else', async (t) => {
  const world = new World();
  const ann = world.register('ann');
  const bob = world.register('bob');
  world.raw(textTo('bob', 'old'), ann);
  world.raw({ kind: 'delete-account', name: 'ann' }, ann);
  const newcomer = world.register('ann');
  t.not(newcomer, ann);
  t.equal(world.machine.conversationsOf(newcomer).length, 0);
  t.equal(said(world.raw(textTo('ann', 'x'), ann)), 'AUTH_REQUIRED');
  const sent = world.raw(textTo('ann', 'new'), bob);
  t.match(sent.result, { receipt: { conversation: `d:${bob}:${newcomer}`, sequence: 1 } });
});

t.test('advance-cursors: forward only, never past the last message, unknown ones passed over', async (t) => {
  const world = new World();
  const ann = world.register('ann');
  const bob = world.register('bob');
  for (const text of ['1', '2', '3']) world.raw(textTo('bob', text), ann);
  const conversation = 'd:1:2';
  const advance = (account: number, delivered: number, id = conversation) =>
    world.raw({ kind: 'advance-cursors', cursors: [{ account, conversation: id, delivered, read: 0 }] });
  t.match(advance(bob, 2).events, [
    { kind: 'cursor-advanced', advance: { account: bob, delivered: 2, read: 0 } },
  ]);
  t.equal(world.machine.conversation(conversation)?.delivered(bob), 2);
  for (const [account, delivered, id] of [
    [bob, 2, conversation],
    [bob, 1, conversation],
    [bob, 4, conversation],
    [99, 1, conversation],
    [bob, 3, 'd:1:99'],
  ] as const) {
    const { result, events } = advance(account, delivered, id);
    t.ok(result.ok);
    t.same(events, [], `${account} ${delivered} ${id}`);
  }
  t.equal(world.machine.conversation(conversation)?.delivered(bob), 2);
  t.equal(world.machine.conversation(conversation)?.delivered(ann), 0, 'each member has its own');
  t.equal(said(world.raw({ kind: 'advance-cursors', cursors: [] }, ann)), 'DENIED', 'never for a client');
});

t.test('accounts: listed in order of their names and found by prefix or glob', async (t) => {
  const world = new World();
  for (const name of ['bob', 'Anna', 'zed', 'ann', 'Bobby', 'an']) world.register(name);
  const names = (found: readonly { name: string }[]) => found.map((account) => account.name).join(' ');
  t.equal(names(world.machine.accounts()), 'an ann Anna bob Bobby zed');
  const search = (pattern: string) => names(world.machine.searchAccounts(pattern));
  t.equal(search('AN'), 'an ann Anna');
  t.equal(search('bob'), 'bob Bobby');
  t.equal(search(''), 'an ann Anna bob Bobby zed');
  t.equal(search('q'), '');
  t.equal(search('*b*'), 'bob Bobby');
  t.equal(search('?nn?'), 'Anna');
  t.equal(search('a*n'), 'an ann');
  t.equal(search('*'), 'an ann Anna bob Bobby zed');
  t.equal(search('???'), 'ann bob zed');
  t.equal(search(`${'?*'.repeat(40)}`), '', 'a pattern over the limit matches nothing');
});

t.test('apply: bytes that mean nothing are refused and change nothing', async (t) => {
  const world = new World();
  world.register('ann');
  world.store();
  const before = world.machine.digest();
  for (const bytes of [[], [0], [1], [2, 0, 0, 3], [1, 0, 0, 9], [1, 0, 0, 3, 0], [1, 2, 0, 3]]) {
    t.equal(said(world.applyBytes(Uint8Array.from(bytes))), 'BAD_REQUEST', bytes.join());
  }
  t.equal(world.machine.digest(), before);
  t.equal(
    said(world.raw({ kind: 'register', name: 'bob', passwordHash: 'x'.repeat(513) })),
    'BAD_REQUEST',
    'what no hash is',
  );
  t.same(numbering(1, 1).session.length, 32);
});

function membersOf(world: World, id: string): readonly number[] {
  const conversation = world.machine.conversation(id);
  return conversation?.kind === 'direct' ? conversation.members : [];
}
