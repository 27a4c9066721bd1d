/**
 * The terminal client at a keyboard. Lines are executed in the order they were typed, while the next one is being typed; what arrives is
 * shown above it.
 */
import { createInterface, type Interface } from 'node:readline';
import { isGroupAddress } from '../../base/addresses.ts';
import type { ErrorCode } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { deletedAccountName, type MessageEntry } from '../../protocol/requests.ts';
import type { Completion, Dialogue, Show, Verdict } from '../dialogues/dialogue.ts';
import { QuietOutput, type TerminalOutput } from './quiet-output.ts';
import { Screen, type Style } from './screen.ts';

/** Typed and not yet answered, e.g. during a failover. */
const largestBacklog = 1_000;
const historyLines = 500;
/** How long a name is looked up for; typing waits for it. */
const completionMs = 1_000;

export interface TerminalOptions {
  readonly input: NodeJS.ReadableStream;
  readonly output: TerminalOutput;
  readonly colour: boolean;
  /** The person has pressed Enter: what is on the screen has been seen. */
  readonly onSeen?: () => void;
}

export class Terminal {
  readonly #editor: Interface;
  readonly #screen: Screen;
  readonly #onSeen: () => void;
  #dialogue: Dialogue | null = null;
  #backlog: string[] = [];
  #running = false;
  /** A line that waits for `y`. */
  #unconfirmed: string | null = null;
  /** Who, or which group, is answered by `r`. */
  #lastSender: string | null = null;
  #ended = false;
  #end: () => void = () => undefined;
  readonly ended: Promise<void>;

  constructor({ input, output, colour, onSeen }: TerminalOptions) {
    this.#onSeen = onSeen ?? (() => undefined);
    const quiet = new QuietOutput(output);
    this.#editor = createInterface({
      input,
      output: quiet,
      terminal: true,
      prompt: '',
      completer: (line: string, done: (error: null, result: [string[], string]) => void) =>
        void this.#complete(line).then((found) => done(null, found)),
      historySize: historyLines,
      removeHistoryDuplicates: true,
    });
    this.#screen = new Screen({ editor: this.#editor, quiet, output, colour });
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#editor.on('line', (line) => this.#typed(line));
    this.#editor.on('history', (history) => this.#forgetPasswords(history));
    // Before the editor takes the line: what stands above it for a while does not stay there.
    input.prependListener('keypress', (_text: string, key: { readonly name?: string } | undefined) => {
      if (key?.name === 'return' || key?.name === 'enter') this.#screen.dropStatus();
    });
    this.#editor.on('SIGINT', () => this.quit());
    this.#editor.on('close', () => this.quit());
  }

  start(dialogue: Dialogue): void {
    this.#dialogue = dialogue;
    this.#screen.setPrompt(dialogue.prompt, dialogue.isSecret);
    this.#screen.print(dialogue.opening, 'notice');
    this.#screen.showPrompt();
  }

  /** For replies and messages. */
  readonly show: Show = (lines, kind) => {
    this.#print(lines, kind === 'reply' ? 'plain' : kind);
  };

  notice(text: string): void {
    this.#print([text], 'notice');
  }

  /** Who is here may have changed, and with it what the next line means. */
  refresh(): void {
    if (!this.#ended) this.#showPrompt();
  }

  /** Stands above the prompt until it is replaced, or taken away by null. */
  status(of: string, line: string | null): void {
    if (!this.#ended) this.#screen.setStatus(of, line);
  }

  /** Offers an answer to the sender of what was just shown, or to the group in which it was said. */
  received({ from, to }: Pick<MessageEntry, 'from' | 'to'>): void {
    const sender = isGroupAddress(to) ? to : from;
    if (sender === deletedAccountName || this.#dialogue?.answerTo === undefined) return;
    if (sender !== this.#lastSender) this.notice(`(to answer ${sender}: r TEXT)`);
    this.#lastSender = sender;
  }

  /** As `q` and Ctrl-C do. */
  quit(unanswered = this.#unanswered): void {
    if (this.#ended) return;
    if (unanswered > 0)
      this.notice(`${unanswered} of your lines had no answer yet: their outcome is unknown.`);
    this.#ended = true;
    this.#screen.clear();
    this.#editor.close();
    this.#end();
  }

  get #unanswered(): number {
    return this.#backlog.length + (this.#running ? 1 : 0);
  }

  #print(lines: readonly string[], style: Style): void {
    if (!this.#ended) this.#screen.print(lines, style);
  }

  #typed(text: string): void {
    this.#onSeen();
    this.#screen.entered();
    const line = text.trimEnd();
    if (this.#unconfirmed === null && this.#dialogue?.isSecret === true) this.#enqueue(text);
    else if (this.#unconfirmed !== null) this.#confirmed(line);
    else if (line !== '' || this.#dialogue?.takesEmpty === true) this.#accept(line);
    if (!this.#ended) this.#showPrompt();
  }

  #accept(line: string): void {
    if (Buffer.byteLength(line) > limits.lineBytes) {
      this.#refuse('LINE_TOO_LONG');
      return;
    }
    const dialogue = this.#dialogue;
    const answer = dialogue?.answerTo === undefined ? null : /^r[ |](.*)$/s.exec(line);
    if (answer !== null) {
      if (this.#lastSender === null) this.notice('Nobody has written to you yet.');
      else this.#enqueue(dialogue?.answerTo?.(this.#lastSender, answer[1] ?? '') ?? '');
      return;
    }
    if (dialogue?.question?.(line) != null) this.#unconfirmed = line;
    else if (dialogue?.isImmediate(line) === true)
      void dialogue?.execute(line).then((verdict) => this.#executed(verdict, this.#unanswered));
    else this.#enqueue(line);
  }

  #confirmed(answer: string): void {
    const line = this.#unconfirmed;
    this.#unconfirmed = null;
    if (line !== null && /^y(es)?$/i.test(answer)) this.#enqueue(line);
    else this.notice('Nothing was deleted.');
  }

  #refuse(code: ErrorCode): void {
    this.#print([this.#dialogue?.refusal(code) ?? ''], 'error');
  }

  #enqueue(line: string): void {
    if (this.#backlog.length >= largestBacklog) {
      this.#refuse('BUSY');
      return;
    }
    this.#backlog.push(line);
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let line = this.#backlog.shift(); line !== undefined; line = this.#backlog.shift()) {
      const verdict = await this.#dialogue?.execute(line);
      // Its own answer is on the screen.
      this.#executed(verdict, this.#backlog.length);
      if (this.#ended) return;
    }
    this.#running = false;
  }

  #executed(verdict: Verdict | undefined, unanswered: number): void {
    if (verdict === 'quit') this.quit(unanswered);
    else if (!this.#ended) this.#showPrompt();
  }

  #showPrompt(): void {
    const unconfirmed = this.#unconfirmed;
    const question = unconfirmed === null ? null : this.#dialogue?.question?.(unconfirmed);
    const isSecret = unconfirmed === null && this.#dialogue?.isSecret === true;
    this.#screen.setPrompt(question ?? this.#dialogue?.prompt ?? '', isSecret);
    this.#screen.showPrompt();
  }

  /** Lines that carry a password are not offered again. The editor keeps this very array. */
  #forgetPasswords(history: string[]): void {
    const kept = history.filter((line) => this.#dialogue?.holdsPassword(line) !== true);
    history.splice(0, history.length, ...kept);
  }

  async #complete(line: string): Promise<[string[], string]> {
    const none: Completion = { candidates: [], fragment: line };
    if (this.#dialogue?.isSecret === true) return [[], line];
    const asked = this.#dialogue?.complete?.(line) ?? Promise.resolve(none);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Completion>((resolve) => {
      timer = setTimeout(() => resolve(none), completionMs);
    });
    const { candidates, fragment } = await Promise.race([asked, late]);
    clearTimeout(timer);
    return [[...candidates], fragment];
  }
}
