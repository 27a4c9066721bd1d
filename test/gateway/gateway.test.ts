/** The gateway as a whole: starting, stopping, and what must never leave it. */
import { createServer } from 'node:net';
import t from 'tap';
import { parseConfig } from '../../src/base/config.ts';
import type { LogFields, Logger } from '../../src/base/logger.ts';
import { seededRandom } from '../../src/base/prng.ts';
import { systemClock } from '../../src/base/system-clock.ts';
import { createGateway, type Gateway } from '../../src/gateway/gateway.ts';
import { operationsToken } from '../../src/gateway/operations/operations-token.ts';
import { FakeCluster } from '../support/fake-engine.ts';
import {
  LineClient,
  openTestFiles,
  PlainHasher,
  startNodes,
  testOperatorKey,
  until,
} from '../support/gateway.ts';
import { NativeClient, newSession } from '../support/native-client.ts';

/** A logger that keeps every line. */
function keep(lines: string[]): Logger {
  const write = (fields: LogFields, text: string): void => {
    lines.push(`${text} ${JSON.stringify(fields)}`);
  };
  const logger: Logger = { debug: write, info: write, warn: write, error: write, child: () => logger };
  return logger;
}

async function gatewayOn(
  cluster: FakeCluster,
  ports: { chatPort: number; httpPort: number; host?: string },
  logger: Logger,
  hashed: boolean,
): Promise<Gateway> {
  const engine = cluster.node(1);
  const parsed = parseConfig(
    JSON.stringify({
      profile: 'loopback-demo',
      nodes: [{ id: 1, host: '127.0.0.1', peerPort: 1, chatPort: 2, httpPort: 3 }],
    }),
  );
  return createGateway({
    config: { ...parsed, nodes: parsed.nodes.map((node) => ({ ...node, ...ports })) },
    node: 1,
    engine,
    bus: engine.bus,
    view: engine.machine,
    store: engine.store,
    files: await openTestFiles(engine),
    clock: systemClock,
    random: seededRandom(1),
    logger,
    operatorKey: testOperatorKey,
    ...(hashed ? {} : { hasher: new PlainHasher() }),
  });
}

t.test('gateway: a port in use is named, and the gateway can still be stopped', async (t) => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const address = taken.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  for (const [ports, what] of [
    [{ chatPort: port, httpPort: 0 }, 'chat port'],
    [{ chatPort: 0, httpPort: port }, 'HTTP port'],
  ] as const) {
    const gateway = await gatewayOn(new FakeCluster(), ports, keep([]), false);
    await t.rejects(gateway.listen(), {
      code: 'PORT_IN_USE',
      message: `${what}: 127.0.0.1:${port} is in use by another process`,
    });
    await gateway.stop();
  }
  taken.close();
});

t.test('gateway: passwords and session secrets are nowhere but hashed', async (t) => {
  const cluster = new FakeCluster();
  const lines: string[] = [];
  const gateway = await gatewayOn(cluster, { chatPort: 0, httpPort: 0 }, keep(lines), true);
  const { chatPort, httpPort } = await gateway.listen();
  const canary = 'canary-passw0rd';
  const credentials = newSession();
  const native = await NativeClient.greet(httpPort, credentials);
  t.match(await native.change({ op: 'register', user: 'ann', password: canary }), { ok: true });
  t.match(await native.change({ op: 'login', user: 'ann', password: `${canary}!` }), {
    code: 'BAD_CREDENTIALS',
  });
  t.match(await native.change({ op: 'login', user: 'ann', password: canary }), { ok: true });
  const line = await LineClient.open(chatPort);
  t.same(await line.ask(`2|ann|${canary}`), ['Login successful - welcome back ann!']);
  t.match(await line.ask(`2|ann|${canary}|`), ['Please log out first!']);
  line.destroy();
  native.destroy();
  await gateway.stop();
  const log = cluster.log.map((entry) => Buffer.from(entry.command).toString('latin1')).join('\n');
  t.match(log, /\$argon2id\$/, 'the hash is there');
  for (const secret of [canary, credentials.secret]) {
    t.notOk(log.includes(secret), 'not in the log of the cluster');
    t.notOk(lines.join('\n').includes(secret), 'not in the log of the program');
  }
});

t.test('gateway: NFKC forms of a password are one password', async (t) => {
  const nodes = await startNodes(1);
  const client = await LineClient.open(nodes.nodes[0]?.chatPort ?? 0);
  await client.ask('1|ann|ﬁle\u00e9');
  t.same(await client.ask('2|ann|filee\u0301'), ['Login successful - welcome back ann!']);
  client.destroy();
  await nodes.stop();
});

t.test(
  'gateway: a node that stops says so first, answers what is under way, and takes nothing new',
  async (t) => {
    const { nodes, stop } = await startNodes(2);
    const [one, two] = nodes;
    if (one === undefined || two === undefined) throw new Error('two nodes');
    const credentials = newSession();
    const ann = await NativeClient.join(one.httpPort, 'ann', credentials);
    one.engine.held = true;
    two.engine.held = true;
    ann.send({ op: 'send', to: 'ann', text: 'under way', n: 3, low: 3 });
    await until(() => one.engine.proposals >= 3);
    const stopped = one.gateway.stop();
    await ann.next((frame) => frame.ev === 'closing');
    ann.send({ op: 'send', to: 'ann', text: 'too late', n: 4, low: 3 });
    one.engine.held = false;
    one.engine.applyAll();
    t.match(await ann.next((frame) => frame.n === 3), { ok: true });
    t.match(await ann.closed(), { code: 1001, reason: 'GOING_AWAY' });
    await stopped;
    two.engine.held = false;
    const moved = await NativeClient.greet(two.httpPort, credentials);
    moved.send({ op: 'send', to: 'ann', text: 'too late', n: 4, low: 4 });
    t.match(await moved.next((frame) => frame.n === 4), { ok: true, value: { sequence: 2 } });
    moved.destroy();
    await stop();
  },
);

t.test('gateway: presence follows connections across nodes', async (t) => {
  const { nodes, stop } = await startNodes(2);
  const [one, two] = nodes;
  if (one === undefined || two === undefined) throw new Error('two nodes');
  const ann = await NativeClient.join(one.httpPort, 'ann');
  const bob = await NativeClient.join(two.httpPort, 'bob');
  t.match(await ann.change({ op: 'send', to: 'bob', text: 'x' }), { value: { online: true } });
  bob.destroy();
  let online = true;
  while (online) {
    const reply = await ann.query({ op: 'search', pattern: 'bob' });
    online = Object(reply.value).users[0].online;
  }
  t.match(await ann.change({ op: 'send', to: 'bob', text: 'x' }), { value: { online: false } });
  ann.destroy();
  await stop();
});

t.test(
  'gateway: a node that strangers can reach wants the token of its cluster, one on loopback does not',
  async (t) => {
    const answers = async (host: string): Promise<number[]> => {
      const gateway = await gatewayOn(new FakeCluster(), { chatPort: 0, httpPort: 0, host }, keep([]), false);
      t.teardown(() => gateway.stop());
      const { httpPort } = await gateway.listen();
      const authorization = `Bearer ${operationsToken(testOperatorKey)}`;
      const statuses = [{}, { authorization }].map(async (headers) => {
        return (await fetch(`http://127.0.0.1:${httpPort}/metrics`, { headers })).status;
      });
      return Promise.all(statuses);
    };
    t.strictSame(await answers('0.0.0.0'), [401, 200]);
    t.strictSame(await answers('127.0.0.1'), [200, 200]);
  },
);
