/** SECURITY: the peer port. Who may speak on it is settled before a byte of what they say is parsed. */
import { readFile } from 'node:fs/promises';
import { connect as connectPlain, type Socket } from 'node:net';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import t, { type Test } from 'tap';
import { freePorts } from '../../../scripts/support/ports.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { seededRandom } from '../../../src/base/prng.ts';
import { systemClock } from '../../../src/base/system-clock.ts';
import {
  createTcpTransport,
  type TcpTransport,
  type TransportOptions,
} from '../../../src/replication/transport/tcp-transport.ts';
import { TransportSecurity } from '../../../src/tls/transport-security.ts';
import { type TestKeys, testKeys } from '../../support/keys.ts';

const dayMs = 24 * 3_600_000;
const key = new Uint8Array(32).fill(7);

interface Peer {
  readonly transport: TcpTransport;
  readonly security: TransportSecurity;
  readonly links: string[];
  readonly frames: string[];
}

interface Cast {
  readonly ports: readonly number[];
  readonly keys: TestKeys;
}

async function peer(
  t: Test,
  { ports, keys }: Cast,
  node: number,
  more: Partial<TransportOptions> = {},
): Promise<Peer> {
  const { config, configPath } = keys;
  const security = await TransportSecurity.load({
    config,
    configPath,
    node,
    clock: systemClock,
    logger: silentLogger,
  });
  const transport = createTcpTransport({
    cluster: 'conclave',
    node,
    incarnation: 1_000 + node,
    host: '127.0.0.1',
    port: ports[node - 1] ?? 0,
    peers: ports.map((peerPort, at) => ({ id: at + 1, host: '127.0.0.1', peerPort })),
    key,
    tls: security.peer,
    random: seededRandom(node),
    logger: silentLogger,
    onWrongKey: () => undefined,
    ...more,
  });
  const found: Peer = { transport, security, links: [], frames: [] };
  transport.onLink(({ node: other }, up) => found.links.push(`${other} ${up ? 'up' : 'down'}`));
  transport.onFrame((from, _lane, frame) =>
    found.frames.push(`${from.node}: ${Buffer.from(frame).toString()}`),
  );
  t.teardown(async () => {
    security.stop();
    await transport.stop();
  });
  await transport.start();
  return found;
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`did not come: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function pem({ directory }: TestKeys, node: number): Promise<{ key: string; cert: string }> {
  const read = (name: string): Promise<string> => readFile(join(directory, name), 'utf8');
  return { key: await read(`node-${node}-key.pem`), cert: await read(`node-${node}.pem`) };
}

/** Whoever knocks says a well-formed beginning at once, and whatever it hears of it is kept. */
async function knock(socket: Socket): Promise<string> {
  let heard = '';
  socket.on('data', (chunk) => {
    heard += chunk.toString('latin1');
  });
  socket.on('error', () => socket.destroy());
  socket.write(Buffer.concat([Buffer.of(0, 64), Buffer.from(`{}${' '.repeat(62)}`)]));
  await new Promise((resolve) => socket.once('close', resolve));
  return heard;
}

t.test(
  'peer port: nodes with certificates of one authority link, and the end of one is noticed at once',
  async (t) => {
    const cast = { ports: await freePorts(2), keys: await testKeys(t) };
    const [one, two] = [await peer(t, cast, 1), await peer(t, cast, 2)];
    await until('the link', () => one.links.length === 1 && two.links.length === 1);
    for (const lane of ['control', 'bulk'] as const) one.transport.send(2, lane, Buffer.from(lane));
    one.transport.send(2, 'bulk', new Uint8Array(3 * 1024 * 1024));
    await until('the frames', () => two.frames.length === 3);
    t.strictSame(two.frames.filter((frame) => frame.length < 20).sort(), ['1: bulk', '1: control']);
    await two.transport.stop();
    await until('the loss', () => one.links.at(-1) === '2 down');
  },
);

t.test(
  'peer port: without a certificate, with one of another authority or an expired one → closed before parsing, and counted (SECURITY 37)',
  async (t) => {
    const keys = await testKeys(t);
    const cast = { ports: await freePorts(2), keys };
    const other = await testKeys(t);
    const one = await peer(t, cast, 1);
    const port = cast.ports[0] ?? 0;
    const expired = await expiredOf(keys);
    const strangers: [string, string, () => Socket][] = [
      ['plain TCP', 'not-a-peer', () => connectPlain({ host: '127.0.0.1', port })],
      ['no certificate', 'bad-certificate', () => tls(port, {})],
    ];
    const foreign = await pem(other, 2);
    strangers.push(['another authority', 'bad-certificate', () => tls(port, foreign)]);
    strangers.push(['expired', 'bad-certificate', () => tls(port, expired)]);
    for (const [who, reason, open] of strangers) {
      const before = one.transport.counters.refused[reason] ?? 0;
      t.equal(await knock(open()), '', `${who}: nothing is answered`);
      t.equal(one.transport.counters.refused[reason], before + 1, `${who}: counted as ${reason}`);
    }
    t.strictSame([one.links, one.frames], [[], []]);
  },
);

t.test(
  'peer port: a certificate that names no node of this cluster, or a client’s, says nothing',
  async (t) => {
    const keys = await testKeys(t);
    const cast = { ports: await freePorts(2), keys };
    const one = await peer(t, cast, 1);
    const port = cast.ports[0] ?? 0;
    const read = (name: string): Promise<string> => readFile(join(keys.directory, name), 'utf8');
    const server = { key: await read('private.pem'), cert: await read('certificate.pem') };
    t.equal(await knock(tls(port, server)), '', 'the certificate of the ports for people is none for nodes');
    await keys.make({ mode: 'renew', cluster: 'elsewhere' });
    t.equal(
      await knock(tls(port, await pem(keys, 2))),
      '',
      'the same authority, but the name of another cluster',
    );
    const { refused } = one.transport.counters;
    t.equal((refused['other-certificate'] ?? 0) + (refused['bad-certificate'] ?? 0), 2);
  },
);

t.test(
  'peer port: a node that holds the cluster key cannot claim another number than its certificate’s',
  async (t) => {
    const cast = { ports: await freePorts(3), keys: await testKeys(t) };
    const one = await peer(t, cast, 1);
    const two = await TransportSecurity.load({
      ...cast.keys,
      node: 2,
      clock: systemClock,
      logger: silentLogger,
    });
    t.teardown(() => two.stop());
    const liar = await peer(t, cast, 3, { tls: two.peer });
    await t.rejects(liar.transport.openStream(1, Buffer.from('x')));
    await until('the refusal', () => (one.transport.counters.refused['other-certificate'] ?? 0) > 0);
    t.strictSame([one.links, liar.links], [[], []]);
  },
);

t.test('peer port: the cluster key is asked for inside TLS too', async (t) => {
  const cast = { ports: await freePorts(2), keys: await testKeys(t) };
  const one = await peer(t, cast, 1);
  const two = await peer(t, cast, 2, { key: new Uint8Array(32).fill(8) });
  await until('the refusal', () => (one.transport.counters.refused['wrong-key'] ?? 0) > 0);
  t.strictSame([one.links, two.links], [[], []]);
});

t.test('peer port: renewed certificates are used without a restart, on both ends', async (t) => {
  const cast = { ports: await freePorts(2), keys: await testKeys(t) };
  const [one, two] = [await peer(t, cast, 1), await peer(t, cast, 2)];
  await until('the link', () => one.links.length === 1 && two.links.length === 1);
  await cast.keys.make({ mode: 'replace' });
  await one.security.reload();
  await t.rejects(
    two.transport.openStream(1, Buffer.from('x')),
    'node 2 still has those of the authority before',
  );
  await two.security.reload();
  one.transport.onStream(async function* () {
    yield Buffer.from('answer');
  });
  const chunks: string[] = [];
  for await (const chunk of await two.transport.openStream(1, Buffer.from('x')))
    chunks.push(Buffer.from(chunk).toString());
  t.strictSame(chunks, ['answer']);
  t.strictSame(one.links, ['2 up'], 'the link that stood goes on');
});

function tls(port: number, more: ConnectionOptions): Socket {
  return connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ...more });
}

/** Of the right authority, but of last year. */
async function expiredOf(keys: TestKeys): Promise<{ key: string; cert: string }> {
  await keys.make({ mode: 'renew', nowMs: Date.now() - 400 * dayMs });
  const expired = await pem(keys, 2);
  await keys.make({ mode: 'renew' });
  return expired;
}
