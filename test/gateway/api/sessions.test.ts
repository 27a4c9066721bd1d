/** Sessions over HTTP: tokens, cookies, tabs. docs/security.md names some of these tests. */
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { startNodes, type TestNode, tellAddresses } from '../../support/gateway.ts';
import { NativeClient } from '../../support/native-client.ts';
import { type Answered, call, cookieOf, join, textOf } from './support/http-caller.ts';

const { cluster, nodes, stop } = await startNodes(3);
t.teardown(stop);
const [one, two, three] = nodes as [TestNode, TestNode, TestNode];
tellAddresses(nodes);

async function page(t: Test, user: string): Promise<{ readonly cookie: string; readonly csrfToken: string }> {
  await call(one, 'POST', '/accounts', { user, password: 'pw' });
  const login = await call(one, 'POST', '/sessions', { user, password: 'pw', cookie: true });
  t.equal(login.status, 201);
  return { cookie: cookieOf(login) ?? '', csrfToken: textOf(login, 'csrfToken') };
}

function isProblem(t: Test, answered: Answered, status: number, code: string): void {
  t.match(answered, { status, body: { status, code, type: 'about:blank' } });
  t.match(answered.headers.get('content-type'), 'application/problem+json');
}

t.test('sessions: a login gives a token that every node takes, until it logs out on any', async (t) => {
  const token = await join(one, 'ann');
  t.match((await call(two, 'GET', '/sessions/current', undefined, { token })).body, {
    user: 'ann',
    via: 'bearer',
  });
  const mistyped = await call(two, 'POST', '/sessions', { user: 'ann', password: 'no' });
  isProblem(t, mistyped, 401, 'BAD_CREDENTIALS');
  t.equal((await call(three, 'DELETE', '/sessions/current', undefined, { token })).status, 204);
  isProblem(t, await call(one, 'GET', '/sessions/current', undefined, { token }), 401, 'AUTH_REQUIRED');
});

t.test(
  'sessions: a login whose answer was lost is asked again, on another node, and is the same',
  async (t) => {
    await call(one, 'POST', '/accounts', { user: 'bea', password: 'pw' });
    const login = { user: 'bea', password: 'pw', session: 'ab'.repeat(16), secret: 'cd'.repeat(32) };
    const first = await call(one, 'POST', '/sessions', login);
    const again = await call(two, 'POST', '/sessions', login);
    t.strictSame([first.status, first.body], [again.status, again.body]);
    isProblem(t, await call(two, 'POST', '/sessions', { ...login, secret: undefined }), 400, 'BAD_REQUEST');
  },
);

t.test(
  'sessions: a cookie is out of reach of scripts and other sites, and shows the token nowhere else',
  async (t) => {
    await call(one, 'POST', '/accounts', { user: 'cat', password: 'pw' });
    const login = await call(one, 'POST', '/sessions', { user: 'cat', password: 'pw', cookie: true });
    const set = login.headers.get('set-cookie') ?? '';
    t.match(set, /^conclave=[0-9a-f]{32}\.[0-9a-f]{64}; /);
    for (const attribute of ['HttpOnly', 'SameSite=Strict', 'Path=/', 'Max-Age=']) t.match(set, attribute);
    t.notMatch(set, 'Domain');
    const [, secret = ''] = /\.([0-9a-f]{64});/.exec(set) ?? [];
    t.notOk(JSON.stringify(login.body).includes(secret));
    t.notOk(
      cluster.log.some(({ command }) => Buffer.from(command).includes(secret)),
      'nor in the log',
    );
    const current = await call(two, 'GET', '/sessions/current', undefined, { cookie: cookieOf(login) ?? '' });
    t.match(current.body, { user: 'cat', via: 'cookie', csrfToken: login.body?.csrfToken });
  },
);

t.test(
  'sessions: a change that comes with a cookie needs the token of the page, whatever it is',
  async (t) => {
    const { cookie, csrfToken } = await page(t, 'dan');
    const changes = [
      ['DELETE', '/sessions/current', undefined],
      ['DELETE', '/account', undefined],
      ['POST', '/sessions/derived', {}],
      ['PATCH', '/account', { displayName: 'x' }],
      ['POST', '/files/uploads', undefined],
      // Somebody else's page must not change whose page this is.
      ['POST', '/sessions', { user: 'dan', password: 'pw' }],
    ] as const;
    for (const [method, path, body] of changes) {
      isProblem(t, await call(one, method, path, body, { cookie }), 403, 'DENIED');
      const wrong = await call(one, method, path, body, { cookie, csrfToken: 'f'.repeat(64) });
      isProblem(t, wrong, 403, 'DENIED');
    }
    const named = await call(two, 'PATCH', '/account', { displayName: 'Dan' }, { cookie, csrfToken });
    t.match(named, { status: 200, body: { displayName: 'Dan' } });
  },
);

t.test(
  'sessions: a page of another site is refused, with whatever it shows; a member’s page is not',
  async (t) => {
    const { cookie, csrfToken } = await page(t, 'eve');
    const token = await join(one, 'eva');
    for (const origin of ['http://evil.example', 'null', `https://127.0.0.1:${one.httpPort}`]) {
      const headers = { origin };
      isProblem(t, await call(one, 'PATCH', '/account', {}, { cookie, csrfToken, headers }), 403, 'DENIED');
      isProblem(t, await call(one, 'GET', '/account', undefined, { token, headers }), 403, 'DENIED');
      isProblem(
        t,
        await call(one, 'POST', '/sessions', { user: 'eva', password: 'pw' }, { headers }),
        403,
        'DENIED',
      );
    }
    const own = { origin: `http://127.0.0.1:${one.httpPort}` };
    const admitted = await call(two, 'GET', '/account', undefined, { token, headers: own });
    t.equal(admitted.status, 200);
    t.equal(admitted.headers.get('access-control-allow-origin'), own.origin);
    t.equal(admitted.headers.get('access-control-allow-credentials'), null);
  },
);

t.test(
  'sessions: a page that a proxy serves asks where its origin is configured, with a Secure cookie',
  async (t) => {
    const origin = 'https://chat.example.org';
    const proxied = await startNodes(1, { origins: [origin] });
    t.teardown(proxied.stop);
    const [node] = proxied.nodes as [TestNode];
    const who = { user: 'ann', password: 'pw' };
    t.equal((await call(node, 'POST', '/accounts', who, { headers: { origin } })).status, 201);
    const login = await call(node, 'POST', '/sessions', { ...who, cookie: true }, { headers: { origin } });
    t.match(login.headers.get('set-cookie'), /^conclave=.*; Secure/);
    const other = { origin: 'https://chat.example.org.evil.example' };
    isProblem(t, await call(node, 'POST', '/sessions', who, { headers: other }), 403, 'DENIED');
  },
);

t.test(
  'sessions: a cookie whose session is over is cleared, and does not stand in the way of a login',
  async (t) => {
    const { cookie, csrfToken } = await page(t, 'fay');
    t.equal((await call(two, 'DELETE', '/sessions/current', undefined, { cookie, csrfToken })).status, 204);
    const over = await call(one, 'GET', '/sessions/current', undefined, { cookie });
    isProblem(t, over, 401, 'AUTH_REQUIRED');
    t.match(over.headers.get('set-cookie'), /^conclave=; Max-Age=0/);
    t.equal(
      (await call(one, 'POST', '/sessions', { user: 'fay', password: 'pw', cookie: true }, { cookie }))
        .status,
      201,
    );
  },
);

t.test('sessions: a login ends the session that comes with it', async (t) => {
  const { cookie, csrfToken } = await page(t, 'gus');
  const again = await call(
    two,
    'POST',
    '/sessions',
    { user: 'gus', password: 'pw', cookie: true },
    { cookie, csrfToken },
  );
  t.equal(again.status, 201);
  isProblem(t, await call(one, 'GET', '/sessions/current', undefined, { cookie }), 401, 'AUTH_REQUIRED');
  t.equal(
    (await call(one, 'GET', '/sessions/current', undefined, { cookie: cookieOf(again) ?? '' })).status,
    200,
  );
});

t.test(
  'websocket: with a page’s cookie and no Origin → 403 before the upgrade, as from elsewhere',
  async (t) => {
    const { cookie } = await page(t, 'gil');
    const upgrade = (headers: Record<string, string>): Promise<number> =>
      new Promise((resolve) => {
        const socket = new WebSocket(`ws://127.0.0.1:${two.httpPort}/ws`, { headers });
        socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
        socket.once('open', () => resolve(101));
        // What follows on a refusal, or on the end of the test.
        socket.on('error', () => resolve(0));
        t.teardown(() => socket.terminate());
      });
    t.equal(await upgrade({ cookie }), 403);
    t.equal(await upgrade({ cookie, origin: 'http://evil.example' }), 403);
    t.equal(await upgrade({ cookie, origin: 'null' }), 403);
    t.equal(await upgrade({ cookie, origin: `http://127.0.0.1:${one.httpPort}` }), 101);
    t.equal(await upgrade({}), 101, 'a program');
  },
);

t.test('tabs: a derived session speaks the native protocol, and ends with the page’s', async (t) => {
  const { cookie, csrfToken } = await page(t, 'hal');
  const derived = await call(one, 'POST', '/sessions/derived', {}, { cookie, csrfToken });
  t.equal(derived.status, 201);
  const own = { session: textOf(derived, 'session'), secret: textOf(derived, 'secret') };
  const tab = await NativeClient.greet(two.httpPort, own);
  t.match(await tab.next((frame) => frame.ev === 'welcome'), { user: 'hal' });
  t.match(await tab.change({ op: 'send', to: 'hal', text: 'from a tab' }), { ok: true });
  const token = textOf(derived, 'token');
  isProblem(t, await call(one, 'POST', '/sessions/derived', {}, { token }), 403, 'DENIED');
  await call(three, 'DELETE', '/sessions/current', undefined, { cookie, csrfToken });
  t.equal((await tab.closed()).reason, 'SESSION_ENDED');
  isProblem(t, await call(two, 'GET', '/account', undefined, { token }), 401, 'AUTH_REQUIRED');
});

t.test(
  'tabs: asked again with the same names, it is the same session; another secret gets nothing',
  async (t) => {
    const token = await join(one, 'ida');
    const own = { session: '12'.repeat(16), secret: '34'.repeat(32) };
    const first = await call(one, 'POST', '/sessions/derived', own, { token });
    const again = await call(two, 'POST', '/sessions/derived', own, { token });
    t.strictSame([again.status, again.body], [201, first.body]);
    const taken = await call(
      two,
      'POST',
      '/sessions/derived',
      { ...own, secret: '56'.repeat(32) },
      { token },
    );
    isProblem(t, taken, 409, 'CONFLICT');
  },
);

t.test(
  'tabs: a new password leaves the session that changed it, and ends its tabs and all others',
  async (t) => {
    const { cookie, csrfToken } = await page(t, 'jon');
    const other = textOf(await call(two, 'POST', '/sessions', { user: 'jon', password: 'pw' }), 'token');
    const tab = textOf(await call(one, 'POST', '/sessions/derived', {}, { cookie, csrfToken }), 'token');
    const change = { current: 'pw', password: 'pw2' };
    isProblem(
      t,
      await call(one, 'PUT', '/account/password', { ...change, current: 'x' }, { cookie, csrfToken }),
      403,
      'DENIED',
    );
    t.equal((await call(one, 'PUT', '/account/password', change, { cookie, csrfToken })).status, 204);
    for (const token of [other, tab]) {
      isProblem(t, await call(two, 'GET', '/account', undefined, { token }), 401, 'AUTH_REQUIRED');
    }
    t.equal((await call(three, 'GET', '/account', undefined, { cookie })).status, 200);
  },
);
