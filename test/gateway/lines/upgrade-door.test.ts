/** A listener of the slash dialect takes its clients as they come: in lines, or in frames of a WebSocket. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { silentLogger } from '../../../src/base/logger.ts';
import { systemClock } from '../../../src/base/system-clock.ts';
import { TransportSecurity } from '../../../src/tls/transport-security.ts';
import { LineClient, metric, startNodes, type TestNode } from '../../support/gateway.ts';
import { testKeys } from '../../support/keys.ts';

const listeners = [{ dialect: 'slash', port: 0, dialBack: false }];

async function start(t: Test, limits = {}): Promise<{ readonly node: TestNode; readonly port: number }> {
  const bounds = { halfLineMs: 10_000, silentMs: 300_000, ...limits };
  const { nodes, stop } = await startNodes(1, { limits: bounds }, {}, listeners);
  t.teardown(stop);
  const [node] = nodes;
  const port = node?.listenerPorts[0];
  if (node === undefined || port === undefined) throw new Error('a listener');
  return { node, port };
}

async function open(
  address: string,
  options: ConstructorParameters<typeof WebSocket>[2] = {},
): Promise<Person> {
  const socket = new WebSocket(address, options);
  const person = new Person(socket);
  await once(socket, 'open');
  return person;
}

class Person {
  readonly #socket: WebSocket;
  readonly #frames: string[] = [];
  #wake: (() => void) | null = null;
  readonly closed: Promise<unknown>;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => socket.once('close', (code) => resolve([code])));
    socket.on('error', () => undefined);
    socket.on('message', (data) => {
      this.#frames.push(String(data));
      this.#wake?.();
    });
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  async next(): Promise<string> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Bytes that are no frame. */
  wild(): void {
    const stream: unknown = Reflect.get(this.#socket, '_socket');
    if (stream instanceof Socket) stream.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
  }

  end(): void {
    this.#socket.terminate();
  }
}

/** All that comes until the other side closes. */
async function rest(socket: Socket): Promise<string> {
  let text = '';
  socket.on('error', () => undefined);
  for await (const piece of socket) text += String(piece);
  return text;
}

t.test('slash listener: one speaks in frames, another in lines, and they hear each other', async (t) => {
  const { node, port } = await start(t);
  const sophia = await open(`ws://127.0.0.1:${port}`);
  sophia.send('sophia');
  t.equal(await sophia.next(), 'SUCCESS: Username registered.');
  const jojo = await LineClient.open(port);
  t.same(await jojo.ask('Gojo'), ['SUCCESS: Username registered.'], 'a name that begins as a request does');
  sophia.send('hello');
  t.same(await jojo.take(), ['[Broadcast from sophia]: hello']);
  t.same(await jojo.ask('/msg sophia hi'), ['Private message to sophia: hi']);
  t.equal(await sophia.next(), 'Private message from Gojo: hi');
  t.equal(await metric(node, 'conclave_connections{port="chat"}'), 2);
  sophia.send('/quit');
  t.equal(await sophia.next(), 'SUCCESS: You have left the ChatSystem:)');
  await sophia.closed;
  jojo.destroy();
});

t.test('slash listener: first bytes that come one by one are read all the same', async (t) => {
  const { port } = await start(t);
  for (const text of ['GET', 'G', 'Gx\n']) {
    const client = await LineClient.open(port);
    for (const unit of text) client.send(unit);
    if (text.endsWith('\n')) t.same(await client.take(), ['SUCCESS: Username registered.']);
    else t.same(await client.ask('name'), ['SUCCESS: Username registered.']);
    client.destroy();
  }
});

t.test(
  'slash listener: a request for a page gets none, and a foreign page no WebSocket (SECURITY 22)',
  async (t) => {
    const { port } = await start(t);
    const asked = connect(port, '127.0.0.1');
    asked.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    t.match(await rest(asked), /^HTTP\/1\.1 426 /);
    await t.rejects(open(`ws://127.0.0.1:${port}`, { origin: 'https://elsewhere.example' }), {
      message: /403/,
    });
    const nonsense = connect(port, '127.0.0.1');
    nonsense.write('GET nonsense\r\n\r\n');
    t.equal(await rest(nonsense), '');
  },
);

t.test('slash listener: what is no frame ends its connection, and nobody else’s', async (t) => {
  const { node, port } = await start(t);
  const other = await open(`ws://127.0.0.1:${port}`);
  const long = await open(`ws://127.0.0.1:${port}`);
  long.send('x'.repeat(65 * 1_024));
  t.match(await long.closed, [1009]);
  const wild = await open(`ws://127.0.0.1:${port}`);
  wild.wild();
  await wild.closed;
  other.send('sophia');
  t.equal(await other.next(), 'SUCCESS: Username registered.');
  t.equal(await metric(node, 'conclave_bad_frames_total'), 2);
  other.end();
});

t.test('slash listener: who asks and says no more, or never asks, is closed in time', async (t) => {
  const { port } = await start(t, { halfLineMs: 100, silentMs: 100 });
  for (const text of ['', 'GE', 'GET / HTTP/1.1\r\n']) {
    const socket = connect(port, '127.0.0.1');
    socket.write(text);
    t.equal(await rest(socket), '', JSON.stringify(text));
  }
});

t.test('slash listener: over TLS, and what is not known yet holds no stop up', async (t) => {
  const keys = await testKeys(t, { ids: [1] });
  const { config, configPath } = keys;
  const place = { config, configPath, node: 1, clock: systemClock, logger: silentLogger };
  const security = await TransportSecurity.load(place);
  const { nodes, stop } = await startNodes(1, { plainText: [] }, { security }, listeners);
  const port = nodes[0]?.listenerPorts[0];
  const ca = await readFile(join(keys.directory, 'ca.pem'), 'utf8');
  const sophia = await open(`wss://127.0.0.1:${port}`, { ca });
  sophia.send('sophia');
  t.equal(await sophia.next(), 'SUCCESS: Username registered.');
  const silent = connectTls({ host: '127.0.0.1', port: port ?? 0, ca });
  await once(silent, 'secureConnect');
  const ended = rest(silent);
  security.stop();
  await stop();
  await sophia.closed;
  silent.destroy();
  await ended.catch(() => undefined);
});

t.test('slash listener: a foreign page that breaks off is nobody’s end but its own', async (t) => {
  const { node, port } = await start(t);
  const faults: unknown[] = [];
  const note = (fault: unknown): void => void faults.push(fault);
  process.on('uncaughtException', note);
  t.teardown(() => process.off('uncaughtException', note));
  const key = Buffer.alloc(16).toString('base64');
  const requestOf = (path: string): string =>
    [
      `GET ${path} HTTP/1.1`,
      'host: x',
      'origin: https://elsewhere.example',
      'connection: upgrade',
      'upgrade: websocket',
      'sec-websocket-version: 13',
      `sec-websocket-key: ${key}`,
    ].join('\r\n');
  const doors: readonly (readonly [port: number, path: string])[] = [
    [port, '/'],
    [node.httpPort, '/ws'],
    [node.httpPort, '/api/v1/events'],
    [node.httpPort, '/nowhere'],
  ];
  for (let at = 0; at < 40; at++) {
    const [asked, path] = doors[at % doors.length] ?? [port, '/'];
    const foreign = connect(asked, '127.0.0.1');
    foreign.on('error', () => undefined);
    await once(foreign, 'connect');
    const gone = new Promise((resolve) => foreign.once('close', resolve));
    foreign.write(`${requestOf(path)}\r\n\r\n`, () => foreign.resetAndDestroy());
    await gone;
  }
  const other = await open(`ws://127.0.0.1:${port}`);
  other.send('sophia');
  t.equal(await other.next(), 'SUCCESS: Username registered.');
  t.same(faults, []);
  other.end();
});
