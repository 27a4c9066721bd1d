/** The client against nodes in memory, under a clock that stands still: every failure at a known moment. */
import t from 'tap';
import { limits } from '../../src/base/limits.ts';
import { type Random, seededRandom } from '../../src/base/prng.ts';
import { Client } from '../../src/client/client.ts';
import { largestInbox } from '../../src/client/inbox.ts';
import { largestQueue } from '../../src/client/request-queue.ts';
import type { Status } from '../../src/client/status.ts';
import type { ClientOptions } from '../../src/client/types.ts';
import type { MessageEntry, Reply } from '../../src/protocol/requests.ts';
import { settle, VirtualClock } from '../support/virtual-clock.ts';
import { countingSecrets, FakeCluster } from './fake-cluster.ts';

interface World {
  readonly clock: VirtualClock;
  readonly cluster: FakeCluster;
  readonly client: Client;
  readonly statuses: Status[];
  /** Texts that reached the handler, in order. */
  readonly got: string[];
  kinds(): string[];
}

function world(options: Partial<ClientOptions> = {}, nodes = 3): World {
  const clock = new VirtualClock();
  const cluster = new FakeCluster(clock, nodes);
  const statuses: Status[] = [];
  const got: string[] = [];
  const client = new Client({
    nodes: cluster.addresses,
    clock,
    random: seededRandom(7),
    dialer: cluster,
    secrets: countingSecrets(),
    onStatus: (status) => statuses.push(status),
    ...options,
  });
  client.onMessage((message) => {
    got.push(message.text);
  });
  return { clock, cluster, client, statuses, got, kinds: () => statuses.map((status) => status.kind) };
}

/** Moves time on until the promise is settled. Bounded. */
async function within<T>(clock: VirtualClock, ms: number, promise: Promise<T>): Promise<T> {
  let value: { readonly result: T } | null = null;
  void promise.then((result) => {
    value = { result };
  });
  for (let passed = 0; value === null && passed < ms; passed++) await clock.advance(1);
  await settle();
  if (value === null) throw new Error(`not settled within ${ms} ms`);
  return (value as { readonly result: T }).result;
}

/** A client logged in as ann, on the leader, with a standby; bob exists. */
async function loggedIn(options: Partial<ClientOptions> = {}): Promise<World> {
  const made = world(options);
  made.cluster.accounts.set('ann', 'pw').set('bob', 'pw');
  await within(made.clock, 200, made.client.login('ann', 'pw'));
  await made.clock.advance(400);
  return made;
}

/** The program ends, and is started again with the session that it had. */
async function nextLife({
  clock,
  cluster,
  client,
}: Pick<World, 'clock' | 'cluster' | 'client'>): Promise<Client> {
  const { session } = client;
  await client.close();
  const random = seededRandom(8);
  return new Client({
    nodes: cluster.addresses,
    clock,
    random,
    dialer: cluster,
    secrets: countingSecrets(),
    session,
  });
}

function receipts(replies: readonly Reply[]): number {
  return replies.filter((reply) => reply.kind === 'receipt').length;
}

function changesHeard(cluster: FakeCluster, op: string): { node: number; n: number; low: number }[] {
  return cluster.heard.flatMap(({ node, request }) =>
    'n' in request && request.op === op ? [{ node, n: request.n, low: request.low }] : [],
  );
}

t.test('client: requests made before the first connection wait for it and end as receipts', async (t) => {
  const { clock, cluster, client } = world();
  const outcomes = Promise.all([
    client.register('bob', 'pw'),
    client.register('ann', 'pw'),
    client.login('ann', 'pw'),
    client.send('bob', 'hi'),
    client.users(),
  ]);
  const [, , login, send, users] = await within(clock, 200, outcomes);
  t.match(login, { kind: 'receipt', value: { op: 'login', user: 'ann' } });
  t.match(send, { kind: 'receipt', value: { op: 'send', to: 'bob', online: false, sequence: 1 } });
  t.match(users, { kind: 'receipt', value: { users: [{ name: 'ann', online: true }, { name: 'bob' }] } });
  t.equal(client.user, 'ann');
  t.strictSame(
    cluster.messages.map((message) => message.text),
    ['hi'],
  );
});

t.test('client: a rejection is an outcome, not a throw, and is not repeated', async (t) => {
  const { clock, cluster, client } = await loggedIn();
  const outcome = await within(clock, 50, client.send('nobody', 'hi'));
  t.match(outcome, { kind: 'rejection', code: 'UNKNOWN_USER' });
  await clock.advance(2_000);
  t.equal(changesHeard(cluster, 'send').length, 1);
});

t.test('client: what is made in one turn leaves as one frame, none above the limit', async (t) => {
  const { clock, cluster, client } = await loggedIn();
  const before = cluster.frames.length;
  const sends = Array.from({ length: 100 }, (_, index) => client.send('bob', `m${index}`));
  await settle();
  t.equal(cluster.frames.length - before, 1);
  t.equal(receipts(await within(clock, 50, Promise.all(sends))), 100);
  const large = Array.from({ length: 40 }, () => client.send('bob', 'é'.repeat(4_000)));
  t.equal(receipts(await within(clock, 50, Promise.all(large))), 40);
  t.ok(cluster.frames.every((frame) => Buffer.byteLength(frame) <= limits.frameBytes));
});

t.test(
  'client: a request that no frame can carry is refused here instead of ending the connection',
  async (t) => {
    const { client } = await loggedIn();
    t.match(await client.send('bob', '\u0001'.repeat(20_000)), { kind: 'rejection', code: 'TOO_LONG' });
  },
);

t.test('client: at most the window is unanswered, the rest waits, beyond the queue it is BUSY', async (t) => {
  const { clock, cluster, client } = await loggedIn();
  cluster.setLeader(null);
  const all = limits.inFlightPerSession + largestQueue;
  const replies: Reply[] = [];
  for (let made = 0; made < all + 3; made++)
    void client.send('bob', 'x').then((reply) => replies.push(reply));
  await clock.advance(5);
  t.equal(
    replies.filter((reply) => reply.kind === 'rejection' && reply.code === 'BUSY').length,
    all + 3 - largestQueue,
  );
  t.equal(changesHeard(cluster, 'send').length, limits.inFlightPerSession);
  await client.close();
});

t.test('client: the window counts numbers from the lowest unanswered one', async (t) => {
  const { clock, cluster, client } = await loggedIn();
  cluster.refusals.push('BUSY');
  const first = client.send('bob', 'first');
  const rest = Array.from({ length: limits.inFlightPerSession + 50 }, (_, i) => client.send('bob', `${i}`));
  await clock.advance(4);
  const [lowest] = changesHeard(cluster, 'send');
  const highest = Math.max(...changesHeard(cluster, 'send').map(({ n }) => n));
  t.equal(highest - (lowest?.n ?? 0), limits.inFlightPerSession - 1);
  t.equal(receipts(await within(clock, 500, Promise.all([first, ...rest]))), rest.length + 1);
});

t.test(
  'client: a killed leader is left at once, and what was unanswered goes again under its number',
  async (t) => {
    const { clock, cluster, client, statuses, got } = await loggedIn();
    t.equal(client.node, 1);
    cluster.losesReplies = 3;
    const sends = Array.from({ length: 5 }, (_, index) => client.send('bob', `m${index}`));
    await clock.advance(2);
    statuses.length = 0;
    const dialled = cluster.dialled.length;
    cluster.kill(1);
    await clock.advance(4);
    t.match(statuses[0], { kind: 'down', node: 1 });
    const last = cluster.heard.at(-1);
    t.ok(last?.node !== 1 && last?.request.op === 'hello', 'hello was said on the standby');
    t.equal(cluster.dialled.length, dialled, 'without a new handshake');
    cluster.setLeader(3);
    t.equal(receipts(await within(clock, 30, Promise.all(sends))), 5);
    t.strictSame(
      cluster.messages.map((message) => message.text),
      ['m0', 'm1', 'm2', 'm3', 'm4'],
    );
    await clock.advance(300);
    t.equal(client.node, 3, 'it went on to the new leader');
    t.strictSame(got, ['m0', 'm1', 'm2', 'm3', 'm4'], 'each message once');
    t.match(statuses.filter(({ kind }) => kind === 'connected').at(-1), { node: 3, planned: true });
  },
);

t.test(
  'client: the numbers repeated after a failover are the first ones, in order, with the lowest unanswered',
  async (t) => {
    const { clock, cluster, client } = await loggedIn();
    cluster.losesReplies = 3;
    const sends = Array.from({ length: 3 }, (_, index) => client.send('bob', `m${index}`));
    await clock.advance(3);
    cluster.kill(1);
    cluster.setLeader(2);
    await within(clock, 100, Promise.all(sends));
    const heard = changesHeard(cluster, 'send');
    t.strictSame(
      heard.slice(3, 6).map(({ n, low }) => [n, low]),
      [
        [2, 2],
        [3, 2],
        [4, 2],
      ],
    );
  },
);

t.test('client: what a node refuses without asking the log says nothing of an earlier attempt', async (t) => {
  const { clock, cluster, client } = await loggedIn();
  cluster.refusals.push('LOW_SPACE');
  t.match(await within(clock, 100, client.send('bob', 'first')), { kind: 'rejection', code: 'LOW_SPACE' });
  for (const [leader, code] of [
    [1, 'LOW_SPACE'],
    [2, 'RATE_LIMITED'],
  ] as const) {
    cluster.losesReplies = 1;
    const sent = client.send('bob', `before ${code}`);
    await clock.advance(3);
    cluster.refusals.push(code, code);
    cluster.kill(leader);
    cluster.setLeader(leader + 1);
    t.match(await within(clock, 5_000, sent), { kind: 'receipt' }, `it was in the log before ${code}`);
    await clock.advance(1_000);
  }
  t.strictSame(
    cluster.messages.map(({ text }) => text),
    ['before LOW_SPACE', 'before RATE_LIMITED'],
  );
});

t.test(
  'client: a token that nobody can take now is shown again, and given up when it opens nothing',
  async (t) => {
    const { clock, cluster, client, kinds } = world({ token: 'good' });
    cluster.tokens.set('good', 'ann');
    cluster.accounts.set('bob', 'pw');
    cluster.refusals.push('LOW_SPACE', 'LOW_SPACE', 'RATE_LIMITED');
    const sent = client.send('bob', 'at last');
    t.match(await within(clock, 60_000, sent), { kind: 'receipt' });
    t.equal(client.user, 'ann');
    t.notOk(kinds().includes('token-refused'));
    const other = world({ token: 'bad' });
    t.match(await within(other.clock, 60_000, other.client.send('bob', 'never')), { code: 'AUTH_REQUIRED' });
    t.ok(other.kinds().includes('token-refused'));
  },
);

t.test('client: reads are asked again on the next node', async (t) => {
  const { clock, cluster, client } = await loggedIn();
  cluster.setLeader(null);
  const users = client.users();
  await clock.advance(20);
  cluster.kill(1);
  await clock.advance(20);
  cluster.setLeader(2);
  t.match(await within(clock, 100, users), { kind: 'receipt', value: { op: 'users' } });
});

t.test('client: a node that vanished without a word is left while a request waits', async (t) => {
  const { clock, cluster, client, statuses } = await loggedIn();
  cluster.freeze(1);
  cluster.setLeader(2);
  const began = clock.monotonicMs();
  const outcome = await within(clock, 1_000, client.send('bob', 'hi'));
  t.equal(outcome.kind, 'receipt');
  t.ok(clock.monotonicMs() - began < 400, `after ${clock.monotonicMs() - began} ms`);
  t.ok(statuses.some((status) => status.kind === 'down' && status.node === 1));
  cluster.thaw(1);
  await clock.advance(1_000);
  t.strictSame(
    cluster.messages.map((message) => message.text),
    ['hi'],
    'what thawed later changed nothing',
  );
});

t.test('client: a vanished node is noticed by an idle reader too', async (t) => {
  const { clock, cluster, got, kinds } = await loggedIn();
  cluster.freeze(1);
  cluster.setLeader(2);
  cluster.post('bob', 'ann', 'are you there?');
  await clock.advance(4_500);
  t.ok(kinds().includes('down'));
  t.strictSame(got, ['are you there?']);
});

t.test(
  'client: a node that stood still and speaks before another one does is kept, and nothing is repeated',
  async (t) => {
    const { clock, cluster, client, kinds } = await loggedIn();
    cluster.freeze(1);
    const send = client.send('bob', 'hi');
    await clock.advance(800);
    t.ok(
      cluster.heard.filter(({ node, request }) => node !== 1 && request.op === 'hello').length > 0,
      'another was asked',
    );
    cluster.thaw(1);
    t.equal((await within(clock, 50, send)).kind, 'receipt');
    t.notOk(kinds().includes('down'));
    t.equal(client.node, 1);
    t.equal(changesHeard(cluster, 'send').length, 1);
    await clock.advance(500);
    t.strictSame([cluster.connected('greeted'), cluster.connected('silent').length], [[1], 1]);
  },
);

t.test('client: a node that only takes long is not left', async (t) => {
  const { clock, cluster, client, kinds } = await loggedIn();
  cluster.losesReplies = 1;
  void client.send('bob', 'slow');
  await clock.advance(3_000);
  t.notOk(kinds().includes('down'));
  t.equal(client.node, 1);
});

t.test(
  'client: an unanswered request on a healthy connection is repeated after the longest time a node takes',
  async (t) => {
    const { clock, cluster, client } = await loggedIn();
    cluster.losesReplies = 1;
    const outcome = await within(clock, limits.operationMs + 3_000, client.send('bob', 'once'));
    t.equal(outcome.kind, 'receipt');
    t.equal(cluster.messages.length, 1);
  },
);

t.test(
  'client: refusals and unknown outcomes are repeated under the same number until they end',
  async (t) => {
    const { clock, cluster, client } = await loggedIn();
    cluster.refusals.push('UNAVAILABLE', 'BUSY', 'unknown', 'TOO_MANY_IN_FLIGHT');
    const outcome = await within(clock, 2_000, client.send('bob', 'hi'));
    t.equal(outcome.kind, 'receipt');
    const heard = changesHeard(cluster, 'send');
    t.ok(heard.length >= 5);
    t.strictSame([...new Set(heard.map(({ n }) => n))], [2]);
  },
);

t.test(
  'client: given up, a change that may have happened is unknown, one that certainly did not is its refusal',
  async (t) => {
    const { clock, cluster, client } = await loggedIn({ giveUpMs: 300, readGiveUpMs: 200 });
    cluster.losesReplies = 1;
    t.match(await within(clock, 400, client.send('bob', 'a')), { kind: 'unknown' });
    cluster.refusals.push(...Array.from({ length: 100 }, () => 'BUSY' as const));
    t.match(await within(clock, 400, client.send('bob', 'b')), { kind: 'rejection', code: 'BUSY' });
    cluster.refusals.length = 0;
    cluster.setLeader(null);
    t.match(await within(clock, 400, client.users()), { kind: 'rejection', code: 'UNAVAILABLE' });
    for (const { id } of cluster.nodes) cluster.kill(id);
    await clock.advance(100);
    t.match(await within(clock, 400, client.send('bob', 'c')), { kind: 'rejection', code: 'UNAVAILABLE' });
  },
);

t.test(
  'client: when no node can be reached it says so once, keeps trying, and goes on when one is back',
  async (t) => {
    const { clock, cluster, client, statuses, kinds } = await loggedIn();
    for (const { id } of cluster.nodes) cluster.kill(id);
    const send = client.send('bob', 'typed meanwhile');
    await clock.advance(20_000);
    t.equal(kinds().filter((kind) => kind === 'unreachable').length, 1);
    const dialled = cluster.dialled.length;
    await clock.advance(10_000);
    t.ok(cluster.dialled.length - dialled <= 60, 'the back-off bounds the attempts');
    cluster.restart(2);
    cluster.restart(3);
    cluster.setLeader(2);
    t.equal((await within(clock, 2_000, send)).kind, 'receipt');
    t.match(statuses.filter(({ kind }) => kind === 'resumed').at(-1), { user: 'ann' });
    t.equal(cluster.messages.length, 1);
  },
);

t.test('client: a planned stop moves the client without a failure', async (t) => {
  const { clock, cluster, client, kinds } = await loggedIn();
  const outcomes: Reply[] = [];
  for (let step = 0; step < 40; step++) {
    void client.send('bob', `m${step}`).then((reply) => outcomes.push(reply));
    if (step === 10) {
      cluster.setLeader(2);
      cluster.stop(1);
    }
    await clock.advance(5);
  }
  await clock.advance(500);
  t.equal(receipts(outcomes), 40);
  t.notOk(kinds().includes('down'));
  t.equal(client.node, 2);
  t.strictSame(
    cluster.messages.map((message) => message.text),
    outcomes.map((_, index) => `m${index}`),
  );
});

t.test(
  'client: it goes on when every node that it was started with is gone, one after the other',
  async (t) => {
    const { clock, cluster, client } = await loggedIn();
    const outcomes: Reply[] = [];
    for (const gone of [1, 2, 3]) {
      const fresh = cluster.addNode();
      cluster.setMembers([gone, gone + 1, gone + 2, fresh]);
      await clock.advance(200);
      void client.send('bob', `before ${gone}`).then((reply) => outcomes.push(reply));
      // As a removal goes: another one leads, then the node is no member, and stops.
      cluster.setLeader(gone + 1);
      cluster.setMembers([gone + 1, gone + 2, fresh]);
      cluster.stop(gone);
      await clock.advance(1_000);
      void client.send('bob', `after ${gone}`).then((reply) => outcomes.push(reply));
      await clock.advance(200);
    }
    t.equal(receipts(outcomes), 6);
    t.ok([4, 5, 6].includes(client.node ?? 0), `it uses node ${client.node}`);
    // Known by what the nodes told only: a new connection finds them too.
    cluster.kill(client.node ?? 0);
    cluster.setLeader(6);
    const last = client.send('bob', 'the end');
    t.match(await within(clock, 5_000, last), { kind: 'receipt' });
  },
);

t.test('client: it moves to the leader and keeps a silent standby on another node', async (t) => {
  const { clock, cluster, client } = await loggedIn();
  cluster.setLeader(3);
  await clock.advance(500);
  t.equal(client.node, 3);
  t.strictSame(cluster.connected('greeted'), [3]);
  t.equal(cluster.connected('silent').length, 1);
  t.not(cluster.connected('silent')[0], 3);
});

t.test('client: a login that is answered while a move is under way outlives the move', async (t) => {
  const { clock, cluster, client, kinds } = world();
  cluster.accounts.set('ann', 'pw').set('bob', 'pw');
  await clock.advance(200);
  cluster.welcomeMs.set(3, 300);
  cluster.setLeader(3);
  const isGreeted = (): boolean =>
    cluster.heard.some(({ node, request }) => node === 3 && request.op === 'hello');
  for (let passed = 0; !isGreeted() && passed < 200; passed++) await clock.advance(1);
  t.ok(isGreeted(), 'node 3 is asked who this is');
  t.not(client.node, 3);
  t.match(await within(clock, 100, client.login('ann', 'pw')), { kind: 'receipt' });
  t.not(client.node, 3, 'its answer is still on its way, and knows nothing of the login');
  await clock.advance(2_000);
  t.equal(client.node, 3);
  t.equal(client.user, 'ann');
  t.notOk(kinds().includes('session-lost'));
  t.equal((await within(clock, 100, client.send('bob', 'hi'))).kind, 'receipt');
});

t.test('client: a node that knows no leader is left for one that does', async (t) => {
  const { clock, cluster, client } = await loggedIn();
  cluster.setLeader(null);
  const send = client.send('bob', 'hi');
  await clock.advance(1_500);
  const asked = new Set(
    cluster.heard.filter(({ request }) => request.op === 'hello').map(({ node }) => node),
  );
  t.ok(asked.size >= 2, 'another node was asked');
  cluster.setLeader(3);
  t.equal((await within(clock, 200, send)).kind, 'receipt');
});

t.test('client: messages come once, in order, across a connection that breaks again and again', async (t) => {
  const { clock, cluster, got } = await loggedIn();
  const expected: string[] = [];
  for (let round = 0; round < 12; round++) {
    for (let i = 0; i < 5; i++) {
      expected.push(`${round}.${i}`);
      cluster.post('bob', 'ann', `${round}.${i}`);
    }
    await clock.advance(round % 3);
    cluster.breakUser('ann');
    await clock.advance(round * 7);
  }
  await clock.advance(1_000);
  t.strictSame(got, expected);
});

t.test('client: a repeated push is dropped by conversation and sequence', async (t) => {
  const { clock, cluster, got } = await loggedIn();
  cluster.post('bob', 'ann', 'one');
  await clock.advance(5);
  cluster.tellUser('ann', { ev: 'message', ...cluster.messages[0] });
  await clock.advance(5);
  t.strictSame(got, ['one']);
});

t.test(
  'client: a push that leaves something out is not taken: delivery is asked for again from before it',
  async (t) => {
    const { clock, cluster, got, kinds } = await loggedIn();
    cluster.post('bob', 'ann', 'one');
    await clock.advance(5);
    cluster.tellUser('ann', { ev: 'message', ...cluster.messages[0], sequence: 3, index: 13, text: 'three' });
    cluster.post('bob', 'ann', 'two');
    cluster.post('bob', 'ann', 'three');
    await clock.advance(50);
    t.strictSame(got, ['one', 'two', 'three']);
    cluster.tellUser('ann', { ev: 'message', ...cluster.messages[0], sequence: 9, index: 99, text: 'nine' });
    await clock.advance(50);
    cluster.tellUser('ann', { ev: 'message', ...cluster.messages[0], sequence: 9, index: 99, text: 'nine' });
    await clock.advance(50);
    t.strictSame(got, ['one', 'two', 'three', 'nine'], 'what is gone for good does not hold up the rest');
    t.notOk(kinds().includes('down'));
  },
);

t.test(
  'client: a message is acknowledged only after its handler is done, and acknowledgements are coalesced',
  async (t) => {
    const { clock, cluster, client } = await loggedIn();
    const releases: (() => void)[] = [];
    const seen: string[] = [];
    client.onMessage((message: MessageEntry) => {
      seen.push(message.text);
      return new Promise((resolve) => releases.push(resolve));
    });
    cluster.post('bob', 'ann', 'one');
    cluster.post('bob', 'ann', 'two');
    await clock.advance(500);
    t.strictSame(seen, ['one'], 'the next one waits');
    t.equal(cluster.acknowledged.get('ann'), undefined);
    releases.shift()?.();
    await clock.advance(500);
    t.strictSame(seen, ['one', 'two']);
    t.equal(cluster.acknowledged.get('ann'), cluster.messages[0]?.index);
    releases.shift()?.();
    await clock.advance(500);
    t.equal(client.cursor, cluster.messages[1]?.index);
    client.onMessage(() => undefined);
    const before = cluster.heard.filter(({ request }) => request.op === 'ack').length;
    for (let i = 0; i < 50; i++) {
      cluster.post('bob', 'ann', `${i}`);
      await clock.advance(2);
    }
    await clock.advance(200);
    const acks = cluster.heard.filter(({ request }) => request.op === 'ack').length - before;
    t.ok(acks <= 2, `${acks} acknowledgements for 50 messages in 100 ms`);
    t.equal(cluster.acknowledged.get('ann'), cluster.messages.at(-1)?.index);
  },
);

t.test('client: a handler that is too slow leaves the rest on the server and misses nothing', async (t) => {
  const { clock, cluster, client } = await loggedIn();
  const seen: string[] = [];
  let release: (() => void) | null = null;
  client.onMessage(({ text }) => {
    seen.push(text);
    if (seen.length > 1) return undefined;
    return new Promise((resolve) => {
      release = resolve;
    });
  });
  const total = largestInbox + 500;
  for (let i = 0; i < total; i++) cluster.post('bob', 'ann', `${i}`);
  await clock.advance(50);
  t.equal(seen.length, 1);
  (release as (() => void) | null)?.();
  await clock.advance(2_000);
  t.strictSame(
    seen,
    Array.from({ length: total }, (_, i) => `${i}`),
  );
});

t.test(
  'client: without a handler nothing is acknowledged, and what waited is handed over when one is set',
  async (t) => {
    const { clock, cluster, client, got } = await loggedIn();
    client.onMessage(null);
    const total = largestInbox + 10;
    for (let i = 0; i < total; i++) cluster.post('bob', 'ann', `${i}`);
    await clock.advance(500);
    t.equal(cluster.acknowledged.get('ann'), undefined);
    t.strictSame(got, []);
    client.onMessage(({ text }) => {
      got.push(text);
    });
    await clock.advance(500);
    t.strictSame(
      got,
      Array.from({ length: total }, (_, i) => `${i}`),
    );
    t.equal(cluster.acknowledged.get('ann'), cluster.messages.at(-1)?.index);
  },
);

t.test('client: pending messages have been handled when caughtUp is fulfilled', async (t) => {
  const { clock, cluster, client, got } = world();
  cluster.accounts.set('ann', 'pw').set('bob', 'pw');
  cluster.post('bob', 'ann', 'one');
  cluster.post('bob', 'ann', 'two');
  await within(
    clock,
    100,
    client.login('ann', 'pw').then(() => client.caughtUp()),
  );
  t.strictSame(got, ['one', 'two']);
});

t.test('client: logout ends the session and the next login begins another one', async (t) => {
  const { clock, cluster, client, kinds } = await loggedIn();
  const first = client.session.id;
  const [out, back] = await within(clock, 200, Promise.all([client.logout(), client.login('bob', 'pw')]));
  t.equal(out.kind, 'receipt');
  t.match(back, { kind: 'receipt', value: { user: 'bob' } });
  t.not(client.session.id, first);
  t.equal(client.user, 'bob');
  t.notOk(kinds().includes('down'));
  t.notOk(kinds().includes('session-lost'));
  t.equal(cluster.sessions.size, 2);
});

t.test(
  'client: a logout or deletion whose reply was lost gets its first answer on the next node',
  async (t) => {
    for (const op of ['logout', 'delete'] as const) {
      const { clock, cluster, client, kinds } = await loggedIn();
      cluster.losesReplies = 1;
      const ending: Promise<Reply> = op === 'logout' ? client.logout() : client.deleteAccount('ann');
      await clock.advance(2);
      cluster.kill(1);
      cluster.setLeader(2);
      t.equal((await within(clock, 100, ending)).kind, 'receipt', op);
      t.notOk(kinds().includes('session-lost'));
      t.equal(client.user, null);
    }
  },
);

t.test(
  'client: an expired session ends its unanswered changes as unknown, and asks for a new login',
  async (t) => {
    const { clock, cluster, client, statuses } = await loggedIn();
    cluster.losesReplies = 1;
    const lost = client.send('bob', 'one');
    await clock.advance(3);
    cluster.forgetSessions();
    const [one, two] = await within(clock, 100, Promise.all([lost, client.send('bob', 'two')]));
    t.match(one, { kind: 'unknown' });
    t.match(two, { kind: 'unknown' });
    t.match(
      statuses.find(({ kind }) => kind === 'session-lost'),
      { reason: 'expired' },
    );
    t.equal(client.user, null);
    t.match(await within(clock, 100, client.send('bob', 'three')), {
      kind: 'rejection',
      code: 'AUTH_REQUIRED',
    });
    t.equal((await within(clock, 100, client.login('ann', 'pw'))).kind, 'receipt');
  },
);

t.test('client: an anonymous session that expired is replaced without the user noticing', async (t) => {
  const { clock, cluster, client, kinds } = world();
  await within(clock, 100, client.register('ann', 'pw'));
  cluster.forgetSessions();
  t.match(await within(clock, 100, client.login('ann', 'pw')), { kind: 'receipt' });
  t.notOk(kinds().includes('session-lost'));
});

t.test(
  'client: a session ended elsewhere is told, and the connection is not counted as a failure',
  async (t) => {
    const { clock, cluster, client, statuses, kinds } = await loggedIn();
    for (const session of cluster.sessions.values()) {
      cluster.tellUser('ann', { ev: 'closing', code: 'SESSION_ENDED', text: 'deleted' });
      session.ended = true;
    }
    await clock.advance(50);
    t.match(
      statuses.find(({ kind }) => kind === 'session-lost'),
      { reason: 'ended' },
    );
    t.notOk(kinds().includes('down'));
    t.equal(client.user, null);
  },
);

t.test('client: a program that restarts goes on with its session, its numbers and its cursor', async (t) => {
  const first = await loggedIn();
  const { cluster, clock } = first;
  await within(clock, 100, first.client.send('bob', 'one'));
  cluster.post('bob', 'ann', 'seen');
  await clock.advance(300);
  const { session, cursor } = first.client;
  await first.client.close();
  cluster.post('bob', 'ann', 'missed');
  const got: string[] = [];
  const second = new Client({
    nodes: cluster.addresses,
    clock,
    random: seededRandom(1),
    dialer: cluster,
    secrets: countingSecrets(),
    session,
    after: cursor,
  });
  second.onMessage(({ text }) => {
    got.push(text);
  });
  const outcome = await within(clock, 100, second.send('bob', 'two'));
  await clock.advance(50);
  t.equal(outcome.kind, 'receipt');
  t.equal(second.user, 'ann');
  t.strictSame(got, ['missed', 'two']);
});

t.test('client: a session that a former life opens a moment later is left to it', async (t) => {
  const secrets = countingSecrets();
  const { clock, cluster, client } = world({ secrets });
  await clock.advance(100);
  const { session } = client;
  const random = seededRandom(8);
  const next = new Client({ nodes: cluster.addresses, clock, dialer: cluster, secrets, session, random });
  const told: string[] = [];
  next.onStatus(({ kind }) => told.push(kind));
  await clock.advance(100);
  t.match(await within(clock, 100, client.register('kim', 'pw')), { kind: 'receipt' });
  const again = await within(clock, 500, next.register('kim', 'other'));
  t.match(again, { kind: 'rejection', code: 'NAME_TAKEN' }, 'the receipt was the other life’s');
  t.match(await within(clock, 500, next.register('lee', 'pw')), { kind: 'receipt' });
  t.ok(cluster.accounts.has('lee'));
  t.match(await within(clock, 500, next.login('lee', 'pw')), { kind: 'receipt' });
  t.equal(next.user, 'lee');
  t.not(next.session.id, session.id);
  t.notOk(told.includes('session-lost'), 'nobody was logged in to it');
});

t.test(
  'client: a list that comes in several replies is one, also when the connection breaks between them',
  async (t) => {
    const { clock, cluster, client } = await loggedIn();
    for (let i = 1; i <= 50; i++) cluster.post('bob', 'ann', `${i}`);
    cluster.entriesPerReply = 7;
    const texts = (outcome: Reply): string[] =>
      outcome.kind === 'receipt' && outcome.value.op === 'history'
        ? outcome.value.messages.map((m) => m.text)
        : [];
    const all = Array.from({ length: 50 }, (_, i) => `${i + 1}`);
    t.strictSame(texts(await within(clock, 200, client.history('bob', { limit: 1_000 }))), all);
    t.strictSame(
      texts(await within(clock, 200, client.history('bob', { limit: 10, before: 21 }))),
      all.slice(10, 20),
    );
    cluster.losesLastParts = 1;
    const broken = client.history('bob');
    await clock.advance(5);
    cluster.kill(1);
    cluster.setLeader(2);
    t.strictSame(texts(await within(clock, 200, broken)), all);
  },
);

t.test('client: closing ends what is unanswered, and leaves no timer behind', async (t) => {
  const { clock, cluster, client, kinds } = await loggedIn();
  cluster.setLeader(null);
  const sent = client.send('bob', 'sent');
  await clock.advance(3);
  const made = client.users();
  await client.close();
  t.match(await sent, { kind: 'unknown' });
  t.match(await made, { kind: 'rejection', code: 'UNAVAILABLE' });
  t.match(await client.send('bob', 'late'), { kind: 'rejection', code: 'UNAVAILABLE' });
  t.equal(kinds().at(-1), 'closed');
  await clock.advance(6_000);
  t.equal(clock.timers, 0);
});

/** One fault of the many; the nodes are whole again after at most `restMs`. */
function harm(cluster: FakeCluster, clock: VirtualClock, random: Random): void {
  const victim = 1 + random.below(3);
  const other = 1 + ((victim + random.below(2)) % 3);
  const restMs = 20 + random.below(1_200);
  switch (random.below(7)) {
    case 0:
      cluster.kill(victim);
      clock.after(random.below(60), () => cluster.setLeader(other));
      clock.after(restMs, () => cluster.restart(victim));
      return;
    case 1:
      cluster.freeze(victim);
      clock.after(random.below(300), () => cluster.setLeader(other));
      clock.after(restMs, () => cluster.thaw(victim));
      return;
    case 2:
      cluster.setLeader(other);
      cluster.stop(victim);
      clock.after(restMs + 100, () => cluster.restart(victim));
      return;
    case 3:
      cluster.setLeader(null);
      clock.after(restMs, () => cluster.setLeader(other));
      return;
    case 4:
      cluster.losesReplies = 1 + random.below(5);
      cluster.breakUser('ann');
      return;
    case 5:
      cluster.refusals.push('unknown', 'BUSY', 'UNAVAILABLE', 'TOO_MANY_IN_FLIGHT');
      return;
    case 6:
      cluster.setLeader(other);
      return;
  }
}

t.test(
  'client: through a hundred random faults every send happens once and every message comes once',
  async (t) => {
    for (let seed = 1; seed <= 10; seed++) {
      const random = seededRandom(seed);
      const { clock, cluster, client, got } = await loggedIn({ random });
      const replies: Reply[] = [];
      const texts: string[] = [];
      for (let round = 0; round < 10; round++) {
        harm(cluster, clock, random);
        for (let step = 0; step < 12; step++) {
          texts.push(`${round}.${step}`);
          void client.send('bob', `${round}.${step}`).then((reply) => replies.push(reply));
          if (random.below(3) === 0) cluster.post('bob', 'ann', 'from bob');
          await clock.advance(random.below(40));
        }
        await clock.advance(1_500);
      }
      await clock.advance(10_000);
      t.equal(receipts(replies), texts.length, `seed ${seed}: every send ended as a receipt`);
      const sent = cluster.messages.filter(({ from }) => from === 'ann').map(({ text }) => text);
      t.strictSame([...sent].sort(), [...texts].sort(), `seed ${seed}: each once`);
      t.strictSame(
        got,
        cluster.messages.map(({ text }) => text),
        `seed ${seed}: the reader saw one order, once`,
      );
      await client.close();
      await clock.advance(10_000);
      t.equal(clock.timers, 0);
    }
  },
);

t.test('client: a server that does not speak the protocol is a failed node, not a crash', async (t) => {
  const { clock, cluster, client, kinds } = await loggedIn();
  cluster.tellUser('ann', ['nonsense']);
  await clock.advance(5);
  t.ok(kinds().includes('down'));
  t.equal((await within(clock, 200, client.send('bob', 'hi'))).kind, 'receipt');
});

t.test(
  'client: a connection that ends as soon as it is welcomed is not made again in a hot loop',
  async (t) => {
    const { clock, cluster } = await loggedIn();
    const before = cluster.heard.length;
    for (let passed = 0; passed < 2_000; passed++) {
      cluster.breakUser('ann');
      await clock.advance(1);
    }
    const hellos = cluster.heard.slice(before).filter(({ request }) => request.op === 'hello').length;
    t.ok(hellos < 40, `${hellos} attempts in two seconds`);
  },
);

t.test(
  'client: a program that is started again repeats what it had numbered, and it takes effect once',
  async (t) => {
    const { clock, cluster, client } = await loggedIn();
    const numbers: number[] = [];
    cluster.losesReplies = 2;
    const trace = { numbered: (number: number) => numbers.push(number) };
    void client.request({ op: 'send', to: 'bob', text: 'one' }, trace);
    void client.request({ op: 'send', to: 'bob', text: 'two' }, trace);
    await clock.advance(5);
    t.same(numbers, [2, 3], 'told as they leave');
    t.equal(cluster.messages.length, 2);
    const again = await nextLife({ clock, cluster, client });
    const repeated = [
      again.request({ op: 'send', to: 'bob', text: 'one' }, { number: 2 }),
      again.request({ op: 'send', to: 'bob', text: 'two' }, { number: 3 }),
      again.send('bob', 'three'),
    ];
    const replies = await within(clock, 500, Promise.all(repeated));
    t.equal(receipts(replies), 3);
    t.same(
      cluster.messages.map(({ text }) => text),
      ['one', 'two', 'three'],
    );
    t.ok(Number(changesHeard(cluster, 'send').at(-1)?.n) > 4, 'what is new goes on behind');
    await again.close();
  },
);

t.test(
  'client: what its former life had under way comes late and does not take the number of a new request',
  async (t) => {
    const { clock, cluster, client } = await loggedIn();
    const { session } = client;
    const again = await nextLife({ clock, cluster, client });
    await within(clock, 500, again.users());
    // They were waiting in a node: whoever welcomed the client had not heard of them.
    const state = cluster.sessions.get(session.id);
    t.ok(state);
    for (let n = 2; n <= 1_100; n++) state?.answers.set(n, { body: `edit ${n}`, outcome: {} });
    const first = await within(clock, 500, again.send('bob', 'one'));
    t.match(first, { kind: 'receipt' });
    t.match(await within(clock, 500, again.send('bob', 'two')), { kind: 'receipt' });
    const [one, two] = changesHeard(cluster, 'send');
    t.equal(one?.low, one?.n, 'it waits for nothing of its former life, which the cluster learns by it');
    t.equal(two?.n, Number(one?.n) + 1);
    await again.close();
  },
);
