/** SECURITY of input: docs/security.md names these tests by number. Bounded, seeded fuzzing: a failure prints the seed that replays it. */
import { connect } from 'node:net';
import fc from 'fast-check';
import t from 'tap';
import { WebSocket } from 'ws';
import { limits } from '../../src/base/limits.ts';
import { escapeLine } from '../../src/protocol/escape.ts';
import { LineClient, metric, startNodes, until } from '../support/gateway.ts';
import { NativeClient, newSession } from '../support/native-client.ts';

const { nodes, stop } = await startNodes(2);
t.teardown(stop);
const [one, two] = nodes;
if (one === undefined || two === undefined) throw new Error('two nodes');

t.test('input: a line over 8 KiB is LINE_TOO_LONG and closes, and none of it takes effect', async (t) => {
  const client = await LineClient.open(one.chatPort);
  await client.ask('1|long|pw');
  await client.ask('2|long|pw');
  client.send(`d|long|${'x'.repeat(limits.lineBytes)}\nd|long|after\n`);
  t.match(await client.rest(), /^Error LINE_TOO_LONG: [^\n]*\n$/);
  const reader = await LineClient.open(two.chatPort);
  t.same(await reader.ask('2|long|pw'), ['Login successful - welcome back long!']);
  t.same(await reader.ask('6|long'), [''], 'neither the line, nor a part of it, nor what stood behind it');
  reader.destroy();
});

t.test(
  'input: a frame over 64 KiB closes with 1009, in one piece or in many; nothing is compressed',
  async (t) => {
    const { sockets, open } = rawSockets(one.httpPort);
    t.teardown(() => {
      for (const socket of sockets) socket.terminate();
    });
    const whole = await open();
    t.equal(whole.extensions, '', 'permessage-deflate was asked for and is not given');
    whole.send('x'.repeat(limits.frameBytes + 1));
    t.equal(await closeCode(whole), 1009);
    const pieces = await open();
    for (let piece = 0; piece < 2; piece++)
      pieces.send('x'.repeat(limits.frameBytes - 100), { fin: piece === 1 });
    t.equal(await closeCode(pieces), 1009, 'the sum counts');
    const crumbs = await open();
    for (let piece = 0; piece < 40; piece++) crumbs.send('x', { fin: piece === 39 });
    t.not(await closeCode(crumbs), 1000, 'and so does the number of pieces');
  },
);

t.test(
  'input: one byte and then nothing before login closes the connection, a byte now and then too',
  async (t) => {
    const quick = await startNodes(1, {
      limits: { halfLineMs: 300, silentMs: 60_000 },
    });
    t.teardown(quick.stop);
    const port = quick.nodes[0]?.chatPort ?? 0;
    const one = await LineClient.open(port);
    one.send('2');
    t.match(await one.rest(), /^Error IDLE: /);
    const slow = await LineClient.open(port);
    const drip = setInterval(() => slow.send('x'), 40);
    t.match(await slow.rest(), /^Error IDLE: /, 'each byte does not begin the time anew');
    clearInterval(drip);
  },
);

t.test(
  'input: control characters and bidi overrides in a message are stored as they came and shown as text',
  async (t) => {
    const text = '\u001b[2J\u0007\u009b1m\u202eevil\u2066\r';
    const ann = await NativeClient.join(one.httpPort, 'escape');
    await ann.change({ op: 'send', to: 'escape', text });
    t.equal((await ann.next((frame) => frame.ev === 'message')).text, text);
    t.equal(escapeLine(text), '\\x1b[2J\\x07\\x9b1m\\u202eevil\\u2066\\x0d');
    const line = await LineClient.open(two.chatPort);
    t.same(await line.ask('2|escape|pw', 2), [
      'Login successful - welcome back escape!',
      `[escape] ${escapeLine(text)}`,
    ]);
    line.destroy();
    ann.destroy();
  },
);

t.test('input: fuzzed lines never crash, hang or grow a node', async (t) => {
  const word = fc.constantFrom(
    '1',
    '2',
    '3',
    '4',
    '5',
    '6',
    'd',
    'j',
    'h',
    'USR',
    'MSG',
    '/msg',
    'register',
    'NEW_USER',
    'invite',
  );
  const part = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom('#g', '|', '||', ' ', '*?*?', '\u202e', '💬', '__proto__'),
  );
  const line = fc.oneof(
    {
      weight: 3,
      arbitrary: fc
        .tuple(word, fc.array(part, { maxLength: 4 }))
        .map(([a, b]) => Buffer.from([a, ...b].join('|'))),
    },
    { weight: 2, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
  );
  const seed = 20261126;
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 5, maxLength: 40 }), async (lines) => {
      const socket = connect({ host: '127.0.0.1', port: one.chatPort });
      socket.on('error', () => undefined);
      socket.resume();
      const ended = new Promise((resolve) => socket.once('close', resolve));
      socket.end(Buffer.concat(lines.flatMap((bytes) => [bytes, Buffer.from('\n')])));
      await ended;
    }),
    { numRuns: 40, seed },
  );
  // The test's own timeout ends it when one stays.
  while ((await metric(one, 'conclave_connections{port="chat"}')) > 0) await until(() => true);
  const client = await LineClient.open(one.chatPort);
  t.same((await client.ask('h', 1)).length, 1, 'and the node answers');
  client.destroy();
});

t.test('input: fuzzed frames never crash, hang or grow a node', async (t) => {
  const op = fc.constantFrom(
    'hello',
    'register',
    'login',
    'send',
    'history',
    'ack',
    'profile',
    'change-password',
    'x',
  );
  const value = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(fc.integer()),
    fc.object({ maxDepth: 2 }),
  );
  const request = fc
    .tuple(op, fc.dictionary(fc.string({ maxLength: 10 }), value, { maxKeys: 6 }))
    .map(([name, rest]) => ({ ...rest, op: name }));
  const frame = fc.oneof(
    request.map((object) => JSON.stringify(object)),
    fc.array(request, { maxLength: 5 }).map((objects) => JSON.stringify(objects)),
    fc.string({ maxLength: 200 }),
    fc.json(),
    fc.constantFrom(
      '['.repeat(10_000),
      '{"a":'.repeat(5_000),
      '{"op":"ping","op":"ping"}',
      '{"__proto__":1}',
      '[]',
      '1e999',
    ),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(frame, { minLength: 1, maxLength: 20 }),
      fc.boolean(),
      async (frames, greets) => {
        const client = greets
          ? await NativeClient.greet(two.httpPort, newSession())
          : await NativeClient.open(two.httpPort);
        for (const text of frames) client.send(text);
        client.send('{');
        await client.closed();
      },
    ),
    { numRuns: 60, seed: 20261126 },
  );
  const client = await NativeClient.join(two.httpPort, 'afterwards');
  t.match(await client.query({ op: 'profile' }), { ok: true });
  client.destroy();
});

function rawSockets(port: number) {
  const sockets: WebSocket[] = [];
  const open = async (): Promise<WebSocket> => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, { perMessageDeflate: true });
    sockets.push(socket);
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('open', resolve));
    return socket;
  };
  return { sockets, open };
}

async function closeCode(socket: WebSocket): Promise<number> {
  return new Promise((resolve) => socket.once('close', (code) => resolve(code)));
}
