/** SECURITY of guessing and overload: docs/security.md names these tests by number. */
import t from 'tap';
import type { Clock } from '../../src/base/clock.ts';
import { limits } from '../../src/base/limits.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { systemClock } from '../../src/base/system-clock.ts';
import { backOffMs } from '../../src/chat/accounts/attempts.ts';
import { encodeProposal } from '../../src/chat/codecs/codec.ts';
import { ClusterClock } from '../../src/gateway/cluster-clock.ts';
import { AddressLimits, addressesKept, networkOf } from '../../src/gateway/connections/address-limits.ts';
import { Guard } from '../../src/gateway/requests/guard.ts';
import { ChildHasher } from '../../src/gateway/secrets/hasher.ts';
import { FakeCluster, type FakeEngine } from '../support/fake-engine.ts';
import { LineClient, noAddressBounds, startNodes, until } from '../support/gateway.ts';
import { NativeClient, newSession } from '../support/native-client.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const guarded = {
  halfLineMs: 10_000,
  silentMs: 300_000,
  guessing: true,
  connectionsPerAddress: 0,
  newConnectionsPerAddress: 0,
  registrationsPerAddress: 0,
};

function guardOf(engine: FakeEngine, clock: Clock): Guard {
  return new Guard({
    view: engine.machine,
    clock,
    clusterClock: new ClusterClock(clock, engine.machine),
    proposeOwn: (command) => engine.propose(encodeProposal({ numbering: null, actor: null, command })),
    counters: { attemptsLimited: 0 },
    isOn: true,
  });
}

async function world(overrides: Partial<typeof guarded> = {}) {
  const started = await startNodes(2, { limits: { ...guarded, ...overrides } });
  const [one, two] = started.nodes;
  if (one === undefined || two === undefined) throw new Error('two nodes');
  const login = async (node: typeof one, user: string, password: string) => {
    const client = await NativeClient.greet(node.httpPort, newSession());
    const reply = await client.change({ op: 'login', user, password });
    client.destroy();
    return reply;
  };
  return { ...started, one, two, login };
}

t.test(
  'guessing: the sixth failure within a minute is RATE_LIMITED with retry-after, without hashing',
  async (t) => {
    const { one, stop, login } = await world();
    t.teardown(stop);
    await NativeClient.join(one.httpPort, 'ann');
    for (const user of ['ann', 'nobody']) {
      for (let failure = 1; failure <= 5; failure++)
        t.match(await login(one, user, 'no'), { code: 'BAD_CREDENTIALS' });
      const { verifications } = one.hasher;
      const sixth = await login(one, user, 'pw');
      t.match(
        sixth,
        { ok: false, code: 'RATE_LIMITED', text: /again in \d+ s/ },
        `${user}: also the right one`,
      );
      const waitMs = Number(sixth.retryAfterMs);
      t.ok(waitMs > 0 && waitMs <= limits.backOffMs, String(waitMs));
      t.equal(one.hasher.verifications, verifications, `${user}: nothing was hashed`);
    }
  },
);

t.test('guessing: side by side no more are tried than one after another', async (t) => {
  const { one, stop, login } = await world();
  t.teardown(stop);
  await NativeClient.join(one.httpPort, 'ann');
  const before = one.hasher.verifications;
  const replies = await Promise.all(Array.from({ length: 40 }, () => login(one, 'ann', 'no')));
  t.equal(one.hasher.verifications - before, limits.failuresPerWindow);
  t.equal(replies.filter(({ code }) => code === 'RATE_LIMITED').length, 40 - limits.failuresPerWindow);
});

t.test(
  'guessing: the count is replicated, so another node is no way round, and ends with the back-off',
  async (t) => {
    const { cluster, one, two, stop, login } = await world();
    t.teardown(stop);
    const ann = await NativeClient.join(one.httpPort, 'ann');
    for (let failure = 1; failure <= 5; failure++) await login(one, 'ann', 'no');
    await until(() => (two.engine.machine.attempt('a:1')?.untilMs ?? 0) > 0);
    const { verifications } = two.hasher;
    t.match(await login(two, 'ann', 'pw'), { code: 'RATE_LIMITED' });
    t.equal(two.hasher.verifications, verifications);
    cluster.aheadMs += limits.backOffMs;
    await ann.change({ op: 'send', to: 'ann', text: 'time goes on' });
    t.match(await login(two, 'ann', 'pw'), { ok: true });
    await until(() => one.engine.machine.attempt('a:1') === undefined);
  },
);

t.test(
  'guessing: back-off doubles from 30 s to an hour; after 100 in a row only an administrator helps',
  async (t) => {
    t.same([0, 1, 2, 6, 7, 90].map(backOffMs), [30_000, 60_000, 120_000, 1_920_000, 3_600_000, 3_600_000]);
    const cluster = new FakeCluster();
    const engine = cluster.node(1);
    const clock = new VirtualClock();
    const guard = guardOf(engine, clock);
    const attempt = (isRight = false) => guard.run('a:7', async () => isRight);
    let tried = 0;
    const waits: (number | null)[] = [];
    while (tried < 1_000) {
      const verdict = await attempt();
      if (verdict.kind === 'wrong') tried += 1;
      // What was counted is in the state before the next attempt.
      await until(() => engine.index === cluster.log.length);
      await clock.advance(1_000);
      if (verdict.kind !== 'limited') continue;
      waits.push(verdict.retryAfterMs);
      if (verdict.retryAfterMs === null) break;
      await clock.advance(verdict.retryAfterMs);
    }
    t.equal(tried, limits.failuresInARow);
    t.equal(waits.at(-1), null);
    const grown = waits.slice(0, -1).map((wait) => Math.round((wait ?? 0) / 30_000));
    t.same(grown.slice(0, 4), [1, 2, 4, 8]);
    t.equal(grown.at(-1), 120);
    await clock.advance(24 * 3_600_000);
    t.same(await attempt(true), { kind: 'limited', retryAfterMs: null }, 'time alone does not help');
    const command = {
      kind: 'note-attempts',
      attempts: [{ key: 'a:7', failures: 0, cleared: true }],
    } as const;
    await engine.propose(encodeProposal({ numbering: null, actor: null, command }));
    t.same(await attempt(true), { kind: 'right' });
  },
);

t.test('guessing: a node writes at most one log entry a second about one account', async (t) => {
  const cluster = new FakeCluster();
  const engine = cluster.node(1);
  const clock = new VirtualClock();
  const guard = guardOf(engine, clock);
  await Promise.all(Array.from({ length: 5 }, () => guard.run('a:7', async () => false)));
  await until(() => engine.machine.attempt('a:7') !== undefined);
  t.equal(cluster.log.length, 1, 'the first at once');
  await clock.advance(1_000);
  await until(() => engine.machine.attempt('a:7')?.blocks === 1);
  t.equal(cluster.log.length, 2, 'the others together');
  await clock.advance(10_000);
  t.equal(cluster.log.length, 2);
});

t.test('guessing: a flood on an account does not end its owner’s live session', async (t) => {
  const { one, two, stop, login } = await world();
  t.teardown(stop);
  const credentials = newSession();
  const ann = await NativeClient.join(one.httpPort, 'ann', credentials);
  await Promise.all(Array.from({ length: 60 }, (_, at) => login(at % 2 === 0 ? one : two, 'ann', `no${at}`)));
  t.match(await login(one, 'ann', 'pw'), { code: 'RATE_LIMITED' });
  t.match(await ann.change({ op: 'send', to: 'ann', text: 'still here' }), { ok: true });
  ann.destroy();
  const resumed = await NativeClient.greet(two.httpPort, credentials);
  t.match(await resumed.query({ op: 'profile' }), { ok: true, value: { user: 'ann' } }, 'resumption too');
});

t.test('guessing: a group’s password has the same limits, by the key of group and account', async (t) => {
  const cluster = new FakeCluster();
  const engine = cluster.node(1);
  const guard = guardOf(engine, systemClock);
  let hashed = 0;
  const join = (key: string) =>
    guard.run(key, async () => {
      hashed += 1;
      return false;
    });
  for (let failure = 1; failure <= 5; failure++) t.match(await join('g:3:1'), { kind: 'wrong' });
  t.match(await join('g:3:1'), { kind: 'limited' });
  t.equal(hashed, 5);
  t.match(await join('g:3:2'), { kind: 'wrong' }, 'of another member, another count');
  guard.stop();
});

t.test(
  'overload: of 1,000 logins at once hashing takes what its bounds allow, the rest is BUSY',
  async (t) => {
    // Bounded by the queue, not by luck: none is answered before all have asked.
    const held = new ChildHasher(
      { ...systemClock, after: () => ({ cancel: () => undefined }) },
      silentLogger,
    );
    const verdicts = Array.from({ length: 1_000 }, () =>
      held.verify(null, 'x').then(
        () => 'answered',
        (error: { code: string }) => error.code,
      ),
    );
    const room = limits.hashQueue + limits.hashConcurrency;
    t.ok(held.load <= room, `${held.load} of ${room}`);
    const refused = (await Promise.all(verdicts.slice(room))).filter((code) => code === 'BUSY');
    t.equal(refused.length, 1_000 - room);
    await held.stop();
    await Promise.all(verdicts);
  },
);

t.test(
  'registration: the 31st within ten minutes from one address is RATE_LIMITED, then it goes on',
  async (t) => {
    const clock = new VirtualClock();
    const addresses = new AddressLimits(clock, { ...noAddressBounds, registrationsPerAddress: 30 });
    for (let made = 1; made <= 30; made++) t.equal(addresses.register('192.0.2.1'), null);
    await clock.advance(60_000);
    t.equal(addresses.register('192.0.2.1'), 9 * 60_000, 'and it is said when');
    t.equal(addresses.register('192.0.2.2'), null, 'another address');
    t.equal(addresses.register('::ffff:192.0.2.1'), 9 * 60_000, 'the same one, written otherwise');
    await clock.advance(9 * 60_000);
    t.equal(addresses.register('192.0.2.1'), null);

    const { one, stop } = await world({ registrationsPerAddress: 2 });
    t.teardown(stop);
    const client = await NativeClient.greet(one.httpPort, newSession());
    for (const user of ['reg1', 'reg2'])
      t.match(await client.change({ op: 'register', user, password: 'pw' }), { ok: true });
    const { hashes } = one.hasher;
    t.match(await client.change({ op: 'register', user: 'reg3', password: 'pw' }), {
      code: 'RATE_LIMITED',
      text: /from this address, try again in 10 min/,
    });
    t.equal(one.hasher.hashes, hashes, 'nothing was hashed');
  },
);

t.test('registration: a group that a stranger announces counts as one, said again it does not', async (t) => {
  const { one, stop } = await world({ registrationsPerAddress: 2 });
  t.teardown(stop);
  const line = await LineClient.open(one.chatPort);
  const announce = async (group: string): Promise<readonly string[]> =>
    line.ask(`REGISTER_GROUP ${group} 127.0.0.1 5555`);
  t.same(await announce('one'), ['SUCCESS']);
  t.same(await announce('one'), ['SUCCESS']);
  t.same(await announce('two'), ['SUCCESS']);
  t.same(await announce('three'), ['FAILED']);
  t.same(await announce('two'), ['SUCCESS']);
  t.same(await line.ask('GET_GROUP_LIST', 3), ['one - 127.0.0.1 5555', 'two - 127.0.0.1 5555', '']);
  line.destroy();
});

t.test('connections: 16 at once and 32 in ten minutes from one address before login', async (t) => {
  const clock = new VirtualClock();
  const bounds = { ...noAddressBounds, connectionsPerAddress: 16, newConnectionsPerAddress: 32 };
  const addresses = new AddressLimits(clock, bounds);
  const open = () => addresses.open('192.0.2.1', false);
  const tickets = Array.from({ length: 16 }, open);
  t.ok(tickets.every(({ kind }) => kind === 'free'));
  t.equal(open().kind, 'refused');
  t.equal(addresses.open('192.0.2.2', false).kind, 'free');
  tickets[0]?.loggedIn();
  const next = open();
  t.equal(next.kind, 'free', 'a login makes room');
  for (const ticket of [...tickets, next]) ticket.closed();
  const more = Array.from({ length: 16 }, open);
  t.equal(more.at(-1)?.kind, 'free');
  for (const ticket of more) ticket.closed();
  t.equal(open().kind, 'refused', '32 without a login within ten minutes');
  await clock.advance(10 * 60_000);
  t.equal(open().kind, 'free');
  for (let at = 0; at < addressesKept + 10; at++)
    addresses.open(`10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`, false).closed();
  t.ok(addresses.addresses <= addressesKept, 'what is remembered is bounded');
  t.equal(networkOf('2001:db8:1:2:3:4:5:6'), networkOf('2001:db8:1:2::1'), 'a /64 is one address');
  t.not(networkOf('2001:db8:1:2::1'), networkOf('2001:db8:1:3::1'));
});

t.test('connections: over the limit a valid token still resumes, and nothing else is let in', async (t) => {
  const { one, two, stop } = await world({ connectionsPerAddress: 2 });
  t.teardown(stop);
  const credentials = newSession();
  await NativeClient.join(one.httpPort, 'ann', credentials);
  const strangers = [await LineClient.open(one.chatPort), await NativeClient.open(one.httpPort)];
  const third = await LineClient.open(one.chatPort);
  t.match(await third.rest(), /^Error RATE_LIMITED: /);
  const resumed = await NativeClient.greet(one.httpPort, credentials);
  t.match(await resumed.query({ op: 'profile' }), { value: { user: 'ann' } });
  const other = await NativeClient.open(one.httpPort);
  other.send({ op: 'hello', v: 1, ...newSession() });
  t.match(await other.next((frame) => frame.ev === 'closing'), { code: 'RATE_LIMITED' });
  t.match(await (await LineClient.open(two.chatPort)).ask('h'), [/./], 'limits are of a node');
  for (const stranger of strangers) stranger.destroy();
});

t.test('guessing: wrong passwords at a group’s door are limited over the wire too', async (t) => {
  const { one, two, stop } = await world();
  t.teardown(stop);
  const owner = await NativeClient.join(one.httpPort, 'owner');
  t.match(await owner.change({ op: 'create-group', group: 'club', password: 'door' }), { ok: true });
  const guest = await NativeClient.join(two.httpPort, 'visitor');
  const join = (password: string) => guest.change({ op: 'join-group', group: 'club', password });
  for (let failure = 1; failure <= 5; failure++) t.match(await join('no'), { code: 'GROUP_PASSWORD_WRONG' });
  const { verifications } = two.hasher;
  t.match(await join('door'), { code: 'RATE_LIMITED' });
  t.equal(two.hasher.verifications, verifications, 'nothing was hashed');
});

t.test(
  'guessing: a retry of what was answered gets the answer, whatever limit was reached since',
  async (t) => {
    const { one, two, stop, login } = await world({ registrationsPerAddress: 1 });
    t.teardown(stop);
    const credentials = newSession();
    const client = await NativeClient.greet(one.httpPort, credentials);
    const asked = [
      { op: 'register', user: 'ann', password: 'pw' },
      { op: 'login', user: 'ann', password: 'pw' },
      { op: 'change-password', current: 'pw', password: 'new' },
    ];
    const ask = async (session: NativeClient): Promise<void> => {
      for (const [at, request] of asked.entries()) {
        // Nothing that was answered before is given up: all of it may be asked again.
        session.send({ ...request, n: at + 1, low: 1 });
        t.match(await session.next((frame) => frame.n === at + 1), { ok: true }, request.op);
      }
    };
    await ask(client);
    client.destroy();
    for (let failure = 1; failure <= 5; failure++) await login(one, 'ann', 'no');
    t.match(await login(one, 'ann', 'new'), { code: 'RATE_LIMITED' });
    const before = two.hasher.hashes + two.hasher.verifications;
    const again = await NativeClient.greet(two.httpPort, credentials);
    await ask(again);
    t.equal(two.hasher.hashes + two.hasher.verifications, before, 'and nothing is hashed for it');
    t.equal(two.engine.machine.accounts().length, 1);
  },
);
