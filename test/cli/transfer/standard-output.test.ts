/** Where an export goes when it goes to no file. */
import { existsSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import t from 'tap';
import { exportChat } from '../../../src/cli/transfer/chat-transfer.ts';
import { startNodes, testOperatorKey } from '../../support/gateway.ts';

t.test('export: to - it is written as without a name, and no file of that name is made', async (t) => {
  const { nodes, stop } = await startNodes(1);
  t.teardown(stop);
  const places = nodes.map(({ id, httpPort, chatPort }) => ({
    id,
    host: '127.0.0.1',
    peerPort: id,
    chatPort,
    httpPort,
  }));
  const directory = t.testdir({
    'cluster.config.json': JSON.stringify({ profile: 'loopback-demo', nodes: places }),
    'cluster.key': Buffer.from(testOperatorKey).toString('hex'),
  });
  await chmod(join(directory, 'cluster.key'), 0o600);
  const args = {
    text: (name: string) => (name === 'config' ? join(directory, 'cluster.config.json') : undefined),
    number: () => undefined,
    has: () => false,
    operands: [],
  };
  const written = async (operands: readonly string[]): Promise<string> => {
    const stdout = new PassThrough();
    const restore = t.intercept(process, 'stdout', { value: stdout });
    t.equal(await exportChat(args, operands), 0);
    restore.restore();
    return String(stdout.read());
  };
  const lines = (await written([])).trimEnd().split('\n');
  t.match(JSON.parse(lines.at(-1) ?? ''), { kind: 'end' });
  t.same((await written(['-'])).trimEnd().split('\n').length, lines.length);
  t.notOk(existsSync('-'));
});
