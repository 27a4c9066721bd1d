/** Requests over HTTP: what is refused and how, what counts once, what may be old. docs/security.md names some of these tests. */
import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { encodeProposal } from '../../../src/chat/codecs/codec.ts';
import { RequestLimits } from '../../../src/gateway/http/request-limits.ts';
import { hashSecret } from '../../../src/gateway/secrets/identifiers.ts';
import { startNodes, type TestNode } from '../../support/gateway.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { type Answered, call, join, textOf } from './support/http-caller.ts';

const { cluster, nodes, stop } = await startNodes(3);
t.teardown(stop);
const [one, two, three] = nodes as [TestNode, TestNode, TestNode];

function isProblem(t: Test, answered: Answered, status: number, code: string): void {
  t.match(answered, { status, body: { status, code, type: 'about:blank' } });
  t.match(answered.headers.get('content-type'), 'application/problem+json');
}

t.test(
  'errors: JSON that nests too deep, repeats a key or names __proto__ is 400, too much of it 413',
  async (t) => {
    const token = await join(one, 'ann');
    const deep = `{"text":${'['.repeat(17)}${']'.repeat(17)}}`;
    for (const body of [
      '{',
      deep,
      '{"text":"a","text":"b"}',
      '{"text":"a","__proto__":{}}',
      '[]',
      '"x"',
      '',
    ]) {
      isProblem(
        t,
        await call(one, 'POST', '/conversations/ann/messages', body, { token }),
        400,
        'BAD_REQUEST',
      );
    }
    const huge = JSON.stringify({ text: 'x'.repeat(70_000) });
    isProblem(t, await call(one, 'POST', '/conversations/ann/messages', huge, { token }), 413, 'TOO_LARGE');
    t.strictSame((await call(one, 'GET', '/conversations', undefined, { token })).body, {
      conversations: [],
    });
  },
);

t.test('errors: an address that is of no route, malformed or too long is a problem, too', async (t) => {
  isProblem(t, await call(one, 'GET', '/nowhere'), 404, 'BAD_REQUEST');
  isProblem(t, await call(one, 'GET', '/conversations/%E0%A4%A/messages'), 400, 'BAD_REQUEST');
  isProblem(t, await call(one, 'GET', `/conversations/${'a'.repeat(150)}/messages`), 414, 'BAD_REQUEST');
  const elsewhere = await fetch(`http://127.0.0.1:${one.httpPort}/nowhere`);
  t.equal(elsewhere.status, 404);
  t.strictSame(await elsewhere.json(), { code: 'BAD_REQUEST', text: 'There is no such address.' });
});

t.test(
  'errors: fields that are unknown, missing or of another type are named, and nothing is converted',
  async (t) => {
    const token = await join(one, 'bea');
    const bodies = [
      {},
      { text: 5 },
      { text: 'x', more: 1 },
      { text: 'x', replyTo: '1' },
      { text: 'x', replyTo: 0 },
    ];
    for (const body of bodies) {
      isProblem(
        t,
        await call(one, 'POST', '/conversations/bea/messages', body, { token }),
        400,
        'BAD_REQUEST',
      );
    }
    const wrong = await call(one, 'GET', '/conversations/bea/messages?limit=many', undefined, { token });
    isProblem(t, wrong, 400, 'BAD_REQUEST');
    t.match(wrong.body?.detail, 'limit');
    isProblem(t, await call(one, 'GET', '/nowhere', undefined, { token }), 404, 'BAD_REQUEST');
    t.equal(
      (await call(one, 'GET', '/account', undefined, { headers: { authorization: 'Basic eDp5' } })).status,
      401,
    );
  },
);

t.test(
  'registration: without an invitation it is DENIED over HTTP too, with one it counts once',
  async (t) => {
    const closed = await startNodes(2, { registration: 'invitation' });
    t.teardown(closed.stop);
    const [first, second] = closed.nodes as [TestNode, TestNode];
    const body = { user: 'ann', password: 'a good passphrase' };
    isProblem(t, await call(first, 'POST', '/accounts', body), 403, 'DENIED');
    isProblem(
      t,
      await call(first, 'POST', '/accounts', { ...body, invitation: 'no' }),
      403,
      'INVITATION_INVALID',
    );
    const invitation = {
      kind: 'create-invitation',
      codeHash: hashSecret('the code'),
      uses: 1,
      lifetimeMs: 60_000,
    } as const;
    closed.cluster.append(encodeProposal({ numbering: null, actor: null, command: invitation }));
    const headers = { 'idempotency-key': randomUUID() };
    for (const node of [first, second]) {
      const answer = await call(node, 'POST', '/accounts', { ...body, invitation: 'the code' }, { headers });
      t.match([answer.status, answer.body], [201, { user: 'ann' }]);
    }
    const late = { ...body, user: 'bob', invitation: 'the code' };
    isProblem(t, await call(second, 'POST', '/accounts', late, { headers }), 403, 'INVITATION_INVALID');
  },
);

t.test('idempotency: one key is one request, on any node and in any session of the account', async (t) => {
  const token = await join(one, 'cat');
  const headers = { 'idempotency-key': randomUUID() };
  const body = { text: 'once' };
  const first = await call(one, 'POST', '/conversations/cat/messages', body, { token, headers });
  const again = await call(two, 'POST', '/conversations/cat/messages', body, { token, headers });
  t.strictSame([again.status, again.body], [201, first.body]);
  await call(one, 'DELETE', '/sessions/current', undefined, { token });
  const fresh = textOf(await call(three, 'POST', '/sessions', { user: 'cat', password: 'pw' }), 'token');
  const later = await call(three, 'POST', '/conversations/cat/messages', body, { token: fresh, headers });
  t.strictSame(later.body, first.body);
  const other = await call(
    two,
    'POST',
    '/conversations/cat/messages',
    { text: 'x' },
    { token: fresh, headers },
  );
  isProblem(t, other, 409, 'CONFLICT');
  const elsewhere = await call(two, 'POST', '/groups', { group: 'cats' }, { token: fresh, headers });
  isProblem(t, elsewhere, 409, 'CONFLICT');
  const history = await call(two, 'GET', '/conversations/cat/messages', undefined, { token: fresh });
  t.strictSame(JSON.stringify(history.body).match(/"text":"[^"]*"/g), ['"text":"once"']);
});

t.test('idempotency: a key that is too short or unreadable is refused before anything is done', async (t) => {
  const token = await join(one, 'dan');
  for (const key of ['short', 'x'.repeat(129), 'with a space in it']) {
    const headers = { 'idempotency-key': key };
    isProblem(
      t,
      await call(one, 'POST', '/groups', { group: 'dans' }, { token, headers }),
      400,
      'BAD_REQUEST',
    );
  }
  t.equal(one.engine.machine.groupByName('dans'), undefined);
});

t.test(
  'idempotency: a lost answer is given again where the request could not be granted a second time',
  async (t) => {
    const token = await join(one, 'eve');
    const guest = await join(one, 'eva');
    const key = () => ({ 'idempotency-key': randomUUID() });
    const twice = async (method: string, path: string, body: object, by: string, headers = key()) => {
      const first = await call(one, method, path, body, { token: by, headers });
      const again = await call(two, method, path, body, { token: by, headers });
      t.ok(first.status < 300, `${path}: ${JSON.stringify(first.body)}`);
      t.strictSame([again.status, again.body], [first.status, first.body], path);
    };
    await twice('POST', '/groups', { group: 'eves', password: 'gate' }, token);
    await twice('POST', '/groups/eves/join', { password: 'gate' }, guest);
    await twice('PATCH', '/groups/eves', { name: 'evas' }, token);
    await twice('PUT', '/account/password', { current: 'pw', password: 'new' }, token);
    await twice('DELETE', '/groups/evas', {}, token);
  },
);

t.test('stale: an old answer only where it is asked for, labelled, and by nobody else', async (t) => {
  const token = await join(two, 'fay');
  t.teardown(() => {
    cluster.majority = true;
  });
  const fresh = await call(two, 'GET', '/account', undefined, { token });
  t.equal(fresh.headers.get('conclave-stale'), null);
  // Old is two seconds at most: on a slow machine the node has to be made sure of itself again.
  let old = fresh;
  for (let tries = 0; tries < 50 && old.headers.get('conclave-stale') === null; tries++) {
    cluster.majority = true;
    await call(two, 'GET', '/account', undefined, { token });
    cluster.majority = false;
    old = await call(two, 'GET', '/account?stale=true', undefined, { token });
  }
  t.match([old.status, old.headers.get('conclave-stale'), old.body], [200, 'true', { user: 'fay' }]);
  const refused = await call(two, 'GET', '/account', undefined, { token });
  isProblem(t, refused, 503, 'UNAVAILABLE');
  t.equal(refused.headers.get('retry-after'), '1');
  const change = await call(two, 'PATCH', '/account?stale=true', { displayName: 'x' }, { token });
  isProblem(t, change, 503, 'UNAVAILABLE');
});

t.test('limits: so many requests in a minute of one asker; what is left is announced', (t) => {
  const clock = new VirtualClock();
  const limits = new RequestLimits(clock);
  const quota = { name: 'account', requests: 2 };
  t.match(limits.take(quota, 1), { left: 1, isOver: false, resetSeconds: 60 });
  t.match(limits.look(quota, 1), { left: 1, isOver: false });
  t.match(limits.take(quota, 1), { left: 0, isOver: false });
  t.match(limits.take(quota, 1), { left: 0, isOver: true });
  t.match(limits.take(quota, 2), { left: 1, isOver: false }, 'others are not concerned');
  t.equal(limits.take({ name: 'address', requests: 0 }, 1), null);
  void clock.advance(60_000).then(() => {
    t.match(limits.take(quota, 1), { left: 1, isOver: false });
    t.end();
  });
});

t.test('limits: an address that shows no session is slowed down, and told when it may go on', async (t) => {
  const limits = { halfLineMs: 10_000, silentMs: 300_000, httpRequestsPerAddress: 3 };
  const guarded = await startNodes(1, { limits });
  t.teardown(guarded.stop);
  const [node] = guarded.nodes as [TestNode];
  const token = await join(node, 'ann');
  const wrong = await call(node, 'GET', '/account', undefined, {
    token: `${'0'.repeat(32)}.${'0'.repeat(64)}`,
  });
  isProblem(t, wrong, 401, 'AUTH_REQUIRED');
  t.match(wrong.headers.get('ratelimit-policy'), '"address";q=3;w=60');
  t.match(wrong.headers.get('ratelimit'), /^"address";r=0;t=\d+$/);
  const over = await call(node, 'POST', '/sessions', { user: 'ann', password: 'pw' });
  isProblem(t, over, 429, 'RATE_LIMITED');
  t.ok(Number(over.headers.get('retry-after')) >= 1);
  const known = await call(node, 'GET', '/account', undefined, { token });
  t.equal(known.status, 200, 'who shows a session is not whoever else is behind the address');
  t.match(known.headers.get('ratelimit'), /^"account";r=2999;t=\d+$/);
});
