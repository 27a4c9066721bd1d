/** `npm run client`: the terminal client. Chooses between a keyboard and a pipe, and wires the library to it. */
import { systemClock } from '../base/system-clock.ts';
import { type Client, type ConnectOptions, connect } from '../client/index.ts';
import { pipeHelp } from '../protocol/pipe.ts';
import type { PipeOptions } from '../protocol/pipe-errors.ts';
import type { Trust } from '../tls/trust.ts';
import { accountHelp } from './account-lines.ts';
import { type Arguments, configFlag, type Program, runProgram, versionText } from './arguments.ts';
import { Dialogue, leave, type Show } from './dialogue.ts';
import { FailoverNotices } from './failover-notices.ts';
import { FileDesk, openWithDesktop } from './file-desk.ts';
import { connectFlag, findNodes, type Nodes } from './nodes.ts';
import { runPipeMode } from './pipe-mode.ts';
import { progressTeller } from './progress.ts';
import { wantsColour } from './screen.ts';
import { Terminal } from './terminal.ts';
import { findTrust, trustFlags } from './trust.ts';

const fileHelp = 'f|to|path - send a file to a user, #group or #lobby';
const pipeTimeoutS = 10;
const pipeColumns = 100;
const leavingMs = 1_000;
/** Until what was pending at login must have been shown. */
const pendingMs = 5_000;

const program: Program = {
  command: 'npm run client --',
  summary: 'Chat at a terminal, or from a pipe: one command a line.',
  flags: [
    connectFlag,
    configFlag,
    ...trustFlags,
    {
      name: 'timeout',
      value: 'SECONDS',
      help: `give a line up after so long (default: ${pipeTimeoutS} from a pipe, never at a terminal)`,
    },
    { name: 'downloads', value: 'DIR', help: 'save received files there (default: they are only told)' },
    { name: 'open-files', help: 'open what was saved with whatever the desktop opens it with' },
  ],
  notes: [
    ['Commands:', ...pipeHelp().slice(0, -1), ...accountHelp, fileHelp].join('\n  '),
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

function pipeOptions(nodes: Nodes): PipeOptions {
  return { revealUnknownUser: nodes.config?.revealUnknownUser ?? false };
}

interface FileSettings {
  readonly downloads: string | null;
  readonly open: boolean;
}

function fileDesk(
  client: Client,
  show: Show,
  { downloads, open }: FileSettings,
  notice: (text: string) => void,
): FileDesk {
  const onProgress = progressTeller(systemClock, () => process.stdout.columns ?? pipeColumns, notice);
  return new FileDesk({ client, show, downloads, onProgress, ...(open ? { open: openWithDesktop } : {}) });
}

async function atTerminal(nodes: Reached, timeoutMs: number | null, settings: FileSettings): Promise<number> {
  const terminal = new Terminal({
    input: process.stdin,
    output: process.stdout,
    colour: wantsColour(true, process.env),
  });
  const notices = new FailoverNotices(systemClock, true, (text) => terminal.notice(text));
  const client = open(nodes, timeoutMs, (status) => notices.take(status));
  const files = fileDesk(client, terminal.show, settings, (text) => terminal.notice(text));
  const dialogue = new Dialogue({
    client,
    pipe: pipeOptions(nodes),
    show: terminal.show,
    onMessage: (message) => terminal.received(message),
    files,
    filesBehind: true,
  });
  terminal.start(dialogue);
  process.once('SIGTERM', () => terminal.quit());
  await terminal.ended;
  if (files.unsent > 0)
    console.log(`${files.unsent} of your files had not been sent yet: sent again, they go on there.`);
  await leave(client, () => sleep(leavingMs));
  return 0;
}

/** Whoever read us has left (`… | head`): nothing more can be said, and nothing more is asked. */
class PipeOutput {
  #gone = false;
  readonly #leaving: Promise<void>;

  constructor() {
    this.#leaving = new Promise((resolve) => {
      process.stdout.on('error', () => {
        this.#gone = true;
        process.stdin.destroy();
        resolve();
      });
    });
  }

  get isGone(): boolean {
    return this.#gone;
  }

  async show(lines: readonly string[]): Promise<void> {
    if (this.#gone || process.stdout.write(lines.map((line) => `${line}\n`).join(''))) return;
    const drained = new Promise<void>((resolve) => {
      process.stdout.once('drain', resolve);
    });
    await Promise.race([drained, this.#leaving]);
  }

  /** Input is worth reading only while the output is there. */
  async *input(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of process.stdin) yield chunk;
    } catch (error) {
      if (!this.#gone) throw error;
    }
  }
}

async function fromPipe(nodes: Reached, timeoutMs: number, settings: FileSettings): Promise<number> {
  const output = new PipeOutput();
  const show = (lines: readonly string[]): Promise<void> => output.show(lines);
  const notices = new FailoverNotices(systemClock, false, (text) => console.error(text));
  const client = open(nodes, timeoutMs, (status) => notices.take(status));
  const files = fileDesk(client, show, settings, (text) => console.error(text));
  const code = await runPipeMode({
    input: output.input(),
    dialogue: new Dialogue({ client, pipe: pipeOptions(nodes), show, files }),
    show,
    caughtUp: () => Promise.race([client.caughtUp(), sleep(pendingMs)]),
    isOutputGone: () => output.isGone,
  });
  await Promise.race([files.idle(), sleep(timeoutMs)]);
  await leave(client, () => sleep(leavingMs));
  process.stdin.destroy();
  return code;
}

async function main(args: Arguments): Promise<number> {
  const found = findNodes(args);
  const nodes = { ...found, trust: findTrust(args, found) };
  const timeoutS = args.number('timeout', 0.1, 86_400);
  const isTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true;
  const settings = { downloads: args.text('downloads') ?? null, open: args.has('open-files') };
  if (isTerminal) return atTerminal(nodes, timeoutS === undefined ? null : timeoutS * 1_000, settings);
  return fromPipe(nodes, (timeoutS ?? pipeTimeoutS) * 1_000, settings);
}

await runProgram(program, main);
