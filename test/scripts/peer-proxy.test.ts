/** The proxy between nodes: it knows who dials, and parts those it is told to. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { PeerProxy } from '../../scripts/support/peer-proxy.ts';
import { freePorts } from '../../scripts/support/ports.ts';
import { until } from '../../scripts/support/until.ts';

const waitMs = 10_000;

interface Caller {
  readonly socket: Socket;
  /** What came back so far. */
  readonly heard: () => string;
  readonly closed: () => boolean;
}

function helloOf(node: number): Buffer {
  const text = Buffer.from(JSON.stringify({ conclave: 1, node, lane: 'control' }));
  const length = Buffer.alloc(2);
  length.writeUInt16BE(text.length);
  return Buffer.concat([length, text]);
}

interface Stage {
  readonly proxy: PeerProxy;
  readonly port: number;
  readonly call: (node: number) => Promise<Caller>;
}

/** Node 1 behind a proxy: it sends back what it hears. */
async function stage(t: Test): Promise<Stage> {
  const [port = 0, target = 0] = await freePorts(2);
  const echo = createServer((socket) => void socket.pipe(socket).on('error', () => socket.destroy()));
  echo.listen(target, '127.0.0.1');
  await once(echo, 'listening');
  const proxy = await PeerProxy.open([{ id: 1, port, target }]);
  t.teardown(async () => {
    await proxy.close();
    echo.close();
  });
  const call = async (node: number): Promise<Caller> => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    socket.on('error', () => socket.destroy());
    await once(socket, 'connect');
    // In two pieces: the proxy puts the first frame together.
    const hello = helloOf(node);
    socket.write(hello.subarray(0, 5));
    await new Promise((resolve) => setImmediate(resolve));
    socket.write(hello.subarray(5));
    return { socket, heard: () => text, closed: () => socket.closed };
  };
  return { proxy, port, call };
}

async function talks(caller: Caller, text: string): Promise<void> {
  caller.socket.write(text);
  await until(`${text} comes back`, waitMs, () => caller.heard().endsWith(text));
}

t.test('peer proxy: what is said passes both ways, the first frame included', async (t) => {
  const { call } = await stage(t);
  const two = await call(2);
  await talks(two, 'hi');
  t.equal(two.heard(), `${helloOf(2)}hi`);
});

t.test('peer proxy: a pair that is cut is closed and stays so, others go on, and it heals', async (t) => {
  const { proxy, call } = await stage(t);
  const [two, three] = [await call(2), await call(3)];
  await talks(two, 'a');
  await talks(three, 'b');
  proxy.part(1, 2, 'cut');
  await until('the cut is seen', waitMs, two.closed);
  const again = await call(2);
  await until('a new connection is closed too', waitMs, again.closed);
  await talks(three, 'c');
  proxy.heal();
  await talks(await call(2), 'd');
  t.equal(proxy.partings, 1);
});

t.test('peer proxy: silence loses nothing and closes nothing, and can be one way', async (t) => {
  const { proxy, call } = await stage(t);
  const [two, three] = [await call(2), await call(3)];
  await talks(two, 'a');
  proxy.deafen(1, 2);
  two.socket.write('held');
  // Heard by node 1, whose answer waits; another pair is proof that time has passed.
  await talks(three, 'b');
  t.notOk(two.heard().includes('held'));
  t.notOk(two.closed());
  proxy.heal();
  await until('it comes in the end', waitMs, () => two.heard().endsWith('held'));
});

t.test('peer proxy: whoever does not begin with a hello is closed', async (t) => {
  const { port } = await stage(t);
  const stranger = connect(port, '127.0.0.1');
  stranger.on('error', () => stranger.destroy());
  stranger.write(Buffer.from([0, 3, 1, 2, 3]));
  await until('it is closed', waitMs, () => stranger.closed);
  t.ok(stranger.closed);
});
