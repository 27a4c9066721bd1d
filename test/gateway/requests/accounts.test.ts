import { createHash } from 'node:crypto';
import t from 'tap';
import { parseConfig } from '../../../src/base/config.ts';
import { limits } from '../../../src/base/limits.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { seededRandom } from '../../../src/base/prng.ts';
import { isUuid } from '../../../src/chat/names/uuid.ts';
import { ConnectionContext } from '../../../src/gateway/connections/context.ts';
import { Edge } from '../../../src/gateway/edge.ts';
import type { Reply } from '../../../src/protocol/requests.ts';
import { FakeCluster } from '../../support/fake-engine.ts';
import { LineClient, openTestFiles, PlainHasher, startNodes, until } from '../../support/gateway.ts';
import { NativeClient, newSession } from '../../support/native-client.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const { nodes, stop } = await startNodes(3);
t.teardown(stop);
const [first, second, third] = nodes;
if (first === undefined || second === undefined || third === undefined) throw new Error('three nodes');

t.test('account: registered with profile, logged in by e-mail, shown to its owner', async (t) => {
  const client = await NativeClient.greet(first.httpPort, newSession());
  const profile = { displayName: 'Ann Bé', email: 'ann@example.org' };
  t.match(await client.change({ op: 'register', user: 'ann', password: 'pw', ...profile }), { ok: true });
  t.match(await client.query({ op: 'profile' }), { ok: false, code: 'AUTH_REQUIRED' });
  const other = await NativeClient.greet(second.httpPort, newSession());
  t.match(await other.change({ op: 'login', user: 'ANN@example.org', password: 'pw' }), {
    ok: true,
    value: { user: 'ann' },
  });
  const shown = await other.query({ op: 'profile' });
  t.match(shown, { ok: true, value: { op: 'profile', user: 'ann', ...profile } });
  t.ok(isUuid(String((shown.value as Record<string, unknown>).uuid)));
  t.match(await other.change({ op: 'set-profile', email: null }), { ok: true });
  t.match(await other.query({ op: 'profile' }), { value: { email: null, displayName: 'Ann Bé' } });
  t.match(await other.change({ op: 'set-profile', email: 'no' }), { ok: false, code: 'BAD_EMAIL' });
  const refused = await NativeClient.greet(first.httpPort, newSession());
  const taken = { op: 'register', user: 'bob', password: 'pw', displayName: 'a\u001b' };
  t.match(await refused.change(taken), { ok: false, code: 'BAD_DISPLAY_NAME' });
});

t.test('password: a change needs the current one, and ends every other login on every node', async (t) => {
  const ann = await NativeClient.join(first.httpPort, 'cleo');
  const elsewhere = await NativeClient.greet(second.httpPort, newSession());
  await elsewhere.change({ op: 'login', user: 'cleo', password: 'pw' });
  const line = await LineClient.open(third.chatPort);
  await line.ask('2|cleo|pw');

  for (const current of [{}, { current: '' }, { current: 'wrong' }]) {
    t.match(await ann.change({ op: 'change-password', ...current, password: 'new' }), {
      ok: false,
      code: 'DENIED',
    });
  }
  t.match(await ann.change({ op: 'change-password', current: 'pw', password: 'new' }), { ok: true });
  t.equal((await elsewhere.closed()).reason, 'SESSION_ENDED');
  t.equal(await line.rest(), '', 'the line connection ends');
  t.match(await ann.change({ op: 'send', to: 'cleo', text: 'still here' }), { ok: true });
  const again = await NativeClient.greet(second.httpPort, newSession());
  t.match(await again.change({ op: 'login', user: 'cleo', password: 'pw' }), { code: 'BAD_CREDENTIALS' });
  t.match(await again.change({ op: 'login', user: 'cleo', password: 'new' }), { ok: true });
});

t.test('password: a change whose answer was lost is answered when it is asked again', async (t) => {
  const credentials = newSession();
  const ann = await NativeClient.join(first.httpPort, 'dora', credentials);
  const change = { op: 'change-password', current: 'pw', password: 'new', n: 3, low: 3 };
  ann.send(change);
  await until(() => second.engine.machine.accountByName('dora')?.credential === 2);
  ann.destroy();
  const resumed = await NativeClient.greet(second.httpPort, credentials);
  resumed.send(change);
  t.match(await resumed.next((frame) => frame.n === 3), { ok: true });
  t.equal(second.engine.machine.accountByName('dora')?.credential, 2, 'once');
});

async function anEdge(
  cluster: FakeCluster,
  id: number,
  clock = new VirtualClock(),
  config: object = {},
): Promise<Edge> {
  const engine = cluster.node(id);
  const address = { host: '127.0.0.1', peerPort: 1, chatPort: 2, httpPort: 3 };
  const random = seededRandom(id);
  return new Edge({
    config: parseConfig(JSON.stringify({ ...config, profile: 'loopback-demo', nodes: [{ id, ...address }] })),
    node: id,
    engine,
    bus: engine.bus,
    view: engine.machine,
    store: engine.store,
    files: await openTestFiles(engine),
    clock,
    random,
    logger: silentLogger,
    turn: setImmediate,
    hasher: new PlainHasher(),
    secureBytes: (count) => Uint8Array.from({ length: count }, () => random.below(256)),
  });
}

function verdict(reply: Reply): string {
  return reply.kind === 'rejection' ? reply.code : reply.kind;
}

t.test(
  'guest: enters without a password, takes no registered name, and goes with its connection',
  async (t) => {
    const cluster = new FakeCluster();
    const { service } = await anEdge(cluster, 1);
    const other = await anEdge(cluster, 2);
    const line = () => new ConnectionContext(null, '192.0.2.1');
    await service.execute(line(), { op: 'register', user: 'ann', password: 'pw' }, null);
    t.equal(verdict(await service.accounts.enterGuest(line(), 'Ann')), 'NAME_TAKEN');
    const guest = line();
    t.match(await service.accounts.enterGuest(guest, 'visitor'), {
      kind: 'receipt',
      value: { op: 'login', user: 'visitor' },
    });
    t.equal(verdict(await service.accounts.enterGuest(guest, 'second')), 'ALREADY_LOGGED_IN');
    t.equal(verdict(await service.execute(guest, { op: 'send', to: 'ann', text: 'hi' }, null)), 'receipt');
    for (const password of ['', 'x']) {
      const login = { op: 'login', user: 'visitor', password } as const;
      t.equal(verdict(await other.service.execute(line(), login, null)), 'BAD_CREDENTIALS');
    }
    await service.accounts.leaveGuest(guest);
    await other.service.barrier();
    t.equal(cluster.nodes.get(2)?.machine.accountByName('visitor'), undefined);
  },
);

t.test('guest: a connection that is gone before the guest has entered leaves nothing behind', async (t) => {
  const cluster = new FakeCluster();
  const { service } = await anEdge(cluster, 1);
  const guest = new ConnectionContext(null, null);
  const entering = service.accounts.enterGuest(guest, 'visitor');
  await service.accounts.leaveGuest(guest);
  await entering;
  t.equal(cluster.nodes.get(1)?.machine.accountByName('visitor'), undefined);
});

t.test(
  'guest: of a node that died, the name is free by cluster time, also where nothing else happens',
  async (t) => {
    const cluster = new FakeCluster();
    const { service } = await anEdge(cluster, 1);
    const other = await anEdge(cluster, 2);
    const line = () => new ConnectionContext(null, null);
    await service.accounts.enterGuest(line(), 'visitor');
    const register = { op: 'register', user: 'visitor', password: 'pw' } as const;
    t.equal(verdict(await other.service.execute(line(), register, null)), 'NAME_TAKEN');
    cluster.aheadMs += limits.guestLeaseMs;
    t.equal(verdict(await other.service.execute(line(), register, null)), 'receipt');
  },
);

t.test('guest: who has left may enter again on the same connection', async (t) => {
  const cluster = new FakeCluster();
  const { service } = await anEdge(cluster, 1);
  const context = new ConnectionContext(null, null);
  for (const name of ['first', 'second', 'first']) {
    t.equal(verdict(await service.accounts.enterGuest(context, name)), 'receipt', name);
    t.equal(context.identity?.name, name);
    await service.accounts.leaveGuest(context);
    t.equal(context.identity, null);
    t.equal(cluster.nodes.get(1)?.machine.accountByName(name), undefined);
  }
});

t.test('guest: its node renews the lease while it is there', async (t) => {
  const cluster = new FakeCluster();
  const clock = new VirtualClock();
  const edge = await anEdge(cluster, 1, clock);
  await edge.service.accounts.enterGuest(new ConnectionContext(null, null), 'visitor');
  const before = cluster.log.length;
  await clock.advance(limits.guestLeaseMs / 2);
  await until(() => cluster.log.length > before);
  await clock.advance(limits.guestLeaseMs / 2);
  await until(() => cluster.log.length > before + 1);
  edge.stop();
  const renewed = cluster.log.length;
  await clock.advance(limits.guestLeaseMs);
  t.equal(cluster.log.length, renewed, 'a node that stopped renews nothing');
});

t.test(
  'guest: the lease is renewed while any connection of its session is here, and no longer',
  async (t) => {
    const cluster = new FakeCluster();
    const clock = new VirtualClock();
    const edge = await anEdge(cluster, 1, clock);
    const { accounts } = edge.service;
    const first = new ConnectionContext(null, null);
    await accounts.enterGuest(first, 'visitor');
    const guest = first.identity?.account ?? 0;
    accounts.hold(guest);
    accounts.release(guest);
    const before = cluster.log.length;
    await clock.advance(limits.guestLeaseMs / 2);
    await until(() => cluster.log.length > before);
    accounts.release(guest);
    const renewed = cluster.log.length;
    await clock.advance(limits.guestLeaseMs);
    t.equal(cluster.log.length, renewed, 'nobody is here for it');
    accounts.hold(guest);
    await clock.advance(limits.guestLeaseMs / 2);
    await until(() => cluster.log.length > renewed);
    edge.stop();
  },
);

t.test(
  'bearer: where registration is by invitation a new one needs its code, which is used up',
  async (t) => {
    const cluster = new FakeCluster();
    const edge = await anEdge(cluster, 1, new VirtualClock(), { registration: 'invitation' });
    const { accounts, administration } = edge.service;
    const stranger = new ConnectionContext(null, null);
    t.match(await accounts.newBearer(stranger), { code: 'DENIED' });
    await administration.invite(createHash('sha256').update('code').digest('hex'), 1, 60_000);
    stranger.invitation = 'code';
    t.match(await accounts.newBearer(stranger), { kind: 'bearer' });
    t.match(await accounts.newBearer(stranger), { code: 'INVITATION_INVALID' });
  },
);

t.test('bearer: a secret is shown once, stored hashed, and logs in on any node', async (t) => {
  const cluster = new FakeCluster();
  const { service } = await anEdge(cluster, 1);
  const other = await anEdge(cluster, 2);
  const bearer = await service.accounts.newBearer(new ConnectionContext(null, null));
  if (bearer.kind !== 'bearer') throw new Error(bearer.text);
  t.ok(isUuid(bearer.secret));
  t.match(bearer.name, /^user-[0-9a-f]{8}$/);
  const context = new ConnectionContext(null, null);
  t.match(await other.service.accounts.loginBearer(context, bearer.secret), { value: { user: bearer.name } });
  t.equal(context.identity?.name, bearer.name);
  const stranger = bearer.secret.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
  t.equal(verdict(await service.accounts.loginBearer(context, stranger)), 'BAD_CREDENTIALS');
  const login = { op: 'login', user: bearer.name, password: bearer.secret } as const;
  t.equal(verdict(await service.execute(new ConnectionContext(null, null), login, null)), 'BAD_CREDENTIALS');
  t.notOk(cluster.log.some(({ command }) => Buffer.from(command).includes(bearer.secret)));
});
