/** What the programs are made of, without a process. */
import t from 'tap';
import { parseConfig } from '../../src/base/config.ts';
import { seededRandom } from '../../src/base/prng.ts';
import { findNodes, httpAddress, readConfig } from '../../src/cli/cluster/nodes.ts';
import {
  type Answer,
  assess,
  exitCodes,
  formatReport,
  readStatus,
} from '../../src/cli/cluster/status-table.ts';
import { Exchange } from '../../src/cli/dialogues/exchange.ts';
import { FileDesk } from '../../src/cli/dialogues/file-desk.ts';
import { pipeFileTexts } from '../../src/cli/dialogues/file-texts.ts';
import { PipeDialogue } from '../../src/cli/dialogues/pipe-dialogue.ts';
import { type Arguments, type Program, readArguments } from '../../src/cli/program/arguments.ts';
import { decideAfter } from '../../src/cli/program/restart-policy.ts';
import { FailoverNotices } from '../../src/cli/terminal/failover-notices.ts';
import { runPipeMode } from '../../src/cli/terminal/pipe-mode.ts';
import { wantsColour } from '../../src/cli/terminal/screen.ts';
import { Client } from '../../src/client/client.ts';
import { countingSecrets, FakeCluster } from '../client/fake-cluster.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const program: Program = {
  command: 'npm run thing --',
  summary: 'Does a thing.',
  flags: [
    { name: 'data-root', value: 'DIR', help: 'where' },
    { name: 'count', value: 'N', help: 'how many' },
    { name: 'json', help: 'as JSON' },
  ],
};

function read(argv: readonly string[], environment: Record<string, string> = {}): Arguments {
  const args = readArguments(program, argv, environment);
  if (typeof args === 'string') throw new Error('an answer, not arguments');
  return args;
}

t.test('arguments: a flag wins over the environment, which wins over nothing', async (t) => {
  const environment = { CONCLAVE_DATA_ROOT: 'from-environment', CONCLAVE_JSON: '1' };
  t.equal(read(['--data-root', 'from-flag'], environment).text('data-root'), 'from-flag');
  t.equal(read([], environment).text('data-root'), 'from-environment');
  t.equal(read([], { CONCLAVE_DATA_ROOT: '' }).text('data-root'), undefined);
  t.equal(read([], environment).has('json'), false, 'switches stand on the command line only');
  t.equal(read(['--json']).has('json'), true);
});

t.test('arguments: what is unknown, out of bounds or too much is USAGE and named', async (t) => {
  t.throws(() => read(['--nope']), { code: 'USAGE', message: /--nope/ });
  t.throws(() => read(['stray']), { code: 'USAGE', message: /stray/ });
  t.throws(() => read(['--data-root']), { code: 'USAGE', message: /data-root/ });
  t.throws(() => read(['--count', 'many']).number('count', 1, 9), { code: 'USAGE', message: /from 1 to 9/ });
  t.throws(() => read(['--count', '10']).number('count', 1, 9), { code: 'USAGE' });
  t.equal(read(['--count', '9']).number('count', 1, 9), 9);
});

t.test('arguments: help names every flag, its environment and nothing else happens', async (t) => {
  const help = readArguments(program, ['--help', '--json'], {});
  t.match(help, /--data-root DIR +where[\s\S]*--json +as JSON[\s\S]*--version[\s\S]*CONCLAVE_DATA_ROOT/);
  t.match(readArguments(program, ['--version'], {}), /^conclave \d+\.\d+/);
});

const config = parseConfig(
  JSON.stringify({
    profile: 'loopback-demo',
    nodes: [{ id: 1, host: '127.0.0.1', peerPort: 7101, chatPort: 7201, httpPort: 7301 }],
  }),
);

t.test('nodes: a chat port stands for its node’s HTTP port, any other port for itself', async (t) => {
  for (const host of ['127.0.0.1', 'localhost']) {
    t.strictSame(httpAddress({ host, port: 7201 }, config), { host: '127.0.0.1', port: 7301 });
  }
  t.strictSame(httpAddress({ host: '127.0.0.1', port: 7301 }, config), { host: '127.0.0.1', port: 7301 });
  t.strictSame(httpAddress({ host: '10.0.0.9', port: 7201 }, config), { host: '10.0.0.9', port: 7201 });
  t.strictSame(httpAddress({ host: 'h', port: 1 }, null), { host: 'h', port: 1 });
});

t.test('nodes: a configuration that is missing or wrong is one line that says so', async (t) => {
  const dir = t.testdir({ 'bad.json': '{"profile":"loopback-demo","nodez":1}' });
  t.throws(() => readConfig(`${dir}/none.json`), { code: 'CONFIG_INVALID', message: /no such file/ });
  t.throws(() => readConfig(`${dir}/bad.json`), { code: 'CONFIG_INVALID', message: /^configuration: / });
  const named = (name: string): string | undefined => (name === 'config' ? `${dir}/none.json` : 'h:1');
  t.throws(() => findNodes({ text: named }), { code: 'CONFIG_INVALID' }, 'a file named is not optional');
});

interface Piped {
  readonly code: number;
  readonly lines: readonly string[];
}

/** Pipe mode over nodes in memory; time moves on by itself until it ends. */
async function pipe(
  chunks: readonly (string | Uint8Array)[],
  prepare: (cluster: FakeCluster) => void = () => undefined,
): Promise<Piped> {
  const clock = new VirtualClock();
  const cluster = new FakeCluster(clock);
  cluster.accounts.set('ann', 'pw').set('bob', 'pw');
  prepare(cluster);
  const client = new Client({
    nodes: cluster.addresses,
    clock,
    random: seededRandom(3),
    dialer: cluster,
    secrets: countingSecrets(),
    giveUpMs: 1_000,
    readGiveUpMs: 1_000,
  });
  const lines: string[] = [];
  const show = (more: readonly string[]): void => {
    lines.push(...more);
  };
  const files = new FileDesk({ client, show, texts: pipeFileTexts, downloads: null });
  async function* input(): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
  }
  let code: number | null = null;
  void runPipeMode({
    input: input(),
    dialogue: new PipeDialogue(
      new Exchange({ client, show, files, afterLogin: () => client.caughtUp() }),
      {},
    ),
    show,
    isOutputGone: () => false,
  }).then((result) => {
    code = result;
  });
  for (let passed = 0; code === null && passed < 20_000; passed += 5) await clock.advance(5);
  await client.close();
  if (code === null) throw new Error('it did not end');
  return { code, lines };
}

t.test('pipe mode: 0 when all was accepted, each line answered before the next is asked', async (t) => {
  const { code, lines } = await pipe(['2|ann|pw\r\nd|bo', 'b|one\nd|bob|two\n6|bob\n', 'h']);
  t.equal(code, 0);
  t.strictSame(lines.slice(0, 6), [
    'Login successful - welcome back ann!',
    'Message will be delivered to bob after the account is online.',
    'Message will be delivered to bob after the account is online.',
    '[ann] one',
    '[ann] two',
    '',
  ]);
  t.ok(lines.includes('q - log out'), 'the last line needs no end');
});

t.test(
  'pipe mode: messages that wait come between the login and the next line, own ones not at all',
  async (t) => {
    const { lines } = await pipe(['2|ann|pw\n4\n'], (cluster) => {
      cluster.post('bob', 'ann', 'one');
      cluster.post('ann', 'bob', 'mine');
      cluster.post('bob', 'ann', 'two');
      cluster.post('ann', 'ann', 'note to self');
    });
    t.strictSame(lines, [
      'Login successful - welcome back ann!',
      '[bob] one',
      '[bob] two',
      '[ann] note to self',
      'ann ✅',
      'bob',
      '',
    ]);
  },
);

t.test('pipe mode: 1 after any rejection, and the lines behind it are executed', async (t) => {
  const { code, lines } = await pipe(['nonsense\nd|bob|x\n', Buffer.from([0xff, 10]), '4\n']);
  t.equal(code, 1);
  t.match(lines, [
    /^Invalid request/,
    'Please log in to send a message!',
    /^Error BAD_ENCODING/,
    'ann',
    'bob',
    '',
  ]);
  t.match(await pipe([`d|bob|${'x'.repeat(9_000)}\n4\n`]), { code: 1, lines: [/^Error LINE_TOO_LONG/] });
});

t.test('pipe mode: 2 when an outcome is unknown, whatever else was rejected', async (t) => {
  const { code, lines } = await pipe(['2|ann|pw\nd|bob|lost\nnonsense\n'], (cluster) => {
    cluster.losesRepliesTo = 'send';
  });
  t.equal(code, 2);
  t.match(lines, [/^Login/, /^Error UNKNOWN_OUTCOME/, /^Invalid request/]);
});

t.test('pipe mode: 2 when no node can be reached, and the rest is not tried', async (t) => {
  const { code, lines } = await pipe(['4\n4\n4\n'], (cluster) => {
    for (const { id } of cluster.nodes) cluster.kill(id);
  });
  t.equal(code, 2);
  t.strictSame(lines, ['Error UNAVAILABLE: Service unavailable: no leader, try again.']);
});

t.test('pipe mode: q ends it', async (t) => {
  t.strictSame(await pipe(['q\n4\n']), { code: 0, lines: ['Goodbye!'] });
});

t.test(
  'failover notices: the server that is down, then the elected one, in the words of the dialect',
  async (t) => {
    const clock = new VirtualClock();
    const shown: string[] = [];
    const notices = new FailoverNotices(clock, true, (text) => shown.push(text));
    notices.take({ kind: 'connected', node: 2, leader: 1, planned: true });
    notices.take({ kind: 'connected', node: 1, leader: 1, planned: true });
    t.strictSame(shown.splice(0), ['Connected to Server 1']);
    notices.take({ kind: 'connected', node: 3, leader: 3, planned: true });
    t.strictSame(shown, [], 'a planned move is nobody’s concern');
    notices.take({ kind: 'down', node: 3, reason: 'x' });
    notices.take({ kind: 'connected', node: 2, leader: null, planned: false });
    notices.take({ kind: 'down', node: 2, reason: 'x' });
    notices.take({ kind: 'connected', node: 1, leader: null, planned: false });
    notices.take({ kind: 'leader', leader: 1 });
    t.strictSame(shown.splice(0), ['Server 3 is down. Initiating leader election.', 'Connected to Server 1']);
    notices.take({ kind: 'down', node: 1, reason: 'x' });
    notices.take({ kind: 'connected', node: 2, leader: 3, planned: false });
    await clock.advance(2_000);
    t.strictSame(shown.splice(0), ['Server 1 is down. Initiating leader election.', 'Connected to Server 2']);
    notices.take({ kind: 'closed' });
    t.equal(clock.timers, 0);
  },
);

t.test(
  'restart policy: killed and disk-failed nodes come back ever later, refusals end the whole',
  async (t) => {
    const end = { code: null, signal: 'SIGKILL', wasReady: true, ranMs: 90_000, quickEnds: 5 };
    t.strictSame(decideAfter(end), { kind: 'restart', afterMs: 1_000, quickEnds: 1 });
    t.match(decideAfter({ ...end, ranMs: 10, quickEnds: 3 }), { afterMs: 8_000, quickEnds: 4 });
    t.match(decideAfter({ ...end, ranMs: 10, quickEnds: 40 }), { afterMs: 60_000 });
    const failed = { ...end, code: 74, signal: null, wasReady: false, quickEnds: 0 };
    t.match(decideAfter(failed), { kind: 'restart', afterMs: 2_000 });
    t.match(decideAfter({ ...failed, ranMs: 1, quickEnds: 1 }), { afterMs: 4_000 });
    for (const code of [1, 64, 69, 70, 75, 77, 78]) {
      t.strictSame(decideAfter({ ...failed, code }), { kind: 'give-up', code }, 'refused its start');
      t.match(decideAfter({ ...failed, code, wasReady: true }), { kind: 'restart' }, 'crashed later');
    }
    t.strictSame(decideAfter({ ...end, code: 0, signal: null }), { kind: 'leave' });
    for (const wasReady of [true, false]) {
      t.strictSame(decideAfter({ ...failed, code: 65, wasReady }), { kind: 'damaged', code: 65 });
    }
    t.strictSame(decideAfter({ ...end, code: 79, signal: null }), { kind: 'removed' });
  },
);

t.test('colour: only on a terminal that can, and not against NO_COLOR', async (t) => {
  t.equal(wantsColour(true, {}), true);
  t.equal(wantsColour(false, {}), false);
  t.equal(wantsColour(true, { NO_COLOR: '1' }), false);
  t.equal(wantsColour(true, { NO_COLOR: '' }), true);
  t.equal(wantsColour(true, { TERM: 'dumb' }), false);
});

const leader = {
  id: 1,
  role: 'leader',
  term: 4,
  leader: 1,
  commitIndex: 90,
  appliedIndex: 90,
  members: [
    { id: 1, match: 90, lag: 0 },
    { id: 2, match: 80, lag: 10 },
    { id: 3, match: null, lag: null },
  ],
  alarms: ['low space'],
};

function answer(port: number, body: unknown): Answer {
  return { address: `h:${port}`, id: port, status: readStatus(body), reason: null };
}

t.test('status: the table shows every node, the exit code whether the cluster can serve', async (t) => {
  const follower = { ...leader, id: 2, role: 'follower', appliedIndex: 80, alarms: [] };
  const gone: Answer = { address: 'h:3', id: 3, status: null, reason: 'ECONNREFUSED' };
  const report = assess([answer(1, leader), answer(2, follower), gone]);
  const table = formatReport(report);
  t.match(table, /^1 +h:1 +leader +4 +1 +90 +90 +0 +low space$/m);
  t.match(table, /^2 +h:2 +follower +4 +1 +90 +80 +10 +-$/m);
  t.match(table, /^3 +h:3 +unreachable.*ECONNREFUSED$/m);
  t.match(table, /Node 1 leads in term 4\.$/);
  t.equal(exitCodes[report.verdict], 0);
  t.equal(
    exitCodes[assess([answer(2, { ...follower, leader: null }), answer(3, { ...follower, id: 3 })]).verdict],
    1,
  );
  t.equal(assess([answer(1, leader), gone]).verdict, 'no-majority');
  t.equal(exitCodes[assess([gone]).verdict], 2);
});

t.test(
  'status: of two that claim to lead the higher term counts; observers are no voters; nonsense is no answer',
  async (t) => {
    const old = { ...leader, id: 3, term: 3 };
    t.equal(assess([answer(3, old), answer(1, leader)]).leader, 1);
    const members = [
      { id: 1, lag: 0 },
      { id: 2, lag: 0, voter: false },
    ];
    t.equal(assess([answer(1, { ...leader, members })]).voters, 1);
    for (const body of [null, 7, {}, { ...leader, members: 'x' }, { ...leader, term: '4' }]) {
      t.equal(readStatus(body), null);
    }
  },
);
