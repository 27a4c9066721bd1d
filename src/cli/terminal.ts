/**
 * The terminal client at a keyboard. Lines are executed in the order they were typed, while the next one is being typed; what arrives is
 * shown above it.
 */
import { createInterface, type Interface } from 'node:readline';
import { isGroupAddress } from '../base/addresses.ts';
import { limits } from '../base/limits.ts';
import { parsePipe, pipeHelp } from '../protocol/pipe.ts';
import { formatPipeError } from '../protocol/pipe-errors.ts';
import { deletedAccountName, type MessageEntry } from '../protocol/requests.ts';
import { accountHelp, holdsPassword } from './account-lines.ts';
import type { Dialogue, Show } from './dialogue.ts';
import { Screen, type Style } from './screen.ts';

/** Typed and not yet answered, e.g. during a failover. */
const largestBacklog = 1_000;
const historyLines = 500;
const prompt = '> ';

export interface TerminalOptions {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
  readonly colour: boolean;
}

export class Terminal {
  readonly #editor: Interface;
  readonly #screen: Screen;
  #dialogue: Pick<Dialogue, 'execute'> | null = null;
  #backlog: string[] = [];
  #running = false;
  /** A line that waits for `y`. */
  #unconfirmed: string | null = null;
  /** Who, or which group, is answered by `r`. */
  #lastSender: string | null = null;
  #ended = false;
  #end: () => void = () => undefined;
  readonly ended: Promise<void>;

  constructor({ input, output, colour }: TerminalOptions) {
    this.#editor = createInterface({
      input,
      output,
      terminal: true,
      prompt,
      historySize: historyLines,
      removeHistoryDuplicates: true,
    });
    this.#screen = new Screen(this.#editor, output, colour);
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#editor.on('line', (line) => this.#typed(line));
    this.#editor.on('history', forgetPasswords);
    this.#editor.on('SIGINT', () => this.quit());
    this.#editor.on('close', () => this.quit());
  }

  start(dialogue: Pick<Dialogue, 'execute'>): void {
    this.#dialogue = dialogue;
    this.#screen.print(
      [...pipeHelp().slice(0, -1), ...accountHelp, 'r TEXT - answer the last sender', ''],
      'notice',
    );
  }

  /** For replies and messages. */
  readonly show: Show = (lines, kind) => {
    this.#print(lines, kind === 'reply' ? 'plain' : kind);
  };

  notice(text: string): void {
    this.#print([text], 'notice');
  }

  /** Offers an answer to the sender of what was just shown, or to the group in which it was said. */
  received({ from, to }: Pick<MessageEntry, 'from' | 'to'>): void {
    const sender = isGroupAddress(to) ? to : from;
    if (sender === deletedAccountName) return;
    if (sender !== this.#lastSender) this.notice(`(to answer ${sender}: r TEXT)`);
    this.#lastSender = sender;
  }

  /** As `q` and Ctrl-C do. */
  quit(): void {
    if (this.#ended) return;
    const unanswered = this.#backlog.length + (this.#running ? 1 : 0);
    if (unanswered > 0)
      this.notice(`${unanswered} of your lines had no answer yet: their outcome is unknown.`);
    this.#ended = true;
    this.#screen.clear();
    this.#editor.close();
    this.#end();
  }

  #print(lines: readonly string[], style: Style): void {
    if (!this.#ended) this.#screen.print(lines, style);
  }

  #typed(text: string): void {
    const line = text.trimEnd();
    if (this.#unconfirmed !== null) this.#confirmed(line);
    else if (line !== '') this.#accept(line);
    if (!this.#ended) this.#editor.prompt();
  }

  #accept(line: string): void {
    if (Buffer.byteLength(line) > limits.lineBytes) {
      this.#print([formatPipeError('LINE_TOO_LONG')], 'error');
      return;
    }
    const answer = /^r[ |](.*)$/s.exec(line);
    if (answer !== null) {
      if (this.#lastSender === null) this.notice('Nobody has written to you yet.');
      else this.#enqueue(`d|${this.#lastSender}|${answer[1] ?? ''}`);
      return;
    }
    const parsed = parsePipe(line);
    if (parsed.kind === 'request' && parsed.request.op === 'delete') {
      this.#unconfirmed = line;
      this.#editor.setPrompt('Are you sure? (y/n) ');
    } else if (parsed.kind === 'help' || parsed.kind === 'quit') void this.#execute(line);
    else this.#enqueue(line);
  }

  #confirmed(answer: string): void {
    const line = this.#unconfirmed;
    this.#unconfirmed = null;
    this.#editor.setPrompt(prompt);
    if (line !== null && /^y(es)?$/i.test(answer)) this.#enqueue(line);
    else this.notice('Nothing was deleted.');
  }

  #enqueue(line: string): void {
    if (this.#backlog.length >= largestBacklog) {
      this.#print([formatPipeError('BUSY')], 'error');
      return;
    }
    this.#backlog.push(line);
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let line = this.#backlog.shift(); line !== undefined; line = this.#backlog.shift()) {
      await this.#execute(line);
    }
    this.#running = false;
  }

  async #execute(line: string): Promise<void> {
    const verdict = await this.#dialogue?.execute(line);
    if (verdict === 'quit') this.quit();
  }
}

/** Lines that carry a password are not offered again. The editor keeps this very array. */
function forgetPasswords(history: string[]): void {
  const kept = history.filter((line) => !holdsPassword(line));
  history.splice(0, history.length, ...kept);
}
