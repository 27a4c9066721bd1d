/** The programs as processes, as a script starts them, against a gateway on real sockets. Few: each costs a start. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { LineClient, startNodes } from '../support/gateway.ts';

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

class Program {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Run>;
  stdout = '';
  #stderr = '';
  #news: (() => void)[] = [];

  constructor(program: string, flags: readonly string[]) {
    this.child = spawn(process.execPath, ['--import', 'tsx', program, ...flags]);
    this.child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      this.stdout += chunk;
      for (const wake of this.#news.splice(0)) wake();
    });
    this.child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      this.#stderr += chunk;
    });
    // A program that has ended does not read the rest.
    this.child.stdin.on('error', () => this.child.stdin.destroy());
    this.ended = new Promise((resolve) =>
      this.child.once('close', (code) => resolve({ code, stdout: this.stdout, stderr: this.#stderr })),
    );
  }

  /** Waits until the output holds it; the test's own timeout ends it otherwise. */
  async saw(text: string): Promise<void> {
    while (!this.stdout.includes(text)) {
      await new Promise((resolve) => this.#news.push(() => resolve(undefined)));
    }
  }
}

function run(program: string, flags: readonly string[], input: string | Buffer = ''): Promise<Run> {
  const started = new Program(program, flags);
  started.child.stdin.end(input);
  return started.ended;
}

const { nodes, stop } = await startNodes(1);
t.teardown(stop);
const connect = ['--connect', `127.0.0.1:${nodes[0]?.httpPort}`];
const chatPort = nodes[0]?.chatPort ?? 0;
const client = (input: string | Buffer): Promise<Run> => run('src/cli/client.ts', connect, input);

t.test('client program: four lines give the four replies of the dialect and exit code 0', async (t) => {
  t.strictSame(await client('1|bob|pw\n1|ann|pw\n2|ann|pw\nd|bob|hi\n'), {
    code: 0,
    stdout: [
      'New account created! User ID: bob. Please log in.',
      'New account created! User ID: ann. Please log in.',
      'Login successful - welcome back ann!',
      'Message will be delivered to bob after the account is online.',
      '',
    ].join('\n'),
    stderr: '',
  });
});

t.test('client program: what was pending comes after the login and before the end', async (t) => {
  t.strictSame(await client('2|bob|pw\n4\n5|zz\n6|ann\nq\n1|never|read\n'), {
    code: 0,
    stdout: [
      'Login successful - welcome back bob!',
      '[ann] hi',
      'ann',
      'bob ✅',
      '',
      'No usernames starting with zz',
      '',
      '[ann] hi',
      '',
      'Goodbye!',
      '',
    ].join('\n'),
    stderr: '',
  });
});

t.test('client program: messages from and to a raw connection are live and shown safely', async (t) => {
  const bob = new Program('src/cli/client.ts', connect);
  bob.child.stdin.write('2|bob|pw\n');
  await bob.saw('welcome back bob');
  t.notMatch(bob.stdout, 'hi', 'what was delivered once is not delivered again');
  const ann = await LineClient.open(chatPort);
  await ann.ask('2|ann|pw');
  t.strictSame(await ann.ask('d|bob|live \u001b[31mred'), ['Message sent to bob.']);
  await bob.saw('[ann] live \\x1b[31mred\n');
  bob.child.stdin.write('d|ann|back\n');
  t.strictSame(await ann.take(), ['[bob] back']);
  bob.child.stdin.end();
  t.equal((await bob.ended).code, 0);
  ann.destroy();
});

t.test('programs: exit codes tell what became of them', async (t) => {
  const unread = new Program('src/cli/client.ts', connect);
  unread.child.stdout.destroy();
  unread.child.stdin.write('4\n4\n4\n');
  const [rejected, unreached, silent, wrongFlag] = await Promise.all([
    client('2|ann|wrong\n4\n'),
    run('src/cli/client.ts', ['--connect', '127.0.0.1:1', '--timeout', '0.5'], '4\n1|x|y\n'),
    unread.ended,
    run('scripts/cluster.ts', ['--wat']),
  ]);
  t.strictSame(rejected, {
    code: 1,
    stdout: 'Incorrect username or password. Please try again.\nann\nbob\n\n',
    stderr: '',
  });
  t.match(unreached, {
    code: 2,
    stdout: 'Error UNAVAILABLE: Service unavailable: no leader, try again.\n',
    stderr: /^No server can be reached/,
  });
  t.match(silent, { code: 0, stderr: '' }, 'output that nobody reads ends it without a stack');
  t.match(wrongFlag, { code: 64, stdout: '', stderr: /^[^\n]+'--wat' \(see --help\)\n$/ });
});

t.test(
  'client program: a file goes from a path to the receiver’s downloads, and a missing one is told',
  async (t) => {
    const directory = t.testdir({ 'note.txt': 'hello', downloads: {} });
    const path = join(directory, 'note.txt');
    const sent = await client(`1|fay|pw\n1|gil|pw\n2|fay|pw\nf|gil|${path}\nf|gil|${path}x\n`);
    t.equal(sent.code, 1);
    t.match(
      sent.stdout,
      /\nFile note\.txt sent to gil successfully\.\nFile '.*note\.txtx' does not exist\.\n$/,
    );
    const downloads = join(directory, 'downloads');
    const got = await run('src/cli/client.ts', [...connect, '--downloads', downloads], '2|gil|pw\n');
    t.equal(got.code, 0);
    t.match(got.stdout, /\[fay\] sent a file: note\.txt \(5 B\)\nYou received file 'note\.txt' from fay\.\n/);
    t.equal(await readFile(join(downloads, 'note.txt'), 'utf8'), 'hello');
  },
);

t.test('client program: other dialects and menus from a pipe, replies alone on stdout', async (t) => {
  const [words, menu, wrong] = await Promise.all([
    run(
      'src/cli/client.ts',
      [...connect, '--dialect', 'words'],
      'register wim wim@example.org longenough\nlogin wim longenough\nhm\nexit server!\nnever read\n',
    ),
    run('src/cli/client.ts', [...connect, '--menu'], '2\n2\nmia\npw\nMia\n2\n1\nmia\npw\n4\n5\n'),
    run('src/cli/client.ts', [...connect, '--dialect', 'klingon']),
  ]);
  t.strictSame(words, {
    code: 1,
    stdout: 'signed up successfully.\nlog in successfully.\nWrong input\nexit server!\n',
    stderr: '',
  });
  t.match(menu, { code: 0, stdout: '0|OK\n0|OK\nNo new messages.\nDisconnected.\n' });
  t.match(wrong, { code: 64, stdout: '', stderr: /^[^\n]+pipe, slash, words[^\n]+\n$/ });
});
