import { connect } from 'node:net';
import t from 'tap';
import type { Clock } from '../../../src/base/clock.ts';
import { OperatorGate } from '../../../src/gateway/operations/operator-gate.ts';
import { sealRequest } from '../../../src/gateway/operations/operator-seal.ts';
import { startNodes, testOperatorKey } from '../../support/gateway.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const key = new Uint8Array(32).fill(3);
const nonce = (n: number): string => n.toString(16).padStart(32, '0');

interface Wish {
  readonly method: string;
  readonly path: string;
  readonly body: Uint8Array;
}

const wish: Wish = { method: 'POST', path: '/admin/members', body: Buffer.from('{"a":1}') };

function sealed(
  clock: Clock,
  n: number,
  more: Partial<Wish & { node: number; timeMs: number }> = {},
): string {
  return sealRequest(key, { ...wish, node: 1, timeMs: clock.wallMs(), nonce: nonce(n), ...more });
}

t.test('operators: a seal is good for one request, at one node, once, and for a short time', async (t) => {
  const clock = new VirtualClock();
  const gate = new OperatorGate({ key, node: 1, clock });
  const codeOf = (authorization: string | undefined, { body, ...request }: Wish = wish): string | null =>
    (gate.check({ ...request, authorization }) ?? gate.checkBody(authorization, body))?.code ?? null;
  t.equal(codeOf(undefined), 'AUTH_REQUIRED');
  t.equal(codeOf('Bearer abc'), 'AUTH_REQUIRED');
  const good = sealed(clock, 1);
  t.equal(codeOf(good, { ...wish, path: '/admin/transfer' }), 'DENIED', 'another path');
  t.equal(codeOf(good, { ...wish, method: 'GET' }), 'DENIED', 'another method');
  t.equal(codeOf(sealed(clock, 9), { ...wish, body: Buffer.from('{"a":2}') }), 'DENIED', 'another body');
  t.equal(codeOf(good), null);
  t.equal(codeOf(good), 'DENIED', 'repeated');
  t.equal(codeOf(sealed(clock, 2, { node: 2 })), 'DENIED', 'meant for another node');
  t.equal(codeOf(sealed(clock, 3).replace(/mac=./, 'mac=0')), 'DENIED', 'altered');
  t.equal(
    codeOf(sealRequest(new Uint8Array(32), { ...wish, node: 1, timeMs: clock.wallMs(), nonce: nonce(4) })),
    'DENIED',
  );
  const old = sealed(clock, 5);
  await clock.advance(30_001);
  t.equal(codeOf(old), 'DENIED', 'too old');
  t.equal(codeOf(sealed(clock, 6, { timeMs: clock.wallMs() + 30_001 })), 'DENIED', 'of the future');
  t.equal(codeOf(good), 'DENIED', 'repeated, and forgotten by then');
  t.equal(codeOf(sealed(clock, 7)), null);
  // After a restart nothing is remembered: what was sealed before it is refused as a whole.
  const before = sealed(clock, 8);
  await clock.advance(10);
  const again = new OperatorGate({ key, node: 1, clock });
  t.equal(again.check({ ...wish, authorization: before })?.code, 'DENIED');
});

t.test('operators: the used seals are bounded, and room comes back with time', async (t) => {
  const clock = new VirtualClock();
  const gate = new OperatorGate({ key, node: 1, clock });
  for (let n = 0; n < 10_000; n++) gate.check({ ...wish, authorization: sealed(clock, n) });
  t.equal(gate.check({ ...wish, authorization: sealed(clock, 10_000) })?.code, 'BUSY');
  await clock.advance(60_001);
  t.equal(gate.check({ ...wish, authorization: sealed(clock, 10_001) }), null);
});

t.test('operators: a stranger is refused before anything of a body has come', async (t) => {
  const { nodes, stop } = await startNodes(1);
  t.teardown(stop);
  const answered = async (authorization: string): Promise<string> => {
    const socket = connect(nodes[0]?.httpPort ?? 0, '127.0.0.1');
    t.teardown(() => socket.destroy());
    const head = ['POST /admin/import HTTP/1.1', 'host: x', 'content-type: application/json'];
    socket.write([...head, 'content-length: 1000000', authorization, '', ''].join('\r\n'));
    let text = '';
    for await (const piece of socket) text += String(piece);
    return text;
  };
  const path = '/admin/import';
  const strange = sealRequest(key, { ...wish, path, node: 1, timeMs: Date.now(), nonce: nonce(1) });
  t.match(await answered('accept: */*'), /^HTTP\/1.1 401 .*AUTH_REQUIRED/s, 'and the connection is closed');
  t.match(await answered(`authorization: ${strange}`), /^HTTP\/1.1 403 .*DENIED/s);
});

t.test('operators: members over HTTP, with what the engine says', async (t) => {
  const { nodes, stop } = await startNodes(1);
  t.teardown(stop);
  const [node] = nodes;
  if (node === undefined) throw new Error('no node');
  let count = 0;
  const ask = async (
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; value: unknown }> => {
    const bytes = body === undefined ? new Uint8Array(0) : Buffer.from(JSON.stringify(body));
    const authorization = sealRequest(testOperatorKey, {
      method,
      path,
      body: bytes,
      node: 1,
      timeMs: Date.now(),
      nonce: nonce(++count),
    });
    const response = await fetch(`http://127.0.0.1:${node.httpPort}${path}`, {
      method,
      headers: { authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: bytes }),
    });
    return { status: response.status, value: await response.json() };
  };
  const unsealed = await fetch(`http://127.0.0.1:${node.httpPort}/admin/members`);
  t.equal(unsealed.status, 401);
  t.match(await ask('GET', '/admin/members'), { status: 200, value: { leader: 1, members: [{ id: 1 }] } });
  const tag = 'ab'.repeat(16);
  const place = { host: '127.0.0.1', peerPort: 1, chatPort: 2, httpPort: 3 };
  const change = { kind: 'add', node: 4, place, promote: true };
  t.match(await ask('POST', '/admin/members', { tag, change }), { status: 200, value: { status: 'done' } });
  t.strictSame(node.engine.changes, [change]);
  for (const wrong of [
    {},
    { tag, change: { kind: 'add', node: 4 } },
    { tag: 'x', change },
    { tag, change, more: 1 },
  ]) {
    t.match(await ask('POST', '/admin/members', wrong), { status: 400, value: { code: 'BAD_REQUEST' } });
  }
  const elsewhere = { ...change, place: { ...place, host: '10.0.0.1' } };
  t.match(await ask('POST', '/admin/members', { tag, change: elsewhere }), {
    status: 400,
    value: { code: 'BAD_REQUEST', text: /loopback/ },
  });
  node.engine.changeOutcome = { kind: 'refused', code: 'LAST_VOTER', text: 'the last one' };
  t.match(await ask('POST', '/admin/members', { tag, change: { kind: 'remove', node: 1 } }), {
    status: 409,
    value: { code: 'LAST_VOTER', text: 'the last one' },
  });
  node.engine.changeOutcome = { kind: 'unknown' };
  t.match(await ask('POST', '/admin/transfer', { node: null }), {
    status: 504,
    value: { code: 'UNKNOWN_OUTCOME' },
  });
  t.strictSame(node.engine.transfers, [null]);
});
