/**
 * The HTTP API as its document describes it, on a real cluster: each documented operation is called, on nodes that do not lead, and each
 * answer is one that the document knows.
 */
import { randomUUID } from 'node:crypto';
import { Validator } from '@seriousme/openapi-schema-validator';
import t from 'tap';
import { RealCluster } from '../../scripts/support/real-cluster.ts';
import { until } from '../../scripts/support/until.ts';
import { OperatorClient } from '../../src/cli/cluster/operator-client.ts';
import { callerFor } from '../../src/client/http-caller.ts';
import { chunkBytes } from '../../src/protocol/manifest.ts';
import { loadClusterKey } from '../../src/replication/transport/cluster-key.ts';
import { makeFile } from '../files/support/file-cluster.ts';
import { useAccounts, useNodes } from './support/api-administration.ts';
import { Person } from './support/api-person.ts';
import { DocumentedApi, needsLogin, readDocument } from './support/documented-api.ts';
import { patienceOfFileMs } from './support/patience.ts';

t.setTimeout(patienceOfFileMs);
const cluster = await RealCluster.start({ label: 'api' });
t.teardown(() => cluster.dispose({ keep: !t.passing() }));
t.afterEach((test) => {
  if (!test.passing()) test.comment(cluster.reportAll(20));
});

const originOf = (id: number): string => `http://127.0.0.1:${cluster.node(id).httpPort}`;
const leader = await cluster.leader();
const followers = cluster.nodes.filter(({ id }) => id !== leader.id).map(({ id }) => originOf(id));
const [first = '', second = ''] = followers;
const document = await readDocument(first);
const api = new DocumentedApi(document);

const person = (name: string): Person => new Person(name, api, followers);

const ann = await person('ann').join();
const bob = await person('bob').join();

t.test(
  'document: it is valid OpenAPI 3.1, every node gives the same, and its page runs nothing inline',
  async (t) => {
    t.equal(document.openapi, '3.1.0');
    const verdict = await new Validator().validate(structuredClone({ ...document }));
    t.ok(verdict.valid, JSON.stringify(verdict.errors));
    t.strictSame(await readDocument(originOf(leader.id)), document);
    const page = await fetch(`${first}/api/docs/`);
    const policy = page.headers.get('content-security-policy') ?? '';
    t.equal(page.status, 200);
    t.equal(page.headers.get('x-content-type-options'), 'nosniff');
    t.match(policy, "script-src 'self'");
    t.notMatch(policy, 'unsafe-inline');
    const html = await page.text();
    t.notMatch(html, /<script(?![^>]*\ssrc=)[^>]*>|https?:\/\//, 'nothing inline, nothing from elsewhere');
    const [script = ''] = /src="([^"]*swagger-ui-bundle\.js)"/.exec(html)?.slice(1) ?? [];
    t.equal((await fetch(new URL(script, `${first}/api/docs/`))).status, 200);
  },
);

t.test('access: whatever is not open wants a login, and says so as documented', async (t) => {
  const stranger = person('nobody');
  for (const [operationId, { operation }] of api.operations) {
    if (!needsLogin(operation)) continue;
    const got = await stranger.ask(operationId, { params: { id: 1, place: 0 } });
    t.match([operationId, got.status, got.json.code], [operationId, 401, 'AUTH_REQUIRED']);
    t.match(got.headers.get('www-authenticate'), 'Bearer');
  }
});

t.test('accounts and sessions: one’s own profile, password, sessions', async (t) => {
  t.match(await ann.get('ownAccount'), { user: 'ann', displayName: null });
  t.match(await ann.get('changeAccount', { body: { displayName: 'Ann', email: 'ann@example.org' } }), {
    displayName: 'Ann',
  });
  t.match(await ann.get('ownAccount', { query: { stale: true } }), { email: 'ann@example.org' });
  t.match(await ann.get('currentSession'), { user: 'ann', via: 'bearer' });
  t.match(await ann.get('deriveSession', { body: {} }), { user: 'ann' });
  await ann.get('changePassword', { body: { current: 'pw', password: 'pw2' } });
  t.equal((await ann.ask('changePassword', { body: { current: 'pw', password: 'x' } })).json.code, 'DENIED');
  const going = await person('going').join();
  await going.get('logOut');
  t.equal((await going.ask('logOut')).status, 401);
  const gone = await person('gone').join();
  await gone.get('deleteAccount');
  t.equal((await gone.ask('ownAccount')).status, 401);
  t.equal(
    (await person('ann').ask('register', { body: { user: 'ANN', password: 'x' } })).json.code,
    'NAME_TAKEN',
  );
  t.equal((await ann.ask('changeAccount', { body: { nickname: 'x' } })).json.code, 'BAD_REQUEST');
});

t.test('conversations: said on one node, read, counted and marked as read on another', async (t) => {
  const sent = await ann.get('sendMessage', { params: { conversation: 'bob' }, body: { text: 'hi bob' } });
  t.match(sent, { to: 'bob', sequence: 1 });
  const id = String(sent.conversation);
  const answered = { text: 'hi ann', replyTo: 1, receipt: true };
  await bob.get('sendMessage', { params: { conversation: id }, body: answered });
  const params = { conversation: 'bob' };
  t.match(await ann.get('messages', { params }), {
    messages: [
      { sequence: 1, text: 'hi bob' },
      { sequence: 2, text: 'hi ann', replyTo: 1 },
    ],
  });
  t.match(await ann.get('messages', { params, query: { after: 1, limit: 1 } }), {
    messages: [{ sequence: 2 }],
  });
  t.match(await ann.get('messages', { params, query: { since: 1 } }), { messages: [{ sequence: 1 }, {}] });
  t.match(await bob.get('messages', { params: { conversation: id }, query: { before: 2 } }), {
    messages: [{ from: 'ann' }],
  });
  t.match(await ann.get('conversations'), { conversations: [{ conversation: id, name: 'bob', unread: 1 }] });
  t.strictSame(await ann.get('markRead', { params: { conversation: id }, body: { read: 2 } }), {
    conversation: id,
    delivered: 2,
    read: 2,
  });
  t.match(await ann.get('conversations'), { conversations: [{ unread: 0 }] });
  t.match(await bob.get('conversations'), { conversations: [{ others: { read: 2 } }] });
  const lobby = { conversation: 'lobby' };
  t.match(await bob.get('sendMessage', { params: lobby, body: { text: 'all' } }), { to: '#lobby' });
  t.match(await ann.get('messages', { params: lobby }), { messages: [{ from: 'bob', text: 'all' }] });
  const wrong = await ann.ask('sendMessage', { params: { conversation: 'nobody' }, body: { text: 'x' } });
  t.equal(wrong.json.code, 'UNKNOWN_USER');
  const foreign = await (await person('eve').join()).ask('messages', { params: { conversation: id } });
  t.equal(foreign.json.code, 'UNKNOWN_USER');
  const long = { text: 'x'.repeat(8_193) };
  t.equal((await ann.ask('sendMessage', { params, body: long })).json.code, 'TOO_LONG');
});

t.test(
  'amendments: a message is edited, reacted to and deleted, and whoever reads sees what it is',
  async (t) => {
    const conversation = 'bob';
    const sent = await ann.get('sendMessage', { params: { conversation }, body: { text: 'tipo' } });
    const params = { conversation: String(sent.conversation), sequence: Number(sent.sequence) };
    const reaction = { ...params, reaction: '👍' };
    t.match(await ann.get('editMessage', { params, body: { text: 'typo' } }), { sequence: sent.sequence });
    t.equal((await bob.ask('editMessage', { params, body: { text: 'x' } })).json.code, 'DENIED');
    await bob.get('react', { params: reaction });
    const query = { after: params.sequence - 1, limit: 1 };
    t.match(await bob.get('messages', { params: { conversation: 'ann' }, query }), {
      messages: [{ text: 'typo', reactions: [{ reaction: '👍', users: ['bob'] }] }],
    });
    await bob.get('unreact', { params: reaction });
    await ann.get('deleteMessage', { params: { ...params, conversation } });
    const { messages } = await bob.get('messages', { params: { conversation: 'ann' }, query });
    t.match(messages, [{ deleted: true }]);
    t.notMatch(JSON.stringify(messages), 'typo');
    t.match(await bob.get('amendments', { params: { conversation: 'ann' }, query: { limit: 10 } }), {
      amendments: [{ by: 'ann', deleted: true }],
    });
  },
);

t.test('groups: made, joined, handed on, renamed, closed, left, deleted', async (t) => {
  t.match(await ann.get('createGroup', { body: { group: 'team', password: 'secret' } }), { group: 'team' });
  const params = { group: 'team' };
  t.equal(
    (await bob.ask('joinGroup', { params, body: { password: 'x' } })).json.code,
    'GROUP_PASSWORD_WRONG',
  );
  await bob.get('joinGroup', { params, body: { password: 'secret' } });
  t.match(await bob.get('members', { params }), { members: [{ name: 'ann', owner: true }, { name: 'bob' }] });
  await bob.get('sendMessage', { params: { conversation: '#team' }, body: { text: 'hi team' } });
  t.equal((await bob.ask('renameGroup', { params, body: { name: 'mine' } })).json.code, 'DENIED');
  t.match(await ann.get('renameGroup', { params, body: { name: 'crew' } }), { group: 'crew' });
  const crew = { group: 'crew' };
  await ann.get('setGroupPassword', { params: crew, body: {} });
  t.match(await bob.get('groups'), { groups: [{ name: 'crew', closed: false, members: 2 }] });
  await ann.get('setGroupRetention', { params: crew, body: { days: 30 } });
  t.match(await bob.get('groups'), { groups: [{ name: 'crew', keepDays: 30 }] });
  await ann.get('transferGroup', { params: crew, body: { user: 'bob' } });
  await ann.get('leaveGroup', { params: crew });
  await ann.get('joinGroup', { params: crew, body: {} });
  await bob.get('removeMember', { params: { ...crew, user: 'ann' } });
  t.equal((await ann.ask('members', { params: { group: 'nowhere' } })).json.code, 'UNKNOWN_GROUP');
  await bob.get('deleteGroup', { params: crew });
  t.equal((await bob.ask('deleteGroup', { params: crew })).json.code, 'UNKNOWN_GROUP');
});

t.test('files: uploaded in pieces through two nodes, sent, fetched whole and by range', async (t) => {
  const file = makeFile(chunkBytes + 100);
  const manifest = file.address;
  t.match(await ann.get('beginUpload', { body: file.encoded }), { manifest, chunks: 2, missing: [0, 1] });
  for (const [place, body] of file.chunks.entries())
    await ann.get('putChunk', { params: { manifest, place }, body });
  t.match(await ann.get('uploadState', { params: { manifest } }), { missing: [] });
  const description = {
    name: 'a.bin',
    type: 'application/octet-stream',
    bytes: file.content.length,
    manifest,
  };
  const sent = await ann.get('sendFile', { params: { conversation: 'bob' }, body: description });
  const params = { id: Number(sent.index) };
  t.same((await bob.ask('downloadFile', { params })).bytes, file.content);
  const part = await bob.ask('downloadFile', { params, headers: { range: 'bytes=10-19' } });
  t.equal(part.status, 206);
  t.same(part.bytes, file.content.subarray(10, 20));
  t.same((await bob.ask('downloadManifest', { params })).bytes, file.encoded);
  const other = makeFile(50, 2);
  await ann.get('beginUpload', { body: other.encoded });
  await ann.get('cancelUpload', { params: { manifest: other.address } });
  t.equal(
    (await ann.ask('uploadState', { params: { manifest: other.address } })).json.code,
    'UNKNOWN_UPLOAD',
  );
});

t.test('people: who there is, who is here, what was said; and all of one’s own', async (t) => {
  t.match(await bob.get('users'), {
    users: [{ name: 'ann' }, { name: 'bob' }, { name: 'eve' }, { name: 'going' }],
  });
  t.match(await bob.get('users', { query: { pattern: 'a*' } }), { users: [{ name: 'ann', online: false }] });
  t.match(await bob.get('presence', { query: { stale: true } }), { online: [] });
  await until('the message is found', 30_000, async () => {
    const { messages } = await bob.get('search', { query: { text: 'hi bob' } });
    return Array.isArray(messages) && messages.length === 1;
  });
  const lines = Buffer.from((await ann.ask('exportOwn')).bytes)
    .toString()
    .trim()
    .split('\n');
  const types = lines.map((line) => (JSON.parse(line) as { type: string }).type);
  t.match([types[0], types[1], types.at(-1)], ['profile', 'conversation', 'end']);
  t.ok(lines.some((line) => line.includes('"type":"message"') && line.includes('hi bob')));
});

t.test('programs: tokens with scopes, the stream of events, webhooks', async (t) => {
  const made = await ann.get('createToken', { body: { name: 'bot', scopes: ['read'] } });
  t.match(await ann.get('listTokens'), { tokens: [{ id: made.id, name: 'bot', scopes: ['read'] }] });
  const bot = person('bot');
  bot.token = String(made.token);
  t.equal(
    (await bot.ask('createToken', { body: { name: 'x', scopes: ['admin'] } })).json.code,
    'SCOPE_MISSING',
  );
  const hook = await ann.get('createHook', { body: { to: 'bob', name: 'CI' } });
  const secret = { authorization: `Bearer ${hook.secret}`, 'idempotency-key': randomUUID() };
  const posted = { params: { id: Number(hook.id) }, body: { text: 'built' }, headers: secret };
  const first = await bob.get('postToHook', posted);
  t.strictSame(await bob.get('postToHook', posted), first, 'from another node');
  t.equal((await bot.ask('postToHook', { ...posted, headers: {} })).json.code, 'AUTH_REQUIRED');
  let isRevoked = false;
  const stream = await bot.ask('streamEvents', {
    query: { after: Number(first.index) - 1 },
    onMore: async (text) => {
      if (isRevoked || !text.includes('built')) return;
      isRevoked = true;
      await ann.get('revokeToken', { params: { id: Number(made.id) } });
    },
  });
  const events = Buffer.from(stream.bytes).toString();
  t.match(events, new RegExp(`id: ${first.index}\nevent: message\ndata: .*"text":"built","via":"CI"`));
  t.match(events, '"code":"SESSION_ENDED"');
  const out = await ann.get('createHook', { body: { to: 'bob', name: 'out', url: 'http://127.0.0.1:9/' } });
  const params = { id: Number(out.id) };
  await ann.get('resumeHook', { params });
  t.match(await ann.get('listHooks'), {
    hooks: [{ direction: 'in' }, { direction: 'out', suspended: false }],
  });
  await ann.get('removeHook', { params });
  t.equal((await ann.ask('removeHook', { params })).json.code, 'UNKNOWN_HOOK');
});

t.test('invitations: an administrator’s to make, good for a registration, and noted', async (t) => {
  t.equal((await ann.ask('invite', { body: {} })).json.code, 'DENIED');
  const addresses = cluster.nodes.map(({ host, httpPort }) => ({ host, port: httpPort }));
  const key = await loadClusterKey(cluster.configPath, false);
  const operator = new OperatorClient(addresses, key, callerFor(cluster.trust));
  const body = { user: 'ann', administrator: true };
  t.match(await operator.ask({ method: 'POST', path: '/admin/role', body }), { kind: 'done' });
  const { code } = await ann.get('invite', { body: { uses: 1 } });
  const invited = { user: 'ivy', password: 'pw', invitation: code };
  t.match(await person('ivy').get('register', { body: invited }), { user: 'ivy' });
  t.equal(
    (await person('joy').ask('register', { body: { ...invited, user: 'joy' } })).json.code,
    'INVITATION_INVALID',
  );
  const log = JSON.stringify(await operator.ask({ method: 'GET', path: '/admin/log' }));
  t.match(log, 'invite');
  t.notMatch(log, String(code));
});

t.test('tokens: a program that has one asks as its owner, and opens nothing that outlives it', async (t) => {
  const made = await bob.get('createToken', { body: { name: 'reader', scopes: ['read'] } });
  const bot = person('bob');
  bot.token = String(made.token);
  t.match(await bot.get('currentSession'), { user: 'bob', session: null, via: 'token' });
  t.equal((await bot.ask('deriveSession', { body: {} })).json.code, 'SCOPE_MISSING');
  for (const operationId of ['logOut', 'deleteAccount']) {
    t.equal((await bot.ask(operationId)).json.code, 'SCOPE_MISSING', operationId);
  }
});

t.test('administration: accounts and groups, for an administrator and for nobody else', async (t) => {
  await useAccounts(t, api, { administrator: ann, other: bob, stranger: person('zoe') });
});

t.test('administration: nodes, who leads, and the log of what was done', async (t) => {
  await useNodes(t, cluster, ann);
});

t.test(
  'idempotency: a message whose answer was lost with its leader is sent once, by another node',
  async (t) => {
    const ask = {
      params: { conversation: 'bob' },
      body: { text: 'only once' },
      headers: { authorization: `Bearer ${ann.token}`, 'idempotency-key': randomUUID() },
    };
    const sent = await api.call(originOf(leader.id), 'sendMessage', ask);
    t.equal(sent.status, 201);
    const killed = await api.call(originOf(leader.id), 'killNode', {
      headers: { authorization: `Bearer ${ann.token}` },
    });
    t.strictSame(killed.json, { status: 'done' });
    await cluster.process(leader.id).exited;
    const again = await until('another node answers', 30_000, async () => {
      const got = await api.call(second, 'sendMessage', ask);
      return got.status === 503 || got.status === 504 ? null : got;
    });
    t.strictSame([again.status, again.json], [201, sent.json]);
    const other = await api.call(first, 'sendMessage', { ...ask, body: { text: 'something else' } });
    t.match([other.status, other.json.code], [409, 'CONFLICT']);
    const { messages } = await ann.get('messages', { params: ask.params });
    t.equal(JSON.stringify(messages).split('only once').length, 2);
  },
);

t.test('document: nothing is documented that was not exercised', async (t) => {
  t.strictSame([...api.exercised].sort(), [...api.operations.keys()].sort());
});

t.test('no majority: 503 with Retry-After, for a read as for a change', async (t) => {
  const [left, other] = cluster.runningIds;
  if (left === undefined || other === undefined) throw new Error('two nodes run');
  await cluster.end(other);
  const headers = { authorization: `Bearer ${ann.token}` };
  const got = await until('it notices', 30_000, async () => {
    const answer = await api.call(originOf(left), 'conversations', { headers });
    return answer.status === 200 ? null : answer;
  });
  t.match([got.status, got.json.code], [503, 'UNAVAILABLE']);
  t.ok(Number(got.headers.get('retry-after')) >= 1);
  const sent = await api.call(originOf(left), 'sendMessage', {
    headers,
    params: { conversation: 'bob' },
    body: { text: 'x' },
  });
  t.match([sent.status, sent.json.code], [503, 'UNAVAILABLE']);
  t.ok(Number(sent.headers.get('retry-after')) >= 1);
});
