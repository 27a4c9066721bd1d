import { type AddressInfo, connect, createServer } from 'node:net';
import t, { type Test } from 'tap';
import type { CodedError } from '../../../src/base/errors.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { seededRandom } from '../../../src/base/prng.ts';
import type { Lane, PeerIdentity } from '../../../src/replication/ports/peer-transport.ts';
import { RecordOpener, RecordSealer } from '../../../src/replication/transport/framing.ts';
import {
  createTcpTransport,
  type TcpTransport,
  type TransportOptions,
} from '../../../src/replication/transport/tcp-transport.ts';

const key = new Uint8Array(32).fill(7);
const otherKey = new Uint8Array(32).fill(8);

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve))));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

interface Peer {
  readonly transport: TcpTransport;
  readonly frames: { from: PeerIdentity; lane: Lane; text: string }[];
  readonly links: string[];
  readonly wrongKeys: CodedError[];
}

function peer(t: Test, ports: readonly number[], node: number, more: Partial<TransportOptions> = {}): Peer {
  const found: Peer = {
    frames: [],
    links: [],
    wrongKeys: [],
    transport: createTcpTransport({
      cluster: 'test',
      node,
      incarnation: 1000 + node,
      host: '127.0.0.1',
      port: ports[node - 1] ?? 0,
      peers: ports
        .map((peerPort, at) => ({ id: at + 1, host: '127.0.0.1', peerPort }))
        .filter(({ id }) => id !== node),
      key,
      tls: null,
      random: seededRandom(node),
      logger: silentLogger,
      onWrongKey: (error) => found.wrongKeys.push(error),
      ...more,
    }),
  };
  found.transport.onFrame((from, lane, frame) =>
    found.frames.push({ from, lane, text: Buffer.from(frame).toString() }),
  );
  found.transport.onLink(({ node, incarnation }, up) =>
    found.links.push(`${node}/${incarnation} ${up ? 'up' : 'down'}`),
  );
  t.teardown(() => found.transport.stop());
  return found;
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`did not come: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

t.test('transport: frames of both lanes arrive in order, from a proven identity', async (t) => {
  const ports = await freePorts(2);
  const [one, two] = [peer(t, ports, 1), peer(t, ports, 2)];
  await Promise.all([one.transport.start(), two.transport.start()]);
  await until('the link', () => one.links.length === 1 && two.links.length === 1);
  for (let n = 0; n < 500; n++)
    t.ok(one.transport.send(2, n % 2 === 0 ? 'bulk' : 'control', Buffer.from(`${n}`)));
  one.transport.send(2, 'bulk', new Uint8Array(3 * 1024 * 1024));
  await until('all frames', () => two.frames.length === 501);
  const bulk = two.frames
    .filter(({ lane, text }) => lane === 'bulk' && text.length < 10)
    .map(({ text }) => Number(text));
  t.strictSame(
    bulk,
    [...bulk].sort((a, b) => a - b),
  );
  t.match(two.frames[0]?.from, { node: 1, incarnation: 1001 });
});

t.test(
  'transport: a peer that goes is noticed on the other side, and a link comes back after a restart',
  async (t) => {
    const ports = await freePorts(2);
    const [one, two] = [peer(t, ports, 1), peer(t, ports, 2)];
    await Promise.all([one.transport.start(), two.transport.start()]);
    await until('the link', () => one.links.length === 1 && two.links.length === 1);
    await two.transport.stop();
    await until('the loss', () => one.links.at(-1) === '2/1002 down');
    t.notOk(one.transport.send(2, 'bulk', Buffer.from('x')), 'nothing is taken for a peer without a link');
    const again = peer(t, ports, 2, { incarnation: 7 });
    await again.transport.start();
    await until('the new life', () => one.links.at(-1) === '2/7 up');
  },
);

t.test(
  'transport: a stream carries more than any buffer holds, in order, and its failure is told',
  async (t) => {
    const ports = await freePorts(2);
    const [one, two] = [peer(t, ports, 1), peer(t, ports, 2)];
    await Promise.all([one.transport.start(), two.transport.start()]);
    const chunkBytes = 64 * 1024;
    const chunks = 200;
    one.transport.onStream(async function* (from, request) {
      t.equal(from.node, 2);
      for (let n = 0; n < chunks; n++) yield new Uint8Array(chunkBytes).fill(n);
      if (Buffer.from(request).toString() === 'fail') throw new Error('planted');
    });
    let received = 0;
    for await (const chunk of await two.transport.openStream(1, Buffer.from('all'))) {
      if (chunk[0] !== received % 256 || chunk.length !== chunkBytes) t.fail(`chunk ${received} is wrong`);
      received += 1;
    }
    t.equal(received, chunks);
    await t.rejects(async () => {
      for await (const _ of await two.transport.openStream(1, Buffer.from('fail'))) received += 1;
    });
    t.equal(received, 2 * chunks, 'what came before the failure was delivered');
  },
);

t.test('transport: whoever has another key, cluster or number is refused and counted', async (t) => {
  const ports = await freePorts(3);
  const one = peer(t, ports, 1);
  const elsewhere = [{ id: 2, host: '127.0.0.1', peerPort: ports[0] ?? 0 }];
  const cases: [string, number, Partial<TransportOptions>][] = [
    ['wrong-key', 1, { key: otherKey }],
    ['other-cluster', 1, { cluster: 'another' }],
    ['unknown-node', 2, { peers: elsewhere }],
  ];
  await one.transport.start();
  for (const [reason, target, more] of cases) {
    const stranger = peer(t, ports, 3, more);
    await stranger.transport.start();
    await t.rejects(stranger.transport.openStream(target, Buffer.from('x')), reason);
    await until(reason, () => (one.transport.counters.refused[reason] ?? 0) > 0);
    t.strictSame(stranger.links, []);
    await stranger.transport.stop();
  }
  t.strictSame(one.links, []);
});

t.test('transport: what a stranger calls itself is not looked for when nobody has listed it', async (t) => {
  const ports = await freePorts(2);
  const one = peer(t, ports, 1);
  await one.transport.start();
  const stranger = peer(t, ports, 77, { key: otherKey });
  await stranger.transport.start();
  await until('two refusals', () => (one.transport.counters.refused['wrong-key'] ?? 0) > 1);
  t.notOk('unknown-node' in one.transport.counters.refused);
});

t.test('transport: a node whose key a majority refuses says so; the majority does not', async (t) => {
  const ports = await freePorts(3);
  const [one, two, three] = [peer(t, ports, 1), peer(t, ports, 2), peer(t, ports, 3, { key: otherKey })];
  await Promise.all([one.transport.start(), two.transport.start()]);
  await until('the link of the two', () => one.links.length === 1 && two.links.length === 1);
  await three.transport.start();
  await until('the finding', () => three.wrongKeys.length > 0);
  t.match(three.wrongKeys[0], { code: 'KEY_WRONG', message: /node 1, 2/ });
  t.strictSame([one.wrongKeys, two.wrongKeys], [[], []]);
});

t.test('transport: nodes one version apart speak the lower one, on lanes and streams', async (t) => {
  const ports = await freePorts(2);
  const one = peer(t, ports, 1, { versions: { oldest: 2, newest: 3 } });
  const two = peer(t, ports, 2, { versions: { oldest: 1, newest: 2 } });
  const versions: unknown[] = [];
  one.transport.onLink((linked) => versions.push(linked.versions));
  two.transport.onLink((linked) => versions.push(linked.versions));
  two.transport.onStream((from) => {
    versions.push(from.versions);
    return (async function* () {
      yield Buffer.from('one');
    })();
  });
  await Promise.all([one.transport.start(), two.transport.start()]);
  await until('the link', () => versions.length === 2);
  for await (const chunk of await one.transport.openStream(2, Buffer.from('x')))
    t.same(chunk, Buffer.from('one'));
  const byNewest = (a: unknown, b: unknown): number => JSON.stringify(a).localeCompare(JSON.stringify(b));
  t.same(versions.sort(byNewest), [
    { spoken: 2, newest: 2 },
    { spoken: 2, newest: 3 },
    { spoken: 2, newest: 3 },
  ]);
});

t.test('transport: nodes too far apart are refused, and both say which versions they speak', async (t) => {
  const ports = await freePorts(2);
  const old = peer(t, ports, 1, { versions: { oldest: 1, newest: 1 } });
  const far = peer(t, ports, 2, { versions: { oldest: 2, newest: 3 } });
  await Promise.all([old.transport.start(), far.transport.start()]);
  await until('both alarms', () => [old, far].every(({ transport }) => transport.alarms().length === 1));
  t.same(old.transport.alarms(), [
    'node 2 is too far from this version: it speaks versions 2 to 3, this node version 1',
  ]);
  t.same(far.transport.alarms(), [
    'node 1 is too far from this version: it speaks version 1, this node versions 2 to 3',
  ]);
  t.same([old.links, far.links], [[], []]);
  await far.transport.stop();
  const next = peer(t, ports, 2, { versions: { oldest: 1, newest: 2 } });
  await next.transport.start();
  await until('the link', () => old.links.length === 1 && next.links.length === 1);
  t.same(old.transport.alarms(), [], 'updated one version at a time it is welcome');
});

t.test('transport: a version that is not enough any more loses its link, and is refused', async (t) => {
  const ports = await freePorts(2);
  const one = peer(t, ports, 1, { versions: { oldest: 1, newest: 2 } });
  const two = peer(t, ports, 2, { versions: { oldest: 1, newest: 1 } });
  await Promise.all([one.transport.start(), two.transport.start()]);
  await until('the link', () => one.links.length === 1 && two.links.length === 1);
  one.transport.setOldest(2);
  await until('its end', () => one.links.length === 2 && two.links.length === 2);
  await until('the alarm', () => one.transport.alarms().length === 1);
  t.match(one.transport.alarms()[0], /node 2 .* version 1, this node version 2$/);
});

t.test('transport: garbage, half a hello and an oversized length are closed; the others go on', async (t) => {
  const ports = await freePorts(2);
  const [one, two] = [peer(t, ports, 1), peer(t, ports, 2)];
  await Promise.all([one.transport.start(), two.transport.start()]);
  await until('the link', () => one.links.length === 1);
  const inputs = [
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.from([255, 255, 1, 2]),
    Buffer.from([0, 4, 110, 117, 108, 108]),
  ];
  for (const input of inputs) {
    const socket = connect(ports[0] ?? 0, '127.0.0.1');
    socket.on('error', () => socket.destroy());
    socket.write(input);
    await new Promise((resolve) => socket.on('close', resolve).resume());
  }
  t.ok((one.transport.counters.refused['not-a-peer'] ?? 0) >= inputs.length);
  one.transport.send(2, 'control', Buffer.from('still here'));
  await until('the frame', () => two.frames.some(({ text }) => text === 'still here'));
});

t.test(
  'transport: a node that nobody lists is linked once it has proven the key, by dialing in',
  async (t) => {
    const ports = await freePorts(4);
    const listed = ports.map((peerPort, at) => ({ id: at + 1, host: '127.0.0.1', peerPort })).slice(0, 2);
    const one = peer(t, ports, 1, { peers: listed.slice(1) });
    const two = peer(t, ports, 2, { peers: listed.slice(0, 1) });
    await Promise.all([one.transport.start(), two.transport.start()]);
    const four = peer(t, ports, 4, { peers: listed });
    await four.transport.start();
    await until('both links', () => four.links.length === 2);
    t.strictSame([...four.links].sort(), ['1/1001 up', '2/1002 up']);
    // Known by now, it is dialed by those with lower numbers.
    one.transport.setPeers([...listed.slice(1), { id: 4, host: '127.0.0.1', peerPort: ports[3] ?? 0 }]);
    await four.transport.stop();
    await until('the loss', () => one.links.at(-1) === '4/1004 down');
    const again = peer(t, ports, 4, { peers: [] });
    await again.transport.start();
    await until('the link comes back', () => again.links.includes('1/1001 up'));
  },
);

t.test('transport: a second disk under the number of a node that is there gets no link', async (t) => {
  const ports = await freePorts(3);
  const [one, two] = [peer(t, ports, 1), peer(t, ports, 2)];
  await Promise.all([one.transport.start(), two.transport.start()]);
  await until('the link', () => one.links.length === 1);
  // Frames go on, so that the link is seen to live.
  const beat = setInterval(() => void two.transport.send(1, 'control', Buffer.from('x')), 20);
  t.teardown(() => clearInterval(beat));
  const impostor = peer(t, ports, 2, { incarnation: 7, port: ports[2] ?? 0 });
  await impostor.transport.start();
  await until('a refusal', () => (one.transport.counters.refused['no-place'] ?? 0) > 0);
  t.strictSame(one.links, ['2/1002 up']);
});

t.test('transport: there is room for sixteen guests, and for every node that is listed', async (t) => {
  const ports = await freePorts(19);
  const listed = [{ id: 19, host: '127.0.0.1', peerPort: ports[18] ?? 0 }];
  const one = peer(t, ports, 1, { peers: listed });
  await one.transport.start();
  const home = [{ id: 1, host: '127.0.0.1', peerPort: ports[0] ?? 0 }];
  const guests = Array.from({ length: 17 }, (_, at) => peer(t, ports, at + 2, { peers: home }));
  await Promise.all(guests.map(({ transport }) => transport.start()));
  await until('a refusal', () => (one.transport.counters.refused['no-place'] ?? 0) > 0);
  const member = peer(t, ports, 19, { peers: [] });
  await member.transport.start();
  await until('the listed one', () => one.links.includes('19/1019 up'));
  t.equal(one.links.filter((text) => text.endsWith('up')).length, 17);
});

t.test('transport: a port in use is refused by name', async (t) => {
  const ports = await freePorts(1);
  const first = peer(t, ports, 1);
  await first.transport.start();
  const second = peer(t, ports, 1);
  await t.rejects(second.transport.start(), { code: 'PORT_IN_USE', message: new RegExp(`${ports[0]}`) });
});

t.test('framing: a record that is repeated, altered, or longer than allowed does not open', async (t) => {
  const sealed = (frames: string[], sealer = new RecordSealer(key)): Buffer =>
    Buffer.concat(sealer.seal(frames.map((text) => Buffer.from(text))));
  const open = (bytes: Buffer, pieceBytes = bytes.length): { fault: string | null; frames: string[] } => {
    const opener = new RecordOpener(key);
    const frames: string[] = [];
    let fault: string | null = null;
    for (let at = 0; at < bytes.length && fault === null; at += pieceBytes) {
      fault = opener.take(bytes.subarray(at, at + pieceBytes), (frame) =>
        frames.push(Buffer.from(frame).toString()),
      );
    }
    return { fault, frames };
  };
  const record = sealed(['a', 'bc', '']);
  t.strictSame(open(record), { fault: null, frames: ['a', 'bc', ''] });
  t.strictSame(open(record, 1), { fault: null, frames: ['a', 'bc', ''] }, 'in any pieces');
  t.strictSame(open(Buffer.concat([record, record])), { fault: 'mac', frames: ['a', 'bc', ''] }, 'repeated');
  for (let bit = 0; bit < record.length * 8; bit += 5) {
    const flipped = Buffer.from(record);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    t.strictSame(open(flipped).frames, [], `bit ${bit}`);
  }
  t.equal(open(Buffer.from([255, 255, 255, 255, ...new Array(32).fill(0)])).fault, 'length');
});
