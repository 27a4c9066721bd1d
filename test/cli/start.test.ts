/** `npm start` as a process: a cluster of one node is enough to see what becomes of nodes and of their keeper. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import t from 'tap';

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(
    servers.map((server) => new Promise<void>((done) => server.listen(0, '127.0.0.1', done))),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

const [peerPort, chatPort, httpPort] = await freePorts(3);
const directory = t.testdir({
  'cluster.config.json': JSON.stringify({
    profile: 'loopback-demo',
    nodes: [{ id: 1, host: '127.0.0.1', peerPort, chatPort, httpPort }],
  }),
});

class Keeper {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  output = '';
  #news: (() => void)[] = [];

  constructor() {
    const flags = ['--config', `${directory}/cluster.config.json`, '--data-root', `${directory}/data`];
    this.child = spawn(process.execPath, ['--import', 'tsx', 'scripts/cluster.ts', ...flags]);
    const take = (chunk: unknown): void => {
      this.output += String(chunk);
      for (const wake of this.#news.splice(0)) wake();
    };
    this.child.stdout?.on('data', take);
    this.child.stderr?.on('data', take);
    this.ended = new Promise((resolve) => this.child.once('close', resolve));
  }

  /** Waits until the output holds so many of them; the test's own timeout ends it otherwise. */
  async saw(text: string, times = 1): Promise<void> {
    while (this.output.split(text).length <= times) {
      await new Promise((resolve) => this.#news.push(() => resolve(undefined)));
    }
  }

  /** Process id of the node, as the keeper's guide tells it. */
  get nodePid(): number {
    return Number(/node 1: (\d+)/.exec(this.output)?.[1]);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}

t.test('start: says what to do next, restarts a killed node, and stops cleanly', async (t) => {
  const keeper = new Keeper();
  await keeper.saw('Ctrl-C stops all');
  t.match(keeper.output, `[node 1] node 1 ready: chat 127.0.0.1:${chatPort} http 127.0.0.1:${httpPort}`);
  t.match(keeper.output, `npm run client -- --config`);

  const second = new Keeper();
  t.equal(await second.ended, 75, 'a node that refuses to start ends the whole with its code');
  t.match(second.output, /\[node 1\] refuses to start/);

  process.kill(keeper.nodePid, 'SIGKILL');
  await keeper.saw('node 1 ready:', 2);
  t.match(keeper.output, /\[node 1\] ended \(SIGKILL\); starting it again in 1 s/);
  keeper.child.kill('SIGTERM');
  t.equal(await keeper.ended, 0);
});

t.test('start: a keeper that is killed leaves no node behind', async () => {
  const keeper = new Keeper();
  await keeper.saw('Ctrl-C stops all');
  const pid = keeper.nodePid;
  keeper.child.kill('SIGKILL');
  while (isRunning(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
});
