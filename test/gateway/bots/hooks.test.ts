import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { LineClient, startNodes, type TestNode } from '../../support/gateway.ts';
import { NativeClient } from '../../support/native-client.ts';
import { call, join, textOf } from '../api/support/http-caller.ts';
import { Receiver } from './support/programs.ts';

const { nodes, stop } = await startNodes(3);
t.teardown(stop);
const [first, second, third] = nodes as [TestNode, TestNode, TestNode];

/** Who leads, as every node hears it. */
function lead(leader: number): void {
  for (const { engine } of nodes) engine.setLeader(leader);
}

interface Hook {
  readonly id: number;
  readonly secret: string;
}

async function create(login: string, body: Readonly<Record<string, string>>): Promise<Hook> {
  const made = await call(first, 'POST', '/hooks', body, { token: login });
  if (made.status !== 201) throw new Error(JSON.stringify(made.body));
  return { id: Number(made.body?.id), secret: textOf(made, 'secret') };
}

async function hookOf(login: string, id: number): Promise<Readonly<Record<string, unknown>> | undefined> {
  // Whoever asks again and again asks in a loop, and must stay below what an account may ask.
  await delay(20);
  const { body } = await call(second, 'GET', '/hooks', undefined, { token: login });
  const hooks = (body?.hooks ?? []) as Readonly<Record<string, unknown>>[];
  return hooks.find((hook) => hook.id === id);
}

/** As the specification of Standard Webhooks has it, written out again. */
function signature(secret: string, id: string, timestamp: string, body: string): string {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}

t.test(
  'incoming: whoever shows the secret posts a message under the hook’s name, once for each key',
  async (t) => {
    const login = await join(first, 'ann');
    const bob = await NativeClient.join(first.httpPort, 'bob');
    const { id, secret } = await create(login, { to: 'bob', name: 'CI' });
    const headers = { 'idempotency-key': 'build-0000000000001' };
    const post = (node: TestNode) =>
      call(node, 'POST', `/hooks/${id}`, { text: 'built' }, { token: secret, headers });
    const once = await post(second);
    t.equal(once.status, 201);
    t.same((await post(third)).body, once.body, 'again, on another node');
    t.match(await bob.next(({ ev }) => ev === 'message'), { from: 'ann', via: 'CI', text: 'built' });
    t.equal(bob.messages().length, 1);
    const plain = await LineClient.open(first.chatPort);
    const lines = await plain.ask('2|bob|pw', 2);
    t.ok(lines.includes('[ann] CI: built'), 'on a line it stands before the text');
    plain.destroy();
    const other = await call(first, 'POST', `/hooks/${id}`, { text: 'failed' }, { token: secret, headers });
    t.match(other, { status: 409, body: { code: 'CONFLICT' } });
    for (const [path, token] of [
      [`/hooks/${id}`, `${secret.slice(0, -2)}x=`],
      [`/hooks/${id}`, login],
      [`/hooks/${id + 999}`, secret],
    ] as const) {
      t.match(await call(first, 'POST', path, { text: 'x' }, { token }), {
        status: 401,
        body: { code: 'AUTH_REQUIRED' },
      });
    }
    t.match(await call(first, 'POST', `/hooks/${id}?token=${secret}`, { text: 'x' }), { status: 401 });
    t.match(await call(second, 'DELETE', `/hooks/${id}`, undefined, { token: login }), { status: 204 });
    t.match(await call(third, 'POST', `/hooks/${id}`, { text: 'x' }, { token: secret }), { status: 401 });
    bob.destroy();
  },
);

t.test(
  'incoming: a signed body is as good as the secret; its id makes a repetition the same message',
  async (t) => {
    const login = await join(first, 'cat');
    await join(first, 'dan');
    const { id, secret } = await create(login, { to: 'dan', name: 'signed' });
    const body = '{ "text": "by hand" }';
    const post = (webhookId: string, timestamp: string, signed: string, sent = body) =>
      call(second, 'POST', `/hooks/${id}`, sent, {
        headers: { 'webhook-id': webhookId, 'webhook-timestamp': timestamp, 'webhook-signature': signed },
      });
    const now = String(Math.floor(Date.now() / 1_000));
    const good = signature(secret, 'msg_1', now, body);
    const once = await post('msg_1', now, `v1,bm8= ${good}`);
    t.equal(once.status, 201);
    t.same((await post('msg_1', now, good)).body, once.body);
    t.equal((await post('msg_2', now, good)).status, 401, 'another id');
    t.equal((await post('msg_1', now, good, '{ "text": "by hanD" }')).status, 401, 'another body');
    const old = String(Number(now) - 3_600);
    t.equal((await post('msg_1', old, signature(secret, 'msg_1', old, body))).status, 401, 'an hour ago');
  },
);

t.test('outgoing: every message once and in order, signed, by the node that leads', async (t) => {
  lead(1);
  const receiver = await Receiver.open();
  const login = await join(first, 'eve');
  const fay = await NativeClient.join(second.httpPort, 'fay');
  await fay.change({ op: 'send', to: 'eve', text: 'before' });
  const { id, secret } = await create(login, { to: 'fay', name: 'out', url: receiver.url });
  for (const text of ['one', 'two']) await fay.change({ op: 'send', to: 'eve', text });
  const [one] = await receiver.count(2);
  t.same(receiver.texts(), ['one', 'two'], 'from when it was made');
  const headers: IncomingHttpHeaders = one?.headers ?? {};
  const body = one?.body ?? '';
  const [webhookId, timestamp] = [String(headers['webhook-id']), String(headers['webhook-timestamp'])];
  t.equal(headers['webhook-signature'], signature(secret, webhookId, timestamp, body));
  t.equal(headers['idempotency-key'], webhookId);
  t.match(JSON.parse(body), { type: 'message', data: { hook: id, from: 'fay', to: 'eve', sequence: 2 } });
  fay.destroy();
  await receiver.close();
});

t.test('outgoing: what a leader could not deliver the next one delivers, with the same ids', async (t) => {
  lead(1);
  const receiver = await Receiver.open();
  const login = await join(first, 'gus');
  const hal = await NativeClient.join(second.httpPort, 'hal');
  const { id } = await create(login, { to: 'hal', name: 'out', url: receiver.url });
  await hal.change({ op: 'send', to: 'gus', text: 'one' });
  await receiver.count(1);
  receiver.answer = () => 500;
  for (const text of ['two', 'three']) await hal.change({ op: 'send', to: 'gus', text });
  const refused = (await receiver.count(2)).at(-1);
  t.equal(refused?.text, 'two', 'none is left out for the next');
  lead(2);
  receiver.answer = () => 204;
  await receiver.next('three');
  const all = receiver.received;
  const taken = all.filter((_, at) => at !== 1).map(({ text }) => text);
  t.same([...new Set(taken)], ['one', 'two', 'three'], 'nothing is skipped');
  const ids = new Map(all.map(({ text, headers }) => [text, headers['webhook-id']]));
  for (const { text, headers } of all)
    t.equal(headers['webhook-id'], ids.get(text), 'a repetition has its id');
  for (;;) {
    const hook = await hookOf(login, id);
    if (hook?.pending === 0) break;
  }
  t.pass('how far it got stands in the state');
  hal.destroy();
  await receiver.close();
});

t.test(
  'outgoing: one that is gone is suspended, seen as an alarm, and goes on when it is resumed',
  async (t) => {
    lead(1);
    const receiver = await Receiver.open();
    receiver.answer = () => 410;
    const login = await join(first, 'ian');
    const jon = await NativeClient.join(second.httpPort, 'jon');
    const { id } = await create(login, { to: 'jon', name: 'out', url: receiver.url });
    await jon.change({ op: 'send', to: 'ian', text: 'one' });
    for (;;) {
      const hook = await hookOf(login, id);
      if (hook?.suspended === true) {
        t.match(hook, { pending: 1, failures: 1, fault: 'status 410' });
        break;
      }
    }
    const cluster = (await (await fetch(`http://127.0.0.1:${third.httpPort}/cluster`)).json()) as {
      alarms: string[];
    };
    t.match(cluster.alarms, ['webhooks suspended: 1']);
    receiver.answer = () => 200;
    await call(third, 'POST', `/hooks/${id}/resume`, undefined, { token: login });
    await receiver.count(2);
    t.same(receiver.texts(), ['one', 'one']);
    jon.destroy();
    await receiver.close();
  },
);

t.test('hooks: what is wrong with a wish for one is said', async (t) => {
  const login = await join(first, 'kim');
  await join(first, 'lea');
  const wish = (body: unknown, token = login) => call(first, 'POST', '/hooks', body, { token });
  t.match(await wish({ to: 'nobody', name: 'x' }), { status: 404, body: { code: 'UNKNOWN_USER' } });
  t.match(await wish({ to: '#lobby', name: 'x' }), { status: 403, body: { code: 'DENIED' } });
  for (const url of ['nonsense', 'ftp://ci.example/', 'https://kim:pw@ci.example/']) {
    t.match(await wish({ to: 'lea', name: 'x', url }), { status: 400, body: { code: 'BAD_REQUEST' } }, url);
  }
  const made = await call(first, 'POST', '/tokens', { name: 'r', scopes: ['read'] }, { token: login });
  t.match(await wish({ to: 'lea', name: 'x' }, textOf(made, 'token')), { body: { code: 'SCOPE_MISSING' } });
});
