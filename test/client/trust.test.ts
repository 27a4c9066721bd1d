/** Over TLS: which servers a client talks to, and that it says nothing to any other. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { silentLogger } from '../../src/base/logger.ts';
import { systemClock } from '../../src/base/system-clock.ts';
import { type ConnectOptions, connect, type Status } from '../../src/client/index.ts';
import { TransportSecurity } from '../../src/tls/transport-security.ts';
import { trustAuthorities, trustKeys } from '../../src/tls/trust.ts';
import { startNodes, type TestNode } from '../support/gateway.ts';
import { type TestKeys, testKeys } from '../support/keys.ts';

interface Stage {
  readonly nodes: readonly TestNode[];
  readonly keys: TestKeys;
  readonly security: TransportSecurity;
  pem(name: string): Promise<string>;
}

async function start(t: Test, keys: TestKeys): Promise<Stage> {
  const { config, configPath } = keys;
  const security = await TransportSecurity.load({
    config,
    configPath,
    node: 1,
    clock: systemClock,
    logger: silentLogger,
  });
  const { nodes, stop } = await startNodes(2, { plainText: [] }, { security });
  t.teardown(async () => {
    security.stop();
    await stop();
  });
  const pem = (name: string): Promise<string> => readFile(join(keys.directory, name), 'utf8');
  return { nodes, keys, security, pem };
}

/** How the first connection ends: with a node's number, or with why there was none. */
async function outcome(
  t: Test,
  node: TestNode | undefined,
  options: Partial<ConnectOptions>,
): Promise<number | string> {
  return new Promise((resolve) => {
    const client = connect({
      nodes: [{ host: '127.0.0.1', port: node?.httpPort ?? 0 }],
      onStatus: (status: Status) => {
        if (status.kind === 'connected') resolve(status.node);
        if (status.kind === 'unreachable') resolve(status.reason);
      },
      ...options,
    });
    t.teardown(() => client.close());
  });
}

t.test(
  'trust: a client pinned to public.pem finds its servers, whatever their certificate says',
  async (t) => {
    const { nodes, keys, security, pem } = await start(t, await testKeys(t));
    const trust = await pem('public.pem');
    t.equal(await outcome(t, nodes[0], { trust }), 1);
    // Another authority, other hosts, and no longer valid in a year: the key is the same.
    await keys.make({ mode: 'renew', nodes: [1, 2, 3].map((id) => ({ id, host: 'elsewhere.example' })) });
    await security.reload();
    t.equal(await outcome(t, nodes[0], { trust }), 1);
    t.match(
      await outcome(t, nodes[0], { ca: await pem('ca.pem') }),
      /altnames/,
      'by its CA it would be refused',
    );
  },
);

t.test(
  'trust: a client pinned to public.pem refuses any other key, also when a CA vouches for it',
  async (t) => {
    const pinned = await testKeys(t);
    const { nodes, pem } = await start(t, await testKeys(t));
    const ca = await pem('ca.pem');
    t.equal(await outcome(t, nodes[0], { ca }), 1, 'the CA of the servers vouches for them');
    const before = nodes[0]?.gateway;
    t.ok(before);
    const trust = await readFile(join(pinned.directory, 'public.pem'), 'utf8');
    t.match(await outcome(t, nodes[0], { trust }), /has another key than the pinned one/);
    t.match(
      await outcome(t, nodes[0], { trust, ca }),
      /has another key than the pinned one/,
      'the pin stands above the CA',
    );
    t.equal(
      await outcome(t, nodes[0], { trust: `${trust}\n${await pem('public.pem')}` }),
      1,
      'two keys while they change',
    );
  },
);

t.test('trust: a CA vouches for its own servers only, and never for plain text', async (t) => {
  const other = await testKeys(t);
  const { nodes, pem } = await start(t, await testKeys(t));
  const ca = await readFile(join(other.directory, 'ca.pem'), 'utf8');
  t.match(await outcome(t, nodes[0], { ca }), /unable to verify|self.signed/i);
  t.type(await outcome(t, nodes[0], {}), 'string', 'in plain text nothing is served');
  const plain = await startNodes(1);
  t.teardown(() => plain.stop());
  t.type(await outcome(t, plain.nodes[0], { trust: await pem('public.pem') }), 'string', 'nor spoken');
});

t.test('trust: messages cross TLS as they cross plain text', async (t) => {
  const { nodes, pem } = await start(t, await testKeys(t));
  const addresses = nodes.map(({ httpPort }) => ({ host: '127.0.0.1', port: httpPort }));
  const trust = await pem('public.pem');
  const open = () => connect({ nodes: addresses, trust });
  const [ann, bob] = [open(), open()];
  t.teardown(() => [ann, bob].map((client) => client.close()));
  for (const [client, name] of [
    [ann, 'ann'],
    [bob, 'bob'],
  ] as const) {
    t.match(await client.register(name, 'pw'), { kind: 'receipt' });
    t.match(await client.login(name, 'pw'), { kind: 'receipt' });
  }
  const text = new Promise((resolve) => bob.onMessage((message) => resolve(message.text)));
  t.match(await ann.send('bob', 'hello'), { kind: 'receipt' });
  t.equal(await text, 'hello');
});

t.test('trust: what is no key and no certificate is refused before anything is dialled', async (t) => {
  const { directory } = await testKeys(t, { ids: [1] });
  const read = (name: string): Promise<string> => readFile(join(directory, name), 'utf8');
  const [key, certificate] = [await read('public.pem'), await read('ca.pem')];
  t.throws(() => trustKeys(certificate, 'x.pem'), {
    code: 'TLS_INVALID',
    message: /x\.pem holds no public key/,
  });
  t.throws(() => trustKeys(key.replace('\nMFkw', '\nAAAA')), { code: 'TLS_INVALID' });
  t.throws(() => trustAuthorities(key, 'y.pem'), {
    code: 'TLS_INVALID',
    message: /y\.pem holds no certificate/,
  });
  t.throws(() => connect({ nodes: '127.0.0.1:1', trust: 'nothing' }), { code: 'TLS_INVALID' });
});
