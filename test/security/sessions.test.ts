/** SECURITY of sessions: docs/security.md names these tests by number. */
import { createHash } from 'node:crypto';
import t from 'tap';
import { limits } from '../../src/base/limits.ts';
import { systemSecrets } from '../../src/client/ws-dialer.ts';
import { said, sessionId, textTo, World } from '../chat/support/world.ts';
import { startNodes, until } from '../support/gateway.ts';
import { NativeClient, newSession } from '../support/native-client.ts';

const { cluster, nodes, stop } = await startNodes(3);
t.teardown(stop);
const [one, two, three] = nodes;
if (one === undefined || two === undefined || three === undefined) throw new Error('three nodes');

t.test(
  'sessions: a token has 256 random bits, is kept as its SHA-256 only, and is never in an address',
  async (t) => {
    const secrets = Array.from({ length: 200 }, () => systemSecrets.hex(32));
    t.equal(new Set(secrets).size, 200);
    t.ok(secrets.every((secret) => /^[0-9a-f]{64}$/.test(secret)));
    const credentials = newSession();
    await NativeClient.join(one.httpPort, 'token', credentials);
    const hash = createHash('sha256').update(credentials.secret).digest('hex');
    t.equal(two.engine.machine.session(credentials.session)?.secretHash, hash);
    t.notOk(cluster.log.some(({ command }) => Buffer.from(command).includes(credentials.secret)));
    // The only address that a client opens: the token travels in the first frame.
    for (const path of [`/ws?secret=${credentials.secret}`, `/ws?session=${credentials.session}`]) {
      const client = await NativeClient.open(one.httpPort, {}, path);
      client.send({ op: 'users', q: 1 });
      t.match(
        await client.next((frame) => frame.ev === 'closing'),
        { code: 'BAD_REQUEST' },
        'no hello, no session',
      );
    }
  },
);

t.test('sessions: a login makes a new token valid and ends the one that is shown with it', async (t) => {
  const old = newSession();
  const first = await NativeClient.join(one.httpPort, 'rotate', old);
  t.match(await first.change({ op: 'login', user: 'rotate', password: 'pw' }), { code: 'ALREADY_LOGGED_IN' });
  const second = await NativeClient.greet(two.httpPort, newSession());
  const login = { op: 'login', user: 'rotate', password: 'pw', previous: old.session };
  t.match(await second.change({ ...login, previousSecret: old.secret }), { ok: true });
  t.equal((await first.closed()).reason, 'SESSION_ENDED');
  const resumed = await NativeClient.greet(three.httpPort, old);
  t.match(await resumed.next((frame) => frame.ev === 'welcome'), { user: null });
  t.match(await resumed.change({ op: 'login', user: 'rotate', password: 'pw' }), { code: 'SESSION_EXPIRED' });
  t.match(await second.change({ op: 'send', to: 'rotate', text: 'x' }), { ok: true });

  const stranger = await NativeClient.greet(two.httpPort, newSession());
  await stranger.change({ op: 'register', user: 'stranger', password: 'pw' });
  const stolen = { op: 'login', user: 'stranger', password: 'pw', previousSecret: newSession().secret };
  const [victim = ''] = [old.session];
  t.match(
    await stranger.change({ ...stolen, previous: victim }),
    { ok: true },
    'a wrong secret ends nothing',
  );
});

t.test(
  'sessions: after log-out, password change and deletion no request with the old token succeeds on any node',
  async (t) => {
    const ends = {
      leaver: { op: 'logout' },
      changer: { op: 'change-password', current: 'pw', password: 'new' },
      deleted: { op: 'delete', user: 'deleted' },
    };
    for (const [user, end] of Object.entries(ends)) {
      const token = newSession();
      const client = await NativeClient.join(one.httpPort, user, token);
      const witness = await NativeClient.greet(two.httpPort, token);
      const other = await NativeClient.greet(three.httpPort, newSession());
      await other.change({ op: 'login', user, password: 'pw' });
      // Node 2 applies nothing until it is asked to: what counts is that it asks before it answers.
      two.engine.held = true;
      const ended = user === 'changer' ? other : client;
      t.match(await ended.change(end), { ok: true }, user);
      const late = await NativeClient.greet(two.httpPort, token);
      t.match(await late.next((frame) => frame.ev === 'welcome'), { user: null }, `${user}: not resumed`);
      t.match(await late.query({ op: 'profile' }), { code: 'AUTH_REQUIRED' }, user);
      late.send({ op: 'send', to: 'token', text: 'x', n: 9, low: 9 });
      two.engine.held = false;
      t.match(await late.next((frame) => frame.n === 9), { code: 'SESSION_EXPIRED' }, user);
      t.equal((await witness.closed()).reason, 'SESSION_ENDED', `${user}: the live connection`);
    }
  },
);

t.test('sessions: a node without a majority serves none of them', async (t) => {
  const token = newSession();
  const client = await NativeClient.join(one.httpPort, 'alone', token);
  cluster.majority = false;
  t.match(await client.change({ op: 'send', to: 'alone', text: 'x' }), { code: 'UNAVAILABLE' });
  for (const query of [
    { op: 'profile' },
    { op: 'users' },
    { op: 'search', pattern: 'a' },
    { op: 'history', with: 'alone', limit: 1 },
  ]) {
    t.match(await client.query(query), { ok: false, code: 'UNAVAILABLE' }, query.op);
  }
  const late = await NativeClient.open(two.httpPort);
  late.send({ op: 'hello', v: 1, ...token });
  t.match(await late.next((frame) => frame.ev === 'closing'), { code: 'UNAVAILABLE' });
  cluster.majority = true;
  t.match(await client.query({ op: 'profile' }), { ok: true });
});

t.test('sessions: idle and absolute expiry go by cluster time, and end live connections', async (t) => {
  const token = newSession();
  const client = await NativeClient.join(one.httpPort, 'expires', token);
  cluster.aheadMs += limits.sessionIdleMs + 120_000;
  const other = await NativeClient.join(two.httpPort, 'unrelated');
  t.equal((await client.closed()).reason, 'SESSION_ENDED');
  const late = await NativeClient.greet(three.httpPort, token);
  t.match(await late.next((frame) => frame.ev === 'welcome'), { user: null });
  t.match(await late.change({ op: 'logout' }), { code: 'SESSION_EXPIRED' });
  await until(() => three.engine.index === cluster.log.length);
  t.match(await other.query({ op: 'profile' }), { ok: true });
});

t.test(
  'sessions: one that is used every day ends 90 days after its login, also on a restored node',
  async (t) => {
    const day = 24 * 3_600_000;
    const [steady, restored] = [new World(), new World()];
    for (const world of [steady, restored]) {
      const account = world.register('ann');
      world.numbered(1, 1, { kind: 'login', account, credential: 1 });
      world.numbered(2, 1, { kind: 'register', name: 'bob', passwordHash: 'h' });
      for (let at = 1; at < 90; at++) {
        world.clusterMs = at * day;
        t.equal(said(world.numbered(1, at + 1, textTo('ann', 'x'), at + 1)), 'sent');
        if (at === 45) world.numbered(3, 1, { kind: 'login', account, credential: 1 });
        if (world === restored && at % 30 === 0) await world.reload();
      }
      world.clusterMs = 90 * day;
      const { events, result } = world.numbered(1, 91, textTo('ann', 'x'), 91);
      t.same(events, [{ kind: 'session-ended', session: sessionId(1) }]);
      t.match(result, { code: 'SESSION_EXPIRED' });
      t.equal(world.machine.session(sessionId(1)), undefined);
    }
    t.equal(restored.machine.digest(), steady.machine.digest());
  },
);

t.test(
  'sessions: a login that was refused, and shows an earlier session, is refused the same when it is asked again',
  async (t) => {
    const old = newSession();
    await NativeClient.join(one.httpPort, 'again', old);
    const fresh = newSession();
    const login = {
      op: 'login',
      user: 'again',
      previous: old.session,
      previousSecret: old.secret,
      n: 1,
      low: 1,
    };
    for (const node of [one, two]) {
      const client = await NativeClient.greet(node.httpPort, fresh);
      client.send({ ...login, password: 'wrong' });
      t.match(await client.next((frame) => frame.n === 1), { ok: false, code: 'BAD_CREDENTIALS' });
      client.destroy();
    }
    t.match(three.engine.machine.session(old.session), { account: /./ }, 'and the earlier one goes on');
  },
);
