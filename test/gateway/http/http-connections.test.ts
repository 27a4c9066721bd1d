/** Bounds on what the HTTP port holds open, whoever opens it. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { startNodes } from '../../support/gateway.ts';
import { NativeClient, newSession } from '../../support/native-client.ts';

const limits = { halfLineMs: 10_000, silentMs: 300_000, httpConnectionsPerAddress: 3 };

async function open(t: Test, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Null: closed without an answer. */
async function ask(socket: Socket): Promise<string | null> {
  // A reset is a close, too: `once` of events would reject on it.
  const answered = new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))));
  const closed = new Promise<null>((resolve) => socket.once('close', () => resolve(null)));
  socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
  return Promise.race([answered, closed]);
}

t.test(
  'http: connections of one address beyond the bound are closed, and there is room again when one ends',
  async (t) => {
    const { nodes, stop } = await startNodes(1, { limits });
    t.teardown(stop);
    const port = nodes[0]?.httpPort ?? 0;
    const held = [await open(t, port), await open(t, port), await open(t, port)];
    for (const socket of held) t.match(await ask(socket), /200 OK/);
    t.equal(await ask(await open(t, port)), null, 'the fourth');
    held[0]?.destroy();
    // The node hears of the end a moment later.
    let answer: string | null = null;
    while (answer === null) answer = await ask(await open(t, port));
    t.match(answer, /200 OK/);
  },
);

t.test('http: a WebSocket is no connection of HTTP any more', async (t) => {
  const { nodes, stop } = await startNodes(1, { limits });
  t.teardown(stop);
  const port = nodes[0]?.httpPort ?? 0;
  const clients: NativeClient[] = [];
  for (let at = 0; at < 5; at++) clients.push(await NativeClient.greet(port, newSession()));
  t.match(await ask(await open(t, port)), /200 OK/);
  for (const client of clients) client.destroy();
});

t.test(
  'http: a connection that asks for a WebSocket while the node stops does not hold the stop up',
  async (t) => {
    const { nodes, stop } = await startNodes(1, { limits });
    const port = nodes[0]?.httpPort ?? 0;
    const upgrade = [
      'GET /ws HTTP/1.1',
      'host: x',
      'connection: Upgrade',
      'upgrade: websocket',
      'sec-websocket-version: 13',
      'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
    ];
    // One at each turn of the loop: some are asked just when the port closes. None reads, and none ends by itself.
    const sockets = await Promise.all([open(t, port), open(t, port), open(t, port)]);
    const stopped = stop();
    for (const socket of sockets) {
      socket.pause();
      socket.write(`${upgrade.join('\r\n')}\r\n\r\n`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await stopped;
    t.pass('the stop came to its end');
  },
);
