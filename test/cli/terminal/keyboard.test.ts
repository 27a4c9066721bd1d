/** The client program on a real terminal, as a person has it: prompt, Tab, what arrives, the row that tells what became of a message. */
import { spawn, spawnSync } from 'node:child_process';
import t from 'tap';
import { connect } from '../../../src/client/index.ts';
import { startNodes, tellAddresses } from '../../support/gateway.ts';

/** Runs a program on a terminal of its own, in the form of util-linux. */
const lacksScript = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux')
  ? false
  : 'needs the program "script" of util-linux, which gives a program a terminal';

const { nodes, stop } = await startNodes(1);
t.teardown(stop);
tellAddresses(nodes);
const address = `127.0.0.1:${nodes[0]?.httpPort}`;

t.test('keyboard: a slash session on a terminal', { skip: lacksScript }, async (t) => {
  const program = `"${process.execPath}" --import tsx src/cli/client.ts --connect ${address} --dialect slash`;
  const child = spawn('script', ['-qec', program, '/dev/null'], {
    env: { ...process.env, TERM: 'xterm', NO_COLOR: '1' },
  });
  t.teardown(() => child.kill('SIGKILL'));
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  let screen = '';
  let news: (() => void)[] = [];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    screen += chunk;
    for (const wake of news.splice(0)) wake();
  });
  const shows = async (text: string): Promise<void> => {
    while (!screen.includes(text)) await new Promise<void>((resolve) => news.push(resolve));
    news = [];
  };
  const other = connect({ nodes: address });
  t.teardown(() => other.close());
  await other.register('jojo', 'pw');
  await other.login('jojo', 'pw');
  const heard = new Promise<string>((resolve) =>
    other.onMessage(({ from, text }) => resolve(`${from}: ${text}`)),
  );

  await shows('Enter your username: ');
  child.stdin.write('sophia\r');
  await shows('SUCCESS: Username registered.');
  child.stdin.write('/msg joj');
  child.stdin.write('\t');
  await shows('/msg jojo');
  child.stdin.write(' How are you?\r');
  t.equal(await heard, 'sophia: How are you?');
  await shows('Private message to jojo: How are you?');
  await shows('to jojo: How are you? (delivered)');
  await other.send('sophia', 'well\u001b[2J');
  await shows('Private message from jojo: well\\x1b[2J');
  child.stdin.write('/quit\r');
  await shows('SUCCESS: You have left the ChatSystem:)');
  t.equal(await ended, 0);
  t.notMatch(screen, '\u001b[2J', 'nobody else commands the terminal');
});
