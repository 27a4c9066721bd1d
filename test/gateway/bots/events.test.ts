import t from 'tap';
import { WebSocket } from 'ws';
import { limits } from '../../../src/base/limits.ts';
import { startNodes, type TestNode } from '../../support/gateway.ts';
import { NativeClient } from '../../support/native-client.ts';
import { call, join, textOf } from '../api/support/http-caller.ts';
import { EventReader } from './support/programs.ts';

const { nodes, stop } = await startNodes(3);
t.teardown(stop);
const [first, second, third] = nodes as [TestNode, TestNode, TestNode];
let names = 0;

async function tokenOf(login: string, ...scopes: readonly string[]): Promise<string> {
  names += 1;
  const made = await call(first, 'POST', '/tokens', { name: `token ${names}`, scopes }, { token: login });
  return textOf(made, 'token');
}

t.test(
  'events: messages come in the order of the log, from any node, with a cursor to go on from',
  async (t) => {
    const token = await tokenOf(await join(first, 'ann'), 'read');
    const bob = await NativeClient.join(second.httpPort, 'bob');
    const reader = await EventReader.open(first, token);
    t.equal(reader.status, 200);
    await reader.next('caught-up');
    for (const text of ['one', 'two']) await bob.change({ op: 'send', to: 'ann', text });
    const two = await reader.next('message', ({ data }) => data.text === 'two');
    t.equal(two.id, String(two.data.index), 'the cursor is the place in the log');
    t.match(two.data, { ev: 'message', from: 'bob', to: 'ann', sequence: 2 });
    reader.close();
    for (const text of ['three', 'four']) await bob.change({ op: 'send', to: 'ann', text });
    const again = await EventReader.open(third, token, { lastEventId: reader.lastEventId });
    await again.next('message', ({ data }) => data.text === 'four');
    t.same(
      [...reader.texts(), ...again.texts()],
      ['one', 'two', 'three', 'four'],
      'each once, on another node',
    );
    again.close();
    const all = await EventReader.open(second, token, { after: '0' });
    await all.next('caught-up');
    t.same(all.texts(), ['one', 'two', 'three', 'four'], 'from the beginning of the log');
    all.close();
    bob.destroy();
  },
);

t.test('events: what becomes of messages and groups is told, too', async (t) => {
  const token = await tokenOf(await join(first, 'cat'), 'read');
  const dan = await NativeClient.join(first.httpPort, 'dan');
  const reader = await EventReader.open(second, token);
  await reader.next('caught-up');
  const { value } = (await dan.change({ op: 'send', to: 'cat', text: 'helo' })) as {
    value: { conversation: string };
  };
  await dan.change({ op: 'edit', conversation: value.conversation, sequence: 1, text: 'hello' });
  const amended = await reader.next('amended');
  t.match(amended.data, { ev: 'amended', text: 'hello', by: 'dan' });
  t.equal(amended.id, String(amended.data.index));
  dan.send({ op: 'read', conversation: value.conversation, sequence: 1 });
  t.same((await reader.next('message')).data.text, 'helo');
  for (const client of [reader, dan]) 'close' in client ? client.close() : client.destroy();
});

t.test('events: who comes online and goes is told to whoever asked for it', async (t) => {
  const login = await join(first, 'una');
  const reader = await EventReader.open(second, login, { watch: true });
  const isHere = (name: string) => (users: unknown) =>
    (users as { name: string; online: boolean }[]).some((user) => user.name === name && user.online);
  await reader.next('presence', ({ data }) => isHere('una')(data.users));
  const vic = await NativeClient.join(third.httpPort, 'vic');
  const told = await reader.next('presence', ({ data }) => isHere('vic')(data.users));
  t.equal(told.id, null, 'it is nothing to go on behind');
  reader.close();
  vic.destroy();
});

t.test('events: over a WebSocket the same objects come in frames, and nothing is taken in', async (t) => {
  const token = await tokenOf(await join(first, 'eve'), 'read');
  const fay = await NativeClient.join(first.httpPort, 'fay');
  const headers = { authorization: `Bearer ${token}` };
  const socket = new WebSocket(`ws://127.0.0.1:${second.httpPort}/api/v1/events`, { headers });
  const frames: { ev: string; text?: string; index?: number }[] = [];
  let wake = (): void => undefined;
  socket.on('message', (data) => {
    frames.push(JSON.parse(String(data)));
    wake();
  });
  const until = async (look: () => boolean): Promise<void> => {
    while (!look())
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  };
  await until(() => frames.some(({ ev }) => ev === 'caught-up'));
  await fay.change({ op: 'send', to: 'eve', text: 'hi' });
  await until(() => frames.some(({ ev }) => ev === 'message'));
  t.match(frames.at(-1), { ev: 'message', text: 'hi' });
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  socket.send('{"op":"send","to":"fay","text":"no"}');
  t.equal(await closed, 1008);
  fay.destroy();
});

t.test('events: a stream ends with the token, on every node, and says why', async (t) => {
  const login = await join(first, 'gus');
  const made = await call(first, 'POST', '/tokens', { name: 'short', scopes: ['read'] }, { token: login });
  const token = textOf(made, 'token');
  const reader = await EventReader.open(second, token);
  await reader.next('caught-up');
  await call(third, 'DELETE', `/tokens/${made.body?.id}`, undefined, { token: login });
  t.match((await reader.next('closing')).data, { code: 'SESSION_ENDED' });
  await reader.end();
  const ofLogin = await EventReader.open(second, login);
  await ofLogin.next('caught-up');
  await call(third, 'DELETE', '/sessions/current', undefined, { token: login });
  t.match((await ofLogin.next('closing')).data, { code: 'SESSION_ENDED' });
});

t.test('events: what is wrong with a wish for a stream is said', async (t) => {
  const login = await join(first, 'hal');
  t.match(await call(first, 'GET', '/events'), { status: 401 });
  t.match(await call(first, 'GET', '/events', undefined, { token: await tokenOf(login, 'send') }), {
    status: 403,
    body: { code: 'SCOPE_MISSING' },
  });
  t.match(await call(first, 'GET', '/events?after=99999999', undefined, { token: login }), {
    status: 400,
    body: { code: 'BAD_REQUEST' },
  });
  t.match(await call(first, 'GET', '/events?after=x', undefined, { token: login }), { status: 400 });
  const readers: EventReader[] = [];
  for (let count = 0; count < limits.eventStreamsPerAccount; count++) {
    readers.push(await EventReader.open(first, login));
  }
  t.match(await call(first, 'GET', '/events', undefined, { token: login }), {
    status: 503,
    body: { code: 'TOO_MANY_CONNECTIONS' },
  });
  for (const reader of readers) reader.close();
});

t.test('tokens: over HTTP they are made, listed and revoked, by a login only', async (t) => {
  const login = await join(first, 'ian');
  const made = await call(first, 'POST', '/tokens', { name: 'ci', scopes: ['read'] }, { token: login });
  t.equal(made.status, 201);
  const token = textOf(made, 'token');
  t.match(token, /^cvt_[0-9a-f]{64}$/);
  t.match(await call(second, 'GET', '/tokens', undefined, { token: login }), {
    status: 200,
    body: { tokens: [{ name: 'ci', scopes: ['read'], expiresMs: null }] },
  });
  t.match(await call(second, 'GET', '/tokens', undefined, { token }), { body: { code: 'SCOPE_MISSING' } });
  const again = await call(first, 'POST', '/tokens', { name: 'ci', scopes: ['read'] }, { token: login });
  t.match(again, { status: 409, body: { code: 'NAME_TAKEN' } });
  t.match(await call(third, 'DELETE', `/tokens/${made.body?.id}`, undefined, { token: login }), {
    status: 204,
  });
  t.match(await call(second, 'GET', '/account', undefined, { token }), { status: 401 });
});
