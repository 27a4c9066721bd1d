/** The production profile, over TLS on every port: three processes, people on each kind of port, a killed leader, and renewed certificates. */
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import t, { type Test } from 'tap';
import { checkout } from '../../scripts/support/node-process.ts';
import { RealCluster } from '../../scripts/support/real-cluster.ts';
import { until } from '../../scripts/support/until.ts';
import { connect } from '../../src/client/index.ts';
import { makeKeyPair } from '../../src/tls/certificate-maker.ts';
import type { SecureTrust } from '../../src/tls/trust.ts';
import { LineClient } from './support/line-client.ts';
import { patienceOfFileMs } from './support/patience.ts';

const password = 'correct horse battery';

t.setTimeout(patienceOfFileMs);
const cluster = await RealCluster.start({
  label: 'tls',
  tls: true,
  config: { profile: 'production', registration: 'open', limits: { newConnectionsPerAddress: 0 } },
});
t.teardown(() => cluster.dispose({ keep: !t.passing() }));
t.afterEach((test) => {
  if (!test.passing()) test.comment(cluster.reportAll(30));
});
const trust = pinned();

function pinned(): SecureTrust {
  if (cluster.trust.kind === 'plain') throw new Error('this cluster speaks TLS');
  return cluster.trust;
}

const keyPath = (name: string): string => join(cluster.root, 'keys', name);

/** The terminal client, from a pipe. */
async function terminal(
  flags: readonly string[],
  lines: readonly string[],
): Promise<{ code: number; output: string }> {
  const addresses = cluster.httpAddresses.map(({ host, port }) => `${host}:${port}`).join(',');
  const program = ['--import', 'tsx', join(checkout, 'src/cli/client.ts'), '--connect', addresses, ...flags];
  const child = spawn(process.execPath, program, { cwd: checkout, stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  child.stdin.end(lines.map((line) => `${line}\n`).join(''));
  const code = await new Promise<number>((resolve) => child.once('close', (exit) => resolve(exit ?? -1)));
  return { code, output };
}

async function loggedIn(t: Test, node: number, name: string): Promise<LineClient> {
  const line = await LineClient.openSecure(cluster.node(node).chatPort, trust);
  t.teardown(() => line.close());
  t.match(await line.ask(`1|${name}|${password}`), /^New account created!/);
  t.match(await line.ask(`2|${name}|${password}`), /^Login successful/);
  return line;
}

/** The serial number of the certificate that a port shows. */
function serialAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false });
    socket.once('secureConnect', () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

t.test('production: lines over TLS on one node reach a client of the library on another', async (t) => {
  const ann = await loggedIn(t, 1, 'ann');
  const bob = connect({ nodes: cluster.httpAddresses, trust });
  t.teardown(() => bob.close());
  const texts: string[] = [];
  bob.onMessage(({ text }) => {
    texts.push(text);
  });
  t.match(await bob.register('bob', password), { kind: 'receipt' });
  t.match(await bob.login('bob', password), { kind: 'receipt' });
  t.equal(await ann.ask('d|bob|over TLS'), 'Message sent to bob.');
  await until('the message is there', 30_000, () => texts.length === 1);
  t.match(await bob.send('ann', 'and back'), { kind: 'receipt' });
  t.equal(await ann.next(), '[bob] and back');
});

t.test(
  'production: the terminal client, pinned or by CA; with another key it says which and exits 2',
  async (t) => {
    const login = [`2|ann|${password}`];
    for (const flags of [
      ['--trust', keyPath('public.pem')],
      ['--ca', keyPath('ca.pem')],
    ]) {
      const { code, output } = await terminal(flags, login);
      t.match(output, /^Login successful - welcome back ann!/m, flags.join(' '));
      t.equal(code, 0);
    }
    const foreign = join(cluster.root, 'foreign.pem');
    await writeFile(foreign, makeKeyPair().publicKey);
    const refused = await terminal(['--trust', foreign, '--timeout', '2'], login);
    t.match(refused.output, /has another key than the pinned one/);
    t.equal(refused.code, 2);
  },
);

t.test('production: the leader is killed, and everybody goes on over TLS', async (t) => {
  const carl = connect({ nodes: cluster.httpAddresses, trust });
  t.teardown(() => carl.close());
  t.match(await carl.register('carl', password), { kind: 'receipt' });
  t.match(await carl.login('carl', password), { kind: 'receipt' });
  const victim = await cluster.leader();
  const survivor = cluster.nodes.find(({ id }) => id !== victim.id)?.id ?? 0;
  const dora = await loggedIn(t, survivor, 'dora');
  await cluster.end(victim.id, 'SIGKILL');
  const [sent] = await Promise.all([carl.send('dora', 'while it dies'), cluster.leader(victim.term)]);
  t.match(sent, { kind: 'receipt' });
  t.equal(await dora.next(), '[carl] while it dies');
  t.equal(await dora.ask('d|carl|heard'), 'Message sent to carl.');
  await cluster.restart(victim.id);
  await cluster.converged();
});

t.test(
  'production: renewed certificates are taken up on SIGHUP, one node after the other, without a restart',
  async (t) => {
    const config = JSON.parse(await readFile(cluster.configPath, 'utf8')) as object;
    t.match(config, { profile: 'production' });
    const before = await serialAt(cluster.node(1).httpPort);
    const admin = [
      '--import',
      'tsx',
      join(checkout, 'src/cli/admin.ts'),
      'keys',
      '--renew',
      '--config',
      cluster.configPath,
    ];
    const child = spawn(process.execPath, admin, { cwd: checkout, stdio: 'ignore' });
    t.equal(await new Promise((resolve) => child.once('close', resolve)), 0, 'made while the nodes run');
    t.equal(await serialAt(cluster.node(1).httpPort), before, 'not in use before the node is told');
    for (const { id, httpPort, chatPort } of cluster.nodes) {
      cluster.signal(id, 'SIGHUP');
      await until(`node ${id} shows the new one`, 30_000, async () => (await serialAt(httpPort)) !== before);
      t.equal(await serialAt(chatPort), await serialAt(httpPort));
    }
    // New connections between the nodes, old certificates on none of them: a node that comes back finds the others.
    await cluster.end(3, 'SIGTERM');
    await cluster.restart(3);
    await cluster.converged();
    for (const { id } of cluster.nodes)
      t.same((await cluster.status(id))?.alarms, [], `node ${id} has no alarm`);
  },
);
