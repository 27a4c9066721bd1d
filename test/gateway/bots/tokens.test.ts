import { createHash, randomBytes } from 'node:crypto';
import t from 'tap';
import { encodeProposal } from '../../../src/chat/codecs/codec.ts';
import { startNodes, type TestNode } from '../../support/gateway.ts';
import { type Frame, NativeClient, newSession } from '../../support/native-client.ts';

const { nodes, stop } = await startNodes(3);
t.teardown(stop);
const [first, second, third] = nodes as [TestNode, TestNode, TestNode];

const newToken = (): string => `cvt_${randomBytes(32).toString('hex')}`;
const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');

async function create(owner: NativeClient, name: string, scopes: string): Promise<[string, Frame]> {
  const token = newToken();
  const reply = await owner.change({ op: 'create-token', name, scopes, hash: hashOf(token) });
  return [token, reply];
}

async function enter(node: TestNode, token: string): Promise<[NativeClient, Frame]> {
  const client = await NativeClient.greet(node.httpPort, newSession());
  return [client, await client.change({ op: 'enter-token', token })];
}

function call(node: TestNode, token: string, method: string, path: string): Promise<Response> {
  const headers = { authorization: `Bearer ${token}` };
  return fetch(`http://127.0.0.1:${node.httpPort}/api/v1/files${path}`, { method, headers });
}

// First, while nothing else is proposed on this cluster.
t.test('token: guesses are no entries in the log, beyond the one that opens a session', async (t) => {
  const guesser = await NativeClient.greet(first.httpPort, newSession());
  await guesser.change({ op: 'enter-token', token: newToken() });
  const before = first.engine.status().appliedIndex;
  for (let tries = 0; tries < 5; tries++) {
    t.match(await guesser.change({ op: 'enter-token', token: newToken() }), { code: 'TOKEN_INVALID' });
  }
  t.equal(first.engine.status().appliedIndex, before);
  guesser.destroy();
});

t.test('token: opens a session on any node, which gets what its account gets', async (t) => {
  const ann = await NativeClient.join(first.httpPort, 'ann');
  const bob = await NativeClient.join(first.httpPort, 'bob');
  const [token, made] = await create(ann, 'reader', 'read');
  t.match(made, { ok: true, value: { op: 'create-token', expiresMs: null } });
  const [bot, entered] = await enter(second, token);
  t.match(entered, { ok: true, value: { op: 'login', user: 'ann' } });
  await bob.change({ op: 'send', to: 'ann', text: 'hello' });
  t.match(await bot.next(({ ev }) => ev === 'message'), { text: 'hello' });
  t.match(await bot.change({ op: 'send', to: 'bob', text: 'no' }), {
    ok: false,
    code: 'SCOPE_MISSING',
    text: 'This needs the scope send.',
  });
  for (const client of [ann, bob, bot]) client.destroy();
});

t.test('token: a resumed session has no more rights than the token that opened it', async (t) => {
  const owner = await NativeClient.join(first.httpPort, 'cat');
  const [token] = await create(owner, 'sender', 'send');
  const credentials = newSession();
  const bot = await NativeClient.greet(second.httpPort, credentials);
  await bot.change({ op: 'enter-token', token });
  bot.destroy();
  const again = await NativeClient.greet(third.httpPort, credentials);
  again.send({ op: 'send', to: 'cat', text: 'hi', n: 2, low: 2 });
  t.match(await again.next(({ n }) => n === 2), { ok: true });
  t.match(await again.query({ op: 'history', with: 'cat', limit: 1 }), { code: 'SCOPE_MISSING' });
  t.match(await again.query({ op: 'tokens' }), {
    code: 'SCOPE_MISSING',
    text: 'This needs a login, not a token.',
  });
  t.match(await again.query({ op: 'profile' }), { ok: true, value: { user: 'cat' } });
  t.same(again.messages(), [], 'nothing is pushed to whoever may not read');
  for (const client of [owner, again]) client.destroy();
});

t.test('token: one that may not read is told of its end all the same, and does nothing more', async (t) => {
  const owner = await NativeClient.join(first.httpPort, 'amy');
  const [token, made] = await create(owner, 'sender', 'send');
  const { id } = made.value as { id: number };
  const [bot] = await enter(second, token);
  const credentials = newSession();
  const resumed = await NativeClient.greet(third.httpPort, credentials);
  await resumed.change({ op: 'enter-token', token });
  resumed.destroy();
  const again = await NativeClient.greet(third.httpPort, credentials);
  await owner.change({ op: 'revoke-token', id });
  t.equal((await bot.closed()).reason, 'SESSION_ENDED');
  t.equal((await again.closed()).reason, 'SESSION_ENDED');
  owner.destroy();
});

t.test('token: over HTTP it is shown in a header, and opens what its scopes name', async (t) => {
  const owner = await NativeClient.join(first.httpPort, 'dan');
  const [reader] = await create(owner, 'reader', 'read');
  const [files] = await create(owner, 'files', 'files');
  t.equal((await call(second, reader, 'GET', '/1')).status, 404);
  t.equal((await call(second, reader, 'POST', '/uploads')).status, 403);
  t.equal((await call(second, reader, 'GET', `/%75ploads/${'0'.repeat(64)}`)).status, 403);
  t.equal((await call(third, files, 'GET', '/1')).status, 403);
  t.equal((await call(third, files, 'GET', `/uploads/${'0'.repeat(64)}`)).status, 404);
  t.equal((await call(third, newToken(), 'GET', '/1')).status, 401);
  const inUrl = await fetch(`http://127.0.0.1:${first.httpPort}/api/v1/files/1?access_token=${reader}`);
  t.equal(inUrl.status, 401, 'a token in an address opens nothing');
  owner.destroy();
});

t.test(
  'token: revoked on one node, it opens nothing on another, and its connections are closed',
  async (t) => {
    const owner = await NativeClient.join(first.httpPort, 'eve');
    const [token, made] = await create(owner, 'reader', 'read send');
    const { id } = made.value as { id: number };
    const [bot] = await enter(second, token);
    t.match(await owner.query({ op: 'tokens' }), {
      ok: true,
      value: { tokens: [{ id, name: 'reader', scopes: ['read', 'send'] }] },
    });
    t.match(await owner.change({ op: 'revoke-token', id }), { ok: true });
    t.equal((await bot.closed()).reason, 'SESSION_ENDED');
    const [, refused] = await enter(third, token);
    t.match(refused, { ok: false, code: 'TOKEN_INVALID' });
    t.equal((await call(third, token, 'GET', '/1')).status, 401);
    t.match(await owner.query({ op: 'tokens' }), { value: { tokens: [] } });
    owner.destroy();
  },
);

t.test('token: what is wrong with a wish for one is said', async (t) => {
  const owner = await NativeClient.join(first.httpPort, 'fay');
  const [, unknown] = await create(owner, 'x', 'read everything');
  t.match(unknown, {
    code: 'BAD_REQUEST',
    text: 'Scopes are: read send files manage-groups hooks admin.',
  });
  const [, twice] = await create(owner, 'x', 'read read');
  t.match(twice, { ok: true }, 'said twice is said');
  const [, taken] = await create(owner, 'x', 'send');
  t.match(taken, { code: 'NAME_TAKEN' });
  owner.destroy();
});

t.test('token: the scope admin opens what its account may administer, and no other scope does', async (t) => {
  const credentials = newSession();
  const owner = await NativeClient.join(first.httpPort, 'gil', credentials);
  const [reader] = await create(owner, 'reader', 'read send files manage-groups hooks');
  const [admin] = await create(owner, 'admin', 'admin');
  const ask = (token: string) =>
    fetch(`http://127.0.0.1:${second.httpPort}/api/v1/admin/users`, {
      headers: { authorization: `Bearer ${token}` },
    });
  t.equal((await ask(admin)).status, 403, 'who is no administrator has none to give');
  const account = first.engine.machine.accountByName('gil')?.id ?? 0;
  const command = { kind: 'set-role', account, administrator: true } as const;
  await first.engine.propose(encodeProposal({ numbering: null, actor: null, command }));
  t.equal((await ask(admin)).status, 200);
  const refused = await ask(reader);
  t.match([refused.status, await refused.json()], [403, { code: 'SCOPE_MISSING' }]);
  owner.destroy();
});
