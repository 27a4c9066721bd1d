import t from 'tap';
import { WebSocket } from 'ws';
import { CodedError } from '../../../src/base/errors.ts';
import { limits } from '../../../src/base/limits.ts';
import { memberAt } from '../../support/fake-engine.ts';
import { metric, startNodes, until } from '../../support/gateway.ts';
import { NativeClient, newSession } from '../../support/native-client.ts';

const { cluster, nodes, stop } = await startNodes(2);
t.teardown(stop);
const [one, two] = nodes;
if (one === undefined || two === undefined) throw new Error('two nodes');

t.test('native: register, log in, send, and both members get the message', async (t) => {
  const ann = await NativeClient.join(one.httpPort, 'ann');
  const bob = await NativeClient.join(two.httpPort, 'bob');
  const reply = await ann.change({ op: 'send', to: 'bob', text: 'hi' });
  t.match(reply, { ok: true, value: { op: 'send', to: 'bob', online: true, sequence: 1 } });
  const pushed = await bob.next((frame) => frame.ev === 'message');
  t.match(pushed, { from: 'ann', to: 'bob', text: 'hi', sequence: 1 });
  t.same(await ann.next((frame) => frame.ev === 'message'), pushed, 'the sender’s copy is the same');
  t.match(await bob.query({ op: 'history', with: 'ann', limit: 10 }), {
    ok: true,
    value: { messages: [{ text: 'hi' }] },
  });
  t.match(await bob.query({ op: 'users' }), {
    value: {
      users: [
        { name: 'ann', online: true },
        { name: 'bob', online: true },
      ],
    },
  });
  bob.send({ op: 'ack', index: pushed.index });
  t.match(await ann.next((frame) => frame.ev === 'delivered'), { sequence: 1, by: 'bob' });
  ann.destroy();
  bob.destroy();
});

t.test('native: a node whose disk fails leaves reads to the others, and says no more of it', async (t) => {
  const eve = await NativeClient.join(one.httpPort, 'eve');
  await eve.change({ op: 'send', to: 'eve', text: 'note' });
  t.teardown(() => {
    one.engine.store.failure = null;
    eve.destroy();
  });
  const told = async (failure: Error): Promise<unknown> => {
    one.engine.store.failure = failure;
    return eve.query({ op: 'history', with: 'eve', limit: 10 });
  };
  for (const code of ['DISK_FAILED', 'DATA_DAMAGED'] as const) {
    const reply = await told(new CodedError(code, 'wal/1.log: EIO'));
    t.match(reply, { ok: false, code: 'UNAVAILABLE', text: 'This node cannot read its disk, try again.' });
  }
  t.match(await told(new Error('a mistake')), { ok: false, code: 'INTERNAL' });
});

t.test(
  'native: a retry with the same number has the first answer and no second effect, on any node',
  async (t) => {
    const credentials = newSession();
    const cleo = await NativeClient.join(one.httpPort, 'cleo', credentials);
    const first = await cleo.change({ op: 'send', to: 'cleo', text: 'once' });
    cleo.destroy();
    const again = await NativeClient.greet(two.httpPort, credentials);
    t.match(again.received[0], { ev: 'welcome', node: 2, user: 'cleo', highest: 3 });
    again.send({ op: 'send', to: 'cleo', text: 'once', n: 3, low: 3 });
    const { online: _, ...value } = Object(first.value);
    t.match(await again.next((frame) => frame.n === 3), { ok: true, value });
    again.send({ op: 'send', to: 'cleo', text: 'twice', n: 3, low: 3 });
    t.match(await again.next((frame) => frame.n === 3 && frame.ok === false), { code: 'CONFLICT' });
    const history = await again.query({ op: 'history', with: 'cleo', limit: 10 });
    t.equal(Object(history.value).messages.length, 1);
    again.destroy();
  },
);

t.test('native: a wrong password as the first request still opens the session', async (t) => {
  const dora = await NativeClient.greet(one.httpPort, newSession());
  t.match(await dora.change({ op: 'login', user: 'nobody', password: 'x' }), {
    ok: false,
    code: 'BAD_CREDENTIALS',
  });
  t.match(await dora.change({ op: 'register', user: 'dora', password: '' }), {
    ok: false,
    code: 'WEAK_PASSWORD',
  });
  t.match(await dora.change({ op: 'register', user: 'dora', password: 'pw' }), { ok: true });
  t.match(await dora.change({ op: 'login', user: 'dora', password: 'pw' }), { ok: true });
  dora.destroy();
});

t.test(
  'native: requests sent at once take effect in their order, behind the login that admits them',
  async (t) => {
    const erin = await NativeClient.greet(one.httpPort, newSession());
    const texts = Array.from({ length: 200 }, (_, at) => `message ${at}`);
    erin.send([
      { op: 'register', user: 'erin', password: 'pw', n: 1, low: 1 },
      { op: 'login', user: 'erin', password: 'pw', n: 2, low: 1 },
      ...texts.map((text, at) => ({ op: 'send', to: 'erin', text, n: at + 3, low: 1 })),
    ]);
    await erin.next((frame) => frame.n === 202);
    await until(() => erin.messages().length === 200);
    t.same(erin.texts(), texts);
    t.same(
      erin.messages().map((frame) => frame.sequence),
      texts.map((_, at) => at + 1),
    );
    t.ok(erin.frames < 100, 'what is ready together leaves together');
    erin.destroy();
  },
);

t.test(
  'native: a reader resumes behind its cursor on another node and misses and repeats nothing',
  async (t) => {
    const credentials = newSession();
    const fay = await NativeClient.join(one.httpPort, 'fay', credentials);
    const gus = await NativeClient.join(one.httpPort, 'gus');
    for (const text of ['1', '2', '3']) await gus.change({ op: 'send', to: 'fay', text });
    await until(() => fay.messages().length === 3);
    fay.destroy();
    for (const text of ['4', '5']) await gus.change({ op: 'send', to: 'fay', text });
    const seen = fay.messages()[1];
    const again = await NativeClient.greet(two.httpPort, credentials, Number(seen?.index));
    await again.next((frame) => frame.ev === 'caught-up');
    await gus.change({ op: 'send', to: 'fay', text: '6' });
    await until(() => again.messages().length >= 4);
    t.same(again.texts(), ['3', '4', '5', '6']);
    again.destroy();
    gus.destroy();
  },
);

t.test('native: without a cursor, delivery begins behind what was acknowledged', async (t) => {
  const hal = await NativeClient.join(one.httpPort, 'hal');
  const ida = await NativeClient.join(one.httpPort, 'ida');
  for (const text of ['a', 'b', 'c']) await hal.change({ op: 'send', to: 'ida', text });
  await until(() => ida.messages().length === 3);
  ida.send({ op: 'ack', index: ida.messages()[1]?.index });
  await hal.next((frame) => frame.ev === 'delivered' && frame.sequence === 2);
  ida.destroy();
  const later = await NativeClient.greet(two.httpPort, newSession());
  await later.change({ op: 'login', user: 'ida', password: 'pw' });
  await later.next((frame) => frame.ev === 'caught-up');
  t.same(later.texts(), ['c']);
  later.destroy();
  hal.destroy();
});

t.test('native: log-out ends the session everywhere, its own reply first', async (t) => {
  const credentials = newSession();
  const jan = await NativeClient.join(one.httpPort, 'jan', credentials);
  const twin = await NativeClient.greet(two.httpPort, credentials);
  t.match(await jan.change({ op: 'logout' }), { ok: true, value: { op: 'logout' } });
  t.match(await jan.closed(), { code: 1000, reason: 'SESSION_ENDED' });
  t.match(await twin.closed(), { code: 1000, reason: 'SESSION_ENDED' });
  const late = await NativeClient.greet(two.httpPort, credentials);
  t.match(late.received[0], { ev: 'welcome', user: null });
  late.send({ op: 'logout', n: 3, low: 3 });
  t.match(await late.next((frame) => frame.n === 3), { ok: true }, 'the retried log-out has its answer');
});

t.test('native: deletion closes every connection of the account, on every node', async (t) => {
  const kim = await NativeClient.join(one.httpPort, 'kim');
  const other = await NativeClient.greet(two.httpPort, newSession());
  await other.change({ op: 'login', user: 'kim', password: 'pw' });
  t.match(await kim.change({ op: 'delete', user: 'kim' }), { ok: true });
  t.match(await kim.closed(), { reason: 'SESSION_ENDED' });
  t.match(await other.closed(), { reason: 'SESSION_ENDED' });
});

t.test('native: another secret does not resume a session', async (t) => {
  const credentials = newSession();
  const leo = await NativeClient.join(one.httpPort, 'leo', credentials);
  const thief = await NativeClient.open(one.httpPort);
  thief.send({ op: 'hello', v: 1, session: credentials.session, secret: newSession().secret });
  t.match(await thief.closed(), { code: 1008, reason: 'DENIED' });
  leo.destroy();
});

t.test('native: what is not allowed before login is refused by name', async (t) => {
  const mia = await NativeClient.greet(one.httpPort, newSession());
  t.match(await mia.query({ op: 'history', with: 'ann', limit: 1 }), { ok: false, code: 'AUTH_REQUIRED' });
  t.match(await mia.change({ op: 'send', to: 'ann', text: 'x' }), { ok: false });
  t.match(await mia.query({ op: 'search', pattern: 'a'.repeat(limits.searchPatternChars + 1) }), {
    code: 'TOO_LONG',
  });
  mia.destroy();
});

t.test('native: bad frames are answered or closed, never ignored', async (t) => {
  const early = await NativeClient.open(one.httpPort);
  early.send({ op: 'ping' });
  t.match(await early.closed(), { code: 1008, reason: 'BAD_REQUEST' });
  const version = await NativeClient.open(one.httpPort);
  version.send({ op: 'hello', v: 99, ...newSession() });
  t.match(await version.closed(), { code: 1008 });
  const broken = await NativeClient.greet(one.httpPort, newSession());
  broken.send({ op: 'send', to: 'ann', text: 'x', n: 1, low: 1, colour: 'red' });
  t.match(await broken.next((frame) => frame.n === 1), { ok: false, code: 'BAD_REQUEST' });
  broken.send('{');
  t.match(await broken.closed(), { code: 1008 });
  const large = await NativeClient.greet(one.httpPort, newSession());
  large.send('x'.repeat(limits.frameBytes + 1));
  t.match(await large.closed(), { code: 1009 });
});

t.test('native: more requests at once than the window are refused, none is lost', async (t) => {
  const noa = await NativeClient.join(one.httpPort, 'noa');
  const total = limits.inFlightPerSession + 50;
  const all = Array.from({ length: total }, (_, at) => ({ op: 'users', q: at }));
  for (let from = 0; from < total; from += 200) noa.send(all.slice(from, from + 200));
  await until(() => noa.received.filter((frame) => frame.q !== undefined).length === total);
  const replies = noa.received.filter((frame) => frame.q !== undefined);
  const busy = replies.filter((frame) => frame.ok === false);
  t.ok(busy.every((frame) => frame.code === 'TOO_MANY_IN_FLIGHT'));
  t.ok(replies.filter((frame) => frame.ok === true).length >= limits.inFlightPerSession);
  noa.destroy();
});

t.test('native: a foreign origin is refused before the upgrade, a member’s own is not', async (t) => {
  const refused = await new Promise<number>((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${one.httpPort}/ws`, { origin: 'http://evil.example' });
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    socket.on('error', () => undefined);
  });
  t.equal(refused, 403);
  const own = await NativeClient.open(one.httpPort, { origin: 'http://127.0.0.1:0' });
  own.destroy();
});

t.test('native: a change of the members is told, once, and a guest is none of them', async (t) => {
  const ole = await NativeClient.greet(one.httpPort, newSession());
  const states = ['voter', 'learner', 'observer', 'expected'] as const;
  const members = states.map((state, at) => memberAt(4 + at, state));
  one.engine.setMembers(members);
  one.engine.setMembers(members);
  const told = await ole.next((frame) => frame.ev === 'nodes');
  t.strictSame(told.nodes, [
    { id: 4, host: '127.0.0.1', chatPort: 2, httpPort: 3 },
    { id: 5, host: '127.0.0.1', chatPort: 2, httpPort: 3 },
  ]);
  one.engine.setMembers(null);
  const again = await ole.next((frame) => frame.ev === 'nodes' && frame !== told);
  t.match(again.nodes, [{ id: 1 }, { id: 2 }]);
  ole.destroy();
});

t.test('native: a leader’s change is told', async (t) => {
  const ole = await NativeClient.greet(one.httpPort, newSession());
  one.engine.setLeader(2);
  t.match(await ole.next((frame) => frame.ev === 'leader'), { leader: 2 });
  one.engine.setLeader(1);
  ole.destroy();
});

t.test('native: without a majority changes and reads say so, and the connection stays', async (t) => {
  const pia = await NativeClient.join(one.httpPort, 'pia');
  cluster.majority = false;
  t.match(await pia.change({ op: 'send', to: 'pia', text: 'x' }), { ok: false, code: 'UNAVAILABLE' });
  t.match(await pia.query({ op: 'users' }), { ok: false, code: 'UNAVAILABLE' });
  const fresh = await NativeClient.open(two.httpPort);
  fresh.send({ op: 'hello', v: 1, ...newSession() });
  t.match(await fresh.closed(), { code: 1013, reason: 'UNAVAILABLE' });
  cluster.majority = true;
  t.match(await pia.change({ op: 'send', to: 'pia', text: 'x' }), { ok: true });
  one.engine.mute = true;
  t.match(await pia.change({ op: 'send', to: 'pia', text: 'y' }), { unknown: true });
  one.engine.mute = false;
  pia.destroy();
});

t.test('native: a long conversation comes in shares that fit a frame', async (t) => {
  const quin = await NativeClient.join(one.httpPort, 'quin');
  const text = 'x'.repeat(limits.messageBytes);
  for (let at = 0; at < 100; at++) await quin.change({ op: 'send', to: 'quin', text });
  quin.send({ op: 'history', with: 'quin', limit: 100, q: 7 });
  await quin.next((frame) => frame.q === 7 && frame.more !== true);
  const shares = quin.received.filter((frame) => frame.q === 7);
  t.ok(shares.length > 10);
  const sequences = shares
    .flatMap((frame) => Object(frame.value).messages.map(Object))
    .map((one) => one.sequence);
  t.same(
    sequences,
    Array.from({ length: 100 }, (_, at) => at + 1),
  );
  quin.destroy();
});

t.test('native: a reader that stops reading is cut off, and resumes from its cursor', async (t) => {
  const credentials = newSession();
  const ray = await NativeClient.join(two.httpPort, 'ray', credentials);
  const sue = await NativeClient.join(one.httpPort, 'sue');
  await sue.change({ op: 'send', to: 'ray', text: 'first' });
  await ray.next((frame) => frame.ev === 'message');
  ray.stall();
  const text = 'y'.repeat(limits.messageBytes);
  // More than the sockets of both sides hold by themselves.
  const count = 2_000;
  for (let from = 0; from < count; from += 100) {
    await Promise.all(Array.from({ length: 100 }, () => sue.change({ op: 'send', to: 'ray', text })));
  }
  await sue.next((frame) => frame.n === count + 3);
  while ((await metric(two, 'conclave_slow_readers_total')) === 0) await until(() => true);
  ray.resume();
  await ray.closed();
  const last = Number(ray.messages().at(-1)?.index ?? 0);
  const again = await NativeClient.greet(one.httpPort, credentials, last);
  await until(() => ray.messages().length + again.messages().length === count + 1);
  t.same(
    [...ray.messages(), ...again.messages()].map((frame) => frame.sequence),
    Array.from({ length: count + 1 }, (_, at) => at + 1),
  );
  again.destroy();
  sue.destroy();
});

t.test(
  'native: edits, deletions and reactions reach everyone once, also who was away, on another node',
  async (t) => {
    const credentials = newSession();
    const hal = await NativeClient.join(one.httpPort, 'hal');
    const ivy = await NativeClient.join(two.httpPort, 'ivy', credentials);
    const places: { readonly conversation: unknown; readonly sequence: unknown }[] = [];
    for (const text of ['first', 'second', 'third']) {
      const { value } = await hal.change({ op: 'send', to: 'ivy', text });
      const { conversation, sequence } = Object(value);
      places.push({ conversation, sequence });
    }
    const [first, second, third] = places;
    await ivy.next((frame) => frame.ev === 'message' && frame.text === 'third');
    const edited = await hal.change({ op: 'edit', ...first, text: 'first, mended' });
    t.match(edited, { ok: true, value: { op: 'edit', ...first, revision: 1 } });
    const told = await ivy.next((frame) => frame.ev === 'amended');
    t.match(told, {
      ...first,
      revision: 1,
      by: 'hal',
      text: 'first, mended',
      index: Object(edited.value).index,
    });
    ivy.destroy();
    await hal.change({ op: 'react', ...second, reaction: '👍' });
    await hal.change({ op: 'edit', ...first, text: 'first, mended twice' });
    await hal.change({ op: 'delete-message', ...third });
    await hal.change({ op: 'send', to: 'ivy', text: 'fourth' });

    const back = await NativeClient.greet(one.httpPort, credentials, Number(told.index));
    await back.next((frame) => frame.ev === 'message' && frame.text === 'fourth');
    const heard = back.received.filter(({ ev }) => ev === 'amended' || ev === 'message');
    t.match(heard, [
      { ev: 'amended', ...second, revision: 2, reactions: [{ reaction: '👍', users: ['hal'] }] },
      { ev: 'amended', ...first, revision: 3, text: 'first, mended twice' },
      { ev: 'amended', ...third, revision: 4, deleted: true },
      { ev: 'message', text: 'fourth' },
    ]);
    t.equal(heard.length, 4);
    const history = await back.query({ op: 'history', with: 'hal', limit: 10 });
    t.match(Object(history.value).messages, [
      { text: 'first, mended twice', revision: 3, editedMs: Number },
      { text: 'second', reactions: [{ reaction: '👍', users: ['hal'] }] },
      { text: '(deleted)', deleted: true },
      { text: 'fourth' },
    ]);
    t.notMatch(JSON.stringify(history), /third/);
    const later = await back.query({
      op: 'amendments',
      conversation: first?.conversation,
      after: 1,
      limit: 2,
    });
    t.match(Object(later.value).amendments, [{ revision: 2 }, { revision: 3 }]);
    hal.destroy();
    back.destroy();
  },
);

t.test('native: who comes while the node goes away is sent away, and does not hold it up', async (t) => {
  const { nodes, stop } = await startNodes(1);
  const [node] = nodes;
  if (node === undefined) throw new Error('one node');
  const early = await NativeClient.join(node.httpPort, 'early');
  node.engine.held = true;
  const answered = early.change({ op: 'send', to: 'early', text: 'the last one' });
  early.send({ op: 'ping' });
  await early.next(({ ev }) => ev === 'pong');
  const stopped = stop();
  await early.next(({ ev }) => ev === 'closing');
  const late = await NativeClient.open(node.httpPort);
  late.send({ op: 'hello', v: 1, ...newSession() });
  t.match(await late.next(({ ev }) => ev === 'closing'), { code: 'GOING_AWAY' });
  const slash = await NativeClient.open(node.httpPort, {}, '/slash');
  await slash.closed();
  node.engine.held = false;
  node.engine.applyAll();
  t.match(await answered, { ok: true }, 'what was under way is answered');
  await stopped;
});
t.test(
  'native: who watches hears of others who come, go and type, on any node; nobody else does',
  async (t) => {
    const jan = await NativeClient.join(one.httpPort, 'jan');
    const kim = await NativeClient.join(two.httpPort, 'kim');
    await jan.change({ op: 'send', to: 'kim', text: 'hello' });
    t.match(await jan.query({ op: 'watch' }), { ok: true, value: { op: 'watch', on: true } });
    const all = await jan.next((frame) => frame.ev === 'presence');
    t.match(all, { complete: true, users: [{ name: 'jan', online: true }, { name: 'kim' }] });
    const { conversation } = Object(await kim.next((frame) => frame.ev === 'message'));
    t.match(await kim.query({ op: 'typing', with: 'jan' }), { ok: true, value: { op: 'typing' } });
    t.same(await jan.next((frame) => frame.ev === 'typing'), { ev: 'typing', conversation, user: 'kim' });
    t.match(await kim.query({ op: 'typing', with: 'nobody' }), { ok: false, code: 'UNKNOWN_USER' });
    kim.destroy();
    await jan.next(
      ({ ev, users }) => ev === 'presence' && JSON.stringify(users).includes('"kim","online":false'),
    );
    t.match(await jan.query({ op: 'watch', on: false }), { ok: true, value: { on: false } });
    t.notOk(kim.received.some(({ ev }) => ev === 'presence' || ev === 'typing'));
    jan.destroy();
  },
);
