/** `npm run client`: the terminal client. Chooses between a keyboard and a pipe, and wires the library to it. */
import { systemClock } from '../base/system-clock.ts';
import { type Client, type ConnectOptions, connect } from '../client/index.ts';
import type { Trust } from '../tls/trust.ts';
import { connectFlag, findNodes, type Nodes } from './cluster/nodes.ts';
import { findTrust, trustFlags } from './cluster/trust.ts';
import type { Show } from './dialogues/dialogue.ts';
import { Exchange } from './dialogues/exchange.ts';
import { FileDesk, type FileDeskOptions, openWithDesktop } from './dialogues/file-desk.ts';
import { findStyle, menuFlags, type Style, styleFlag, styles } from './dialogues/styles.ts';
import { type Arguments, configFlag, type Program, runProgram, versionText } from './program/arguments.ts';
import { progressBars, progressTeller } from './program/progress.ts';
import { FailoverNotices } from './terminal/failover-notices.ts';
import { Marks } from './terminal/marks.ts';
import { runPipeMode } from './terminal/pipe-mode.ts';
import { PipeOutput } from './terminal/pipe-output.ts';
import { usualColumns, wantsColour } from './terminal/screen.ts';
import { Terminal } from './terminal/terminal.ts';

const pipeTimeoutS = 10;
const pipeColumns = 100;
const leavingMs = 1_000;
/** Until what was pending at login must have been shown. */
const pendingMs = 5_000;

const program: Program = {
  command: 'npm run client --',
  operands: '[groups]',
  summary: 'Chat at a terminal, or from a pipe: one command a line.',
  flags: [
    connectFlag,
    configFlag,
    ...trustFlags,
    styleFlag,
    ...menuFlags,
    {
      name: 'timeout',
      value: 'SECONDS',
      help: `give a line up after so long (default: ${pipeTimeoutS} from a pipe, never at a terminal)`,
    },
    {
      name: 'downloads',
      value: 'DIR',
      help: 'save received files there (default: slash downloads, else they are only told)',
    },
    { name: 'open', help: 'open what was saved with whatever the desktop opens it with' },
  ],
  notes: [
    ...Object.entries(styles).map(([name, { help }]) =>
      [`Commands of --dialect ${name}:`, ...help.slice(0, -1)].join('\n  '),
    ),
    [
      'From a pipe there are no prompts, every reply is awaited, and the exit code is',
      '0 when everything was accepted,',
      '1 after any rejection,',
      '2 when an outcome is unknown or no node could be reached.',
    ].join('\n  '),
  ],
};

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

interface Reached extends Nodes {
  readonly trust: Trust;
}

function open(
  nodes: Reached,
  timeoutMs: number | null,
  onStatus: NonNullable<ConnectOptions['onStatus']>,
): Client {
  return connect({
    nodes: nodes.addresses,
    trust: nodes.trust,
    name: versionText(),
    onStatus,
    ...(timeoutMs === null ? {} : { giveUpMs: timeoutMs, readGiveUpMs: timeoutMs }),
  });
}

/** How to talk, and with whom. */
interface Talk {
  readonly nodes: Reached;
  readonly style: Style;
  readonly timeoutMs: number | null;
  readonly downloads: string | null;
  readonly open: boolean;
}

function fileDesk(
  { style, downloads, open }: Talk,
  options: Pick<FileDeskOptions, 'client' | 'show' | 'onProgress' | 'onOver'>,
): FileDesk {
  const texts = style.fileTexts;
  return new FileDesk({ ...options, texts, downloads, ...(open ? { open: openWithDesktop } : {}) });
}

async function atTerminal(talk: Talk): Promise<number> {
  const terminal = new Terminal({
    input: process.stdin,
    output: process.stdout,
    colour: wantsColour(true, process.env),
    onSeen: () => exchange.seen(),
  });
  const notices = new FailoverNotices(systemClock, true, (text) => terminal.notice(text));
  const marks = new Marks((line) => terminal.status('marks', line));
  const client = open(talk.nodes, talk.timeoutMs, (status) => {
    notices.take(status);
    if (status.kind === 'resumed') void learnMarks(client, marks);
    if (status.kind === 'session-lost') terminal.refresh();
  });
  client.onEvent((event) => marks.took(event));
  const columns = (): number => process.stdout.columns || usualColumns;
  const bars = progressBars(systemClock, columns, (name, line) => terminal.status(`file ${name}`, line));
  const { show } = terminal;
  const files = fileDesk(talk, { client, show, onProgress: bars.moved, onOver: bars.over });
  const exchange = new Exchange({
    client,
    show,
    files,
    filesBehind: true,
    onMessage: (message) => {
      marks.heard(message);
      terminal.received(message);
    },
    onAsked: (request) => marks.asked(request),
    onAnswered: (request, reply) => marks.answered(request, reply),
  });
  terminal.start(talk.style.open(exchange, talk.nodes.config, true));
  process.once('SIGTERM', () => terminal.quit());
  await terminal.ended;
  if (files.unsent > 0)
    console.log(`${files.unsent} of your files had not been sent yet: sent again, they go on there.`);
  await exchange.leave(() => sleep(leavingMs));
  return 0;
}

/** Marks are told as they change; what changed while there was no connection is asked. */
async function learnMarks(client: Client, marks: Marks): Promise<void> {
  const outcome = await client.conversations();
  if (outcome.kind === 'receipt') marks.learn(outcome.value.conversations);
}

async function fromPipe(talk: Talk): Promise<number> {
  const timeoutMs = talk.timeoutMs ?? pipeTimeoutS * 1_000;
  const output = new PipeOutput();
  const show: Show = (lines, kind) => {
    if (kind !== 'notice') return output.show(lines);
    for (const line of lines) console.error(line);
    return undefined;
  };
  const notices = new FailoverNotices(systemClock, false, (text) => console.error(text));
  const client = open(talk.nodes, timeoutMs, (status) => notices.take(status));
  const tell = (text: string): void => console.error(text);
  const onProgress = progressTeller(systemClock, () => pipeColumns, tell);
  const files = fileDesk(talk, { client, show, onProgress });
  const afterLogin = (): Promise<void> => Promise.race([client.caughtUp(), sleep(pendingMs)]);
  const exchange = new Exchange({ client, show, files, afterLogin });
  const code = await runPipeMode({
    input: output.input(),
    dialogue: talk.style.open(exchange, talk.nodes.config, false),
    show: (lines) => output.show(lines),
    isOutputGone: () => output.isGone,
  });
  await Promise.race([files.idle(), sleep(timeoutMs)]);
  await exchange.leave(() => sleep(leavingMs));
  process.stdin.destroy();
  return code;
}

async function main(args: Arguments): Promise<number> {
  const found = findNodes(args);
  const timeoutS = args.number('timeout', 0.1, 86_400);
  const isTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true;
  const style = findStyle(args);
  const talk: Talk = {
    nodes: { ...found, trust: findTrust(args, found) },
    style,
    timeoutMs: timeoutS === undefined ? null : timeoutS * 1_000,
    downloads: args.text('downloads') ?? style.downloads,
    open: args.has('open'),
  };
  return isTerminal ? atTerminal(talk) : fromPipe(talk);
}

await runProgram(program, main);
