/** Every start that must be refused: one clear line on stderr, an exit code that is not 0, and nothing damaged by it. */
import { spawnSync } from 'node:child_process';
import { chmod, cp, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { checkout, NodeProcess, type NodeProcessOptions } from '../../scripts/support/node-process.ts';
import { freePorts } from '../../scripts/support/ports.ts';
import { RealCluster } from '../../scripts/support/real-cluster.ts';
import { until } from '../../scripts/support/until.ts';
import type { ErrorCode } from '../../src/base/errors.ts';
import { exitCodeFor } from '../../src/base/exit-codes.ts';
import { LineClient } from './support/line-client.ts';
import { patienceOfFileMs } from './support/patience.ts';

t.setTimeout(patienceOfFileMs);
const cluster = await RealCluster.start({ label: 'starts', nodes: 2 });
t.teardown(() => cluster.dispose({ keep: !t.passing() }));
t.afterEach((test) => {
  if (!test.passing()) test.comment(cluster.reportAll(20));
});

let files = 0;

/** A copy of the configuration, changed, beside the same key. */
async function changedConfig(change: (config: Record<string, unknown>) => void): Promise<string> {
  const config = JSON.parse(await readFile(cluster.configPath, 'utf8')) as Record<string, unknown>;
  change(config);
  const path = join(cluster.root, `changed-${++files}.config.json`);
  await writeFile(path, JSON.stringify(config));
  return path;
}

/** The same cluster with every port moved to a free one: so that only what is tested can refuse the start. */
function onOtherPorts(change: (config: Record<string, unknown>) => void = () => undefined): Promise<string> {
  return freePorts(3 * cluster.nodes.length).then((ports) =>
    changedConfig((config) => {
      config.nodes = cluster.nodes.map(({ id, host }) => {
        const [peerPort, chatPort, httpPort] = ports.slice(3 * id - 3);
        return { id, host, peerPort, chatPort, httpPort };
      });
      change(config);
    }),
  );
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}

/** Starts a node that must refuse, and checks how it did. Gives its one line. */
async function refused(
  t: Test,
  code: ErrorCode,
  start: Partial<NodeProcessOptions> & { readonly configPath: string },
): Promise<string> {
  const node = new NodeProcess({ id: 1, dataPath: join(cluster.root, `unused-${++files}`), ...start });
  const begunMs = performance.now();
  const timer = setTimeout(() => node.signal('SIGKILL'), 60_000);
  const exit = await node.exited;
  clearTimeout(timer);
  // What is said to people; the structured log goes the same way.
  const lines = node.output.filter((line) => !line.startsWith('stderr: {'));
  const afterMs = Math.round(performance.now() - begunMs);
  t.same(exit, { code: exitCodeFor(code), signal: null }, `exit code of ${code}, after ${afterMs} ms`);
  t.equal(lines.length, 1, `one line: ${node.output.join('\n')}`);
  t.match(lines[0], /^stderr: /);
  return lines[0] ?? '';
}

t.test('start: an unknown configuration key is named', async (t) => {
  const configPath = await onOtherPorts((config) => {
    config.colour = 'blue';
  });
  t.match(await refused(t, 'CONFIG_INVALID', { configPath }), /unknown key colour/);
});

t.test('start: the production profile says which certificate is missing, and how it is made', async (t) => {
  const configPath = await onOtherPorts((config) => {
    config.profile = 'production';
  });
  t.match(
    await refused(t, 'TLS_INVALID', { configPath }),
    /private\.pem is missing: .*npm run admin -- keys/,
  );
});

t.test('start: a port in use is named, whichever of the three it is', async (t) => {
  const starts = (['peerPort', 'chatPort', 'httpPort'] as const).map(async (which) => {
    const configPath = await onOtherPorts();
    const { nodes } = JSON.parse(await readFile(configPath, 'utf8')) as { nodes: Record<string, number>[] };
    const port = nodes[0]?.[which] ?? 0;
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    t.match(await refused(t, 'PORT_IN_USE', { configPath }), `${port}`, which);
    server.close();
  });
  await Promise.all(starts);
});

t.test('start: a second process on one data directory', async (t) => {
  const configPath = await onOtherPorts();
  const line = await refused(t, 'DATA_LOCKED', { configPath, dataPath: cluster.dataPath(1) });
  t.match(line, cluster.dataPath(1));
});

t.test('start: the data directory of another node, and of another cluster', async (t) => {
  const copy = join(cluster.root, 'copy');
  await cluster.end(2, 'SIGTERM');
  await cp(cluster.dataPath(2), copy, { recursive: true });
  const other = await refused(t, 'DATA_FOREIGN', { configPath: await onOtherPorts(), id: 1, dataPath: copy });
  t.match(other, /node 2/);
  const configPath = await onOtherPorts((config) => {
    config.cluster = 'elsewhere';
  });
  const foreign = await refused(t, 'DATA_FOREIGN', { configPath, id: 2, dataPath: copy });
  t.match(foreign, /starts.*elsewhere|elsewhere.*starts/, 'both clusters are named');
  await cluster.restart(2);
});

t.test('start: a wrong cluster key, and one that others may read', async (t) => {
  const keyPath = join(cluster.root, 'cluster.key');
  const key = await readFile(keyPath);
  await cluster.end(2, 'SIGTERM');
  await chmod(keyPath, 0o644);
  await refused(t, 'KEY_WRONG', { configPath: cluster.configPath, id: 2, dataPath: cluster.dataPath(2) });
  await chmod(keyPath, 0o600);
  await writeFile(keyPath, key.toString('utf8').replace(/[0-9a-f]{8}/, '00000000'));
  t.not((await readFile(keyPath)).equals(key), true, 'the key is another one');
  await refused(t, 'KEY_WRONG', { configPath: cluster.configPath, id: 2, dataPath: cluster.dataPath(2) });
  await writeFile(keyPath, key);
  await cluster.restart(2);
});

t.test('start: a node whose parent dies while it starts does not stay behind', async (t) => {
  const configPath = await onOtherPorts();
  const flags = ['--config', configPath, '--id', '1', '--data', join(cluster.root, 'orphan')];
  const command = ['--import', 'tsx', join(checkout, 'src/main.ts'), ...flags];
  const parent = `
    const node = require('node:child_process').spawn(process.execPath, ${JSON.stringify(command)}, {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      env: { ...process.env, CONCLAVE_PARENT: 'ipc' },
    });
    console.log(node.pid);
    process.kill(process.pid, 'SIGKILL');`;
  const { stdout } = spawnSync(process.execPath, ['-e', parent], { cwd: checkout, encoding: 'utf8' });
  const pid = Number(stdout);
  t.ok(isRunning(pid), 'it was started');
  await until('the orphan ends', 60_000, () => !isRunning(pid));
});

t.test('start: after all that the cluster works as before', async (t) => {
  await cluster.converged();
  for (const { id } of cluster.nodes) {
    t.same((await cluster.status(id))?.alarms, [], `node ${id} has no alarm`);
    const line = await LineClient.open(cluster.node(id).chatPort);
    t.match(await line.ask(`1|after${id}|pw`), /^New account created!/);
    line.close();
  }
});
