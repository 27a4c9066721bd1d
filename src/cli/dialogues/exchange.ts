/**
 * What all dialogues share: requests and their outcomes, messages in the order in which they may be shown, the end. A login's reply comes
 * before what was pending.
 */
import type { Client } from '../../client/index.ts';
import { readInvitation } from '../../protocol/detect.ts';
import { type ClientRequest, isEntrance, type MessageEntry, type Reply } from '../../protocol/requests.ts';
import type { Show, Verdict } from './dialogue.ts';
import type { FileDesk } from './file-desk.ts';

export interface ExchangeOptions {
  readonly client: Client;
  readonly show: Show;
  readonly files: FileDesk;
  /** A file holds up no line behind it; its outcome is shown when it is there. */
  readonly filesBehind?: boolean;
  /** A message for this user was shown. */
  readonly onMessage?: (message: MessageEntry) => void;
  /** Fulfilled when the line after a login may be executed. */
  readonly afterLogin?: () => Promise<void>;
  /** Follows what becomes of this user's own messages. */
  readonly onAsked?: (request: ClientRequest) => void;
  readonly onAnswered?: (request: ClientRequest, reply: Reply) => void;
}

export interface Answer {
  readonly verdict: Verdict;
  readonly reply: Reply;
}

/** More conversations between two lines that a person types are not marked as read. */
const mostOnScreen = 1_000;

type Format = (reply: Reply) => readonly string[];

export class Exchange {
  readonly client: Client;
  readonly show: Show;
  /** Goes along with every registration that follows: the cluster counts the uses. */
  invitation: string | null = null;
  readonly #options: ExchangeOptions;
  /** While a login is under way, messages wait. */
  #loginAnswered: Promise<void> | null = null;
  #isGuest = false;
  /** Conversation → sequence up to which it stands on the screen and was not marked as read. */
  readonly #onScreen = new Map<string, number>();

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.client = options.client;
    this.show = options.show;
  }

  /** Messages are shown in this form from here on; without lines, not at all. */
  listen(format: (message: MessageEntry) => readonly string[]): void {
    this.client.onMessage((message) => this.#received(message, format));
  }

  /** Shows the answer in the form that `format` gives it. */
  async ask(request: ClientRequest, format: Format): Promise<Answer> {
    if (!isEntrance(request)) return this.#answer(request, format);
    const answered = this.#answer(request, format);
    this.#loginAnswered = answered.then(() => undefined);
    const answer = await answered;
    this.#loginAnswered = null;
    if (answer.reply.kind === 'receipt') {
      this.#isGuest = request.op === 'enter-guest';
      await this.#options.afterLogin?.();
    }
    return answer;
  }

  /** Shown, as it came or once more: when the person goes on, it is seen. */
  standsOnScreen({ conversation, sequence }: MessageEntry): void {
    const before = this.#onScreen.get(conversation);
    if (before === undefined && this.#onScreen.size >= mostOnScreen) return;
    this.#onScreen.set(conversation, Math.max(before ?? 0, sequence));
  }

  /** A person has seen what was shown so far. */
  seen(): void {
    for (const [conversation, sequence] of this.#onScreen) this.client.markRead(conversation, sequence);
    this.#onScreen.clear();
  }

  /** Shows lines that nothing was asked for. */
  async say(lines: readonly string[], verdict: 'accepted' | 'rejected' | 'quit'): Promise<Verdict> {
    await this.show(lines, verdict === 'rejected' ? 'error' : 'reply');
    return verdict;
  }

  sendFile(to: string, path: string): Promise<Verdict> {
    const { files, filesBehind } = this.#options;
    return filesBehind === true ? files.sendBehind(to, path) : files.send(to, path);
  }

  /** A line that shows an invitation, where no other meaning could be: kept for the registrations that follow. False: it is another line. */
  takesInvitation(line: string): boolean {
    const code = readInvitation(line);
    if (code !== null) this.invitation = code;
    return code !== null;
  }

  /** Saves the file that was told of last; false: there is none. */
  takeFile(directory: string): boolean {
    return this.#options.files.takeLast(directory);
  }

  /** Whether a file that comes is saved, and told of then. */
  get savesFiles(): boolean {
    return this.#options.files.saves;
  }

  /** Ends the login in a moment or not at all: the session of a program that has gone expires by itself, and so does a guest. */
  async leave(patience: () => Promise<void>): Promise<void> {
    const { client } = this;
    if (client.user !== null && client.node !== null) {
      const ended = this.#isGuest ? client.deleteAccount(client.user) : client.logout();
      await Promise.race([ended, patience()]);
    }
    await client.close();
  }

  async #answer(asked: ClientRequest, format: Format): Promise<Answer> {
    const { client, show, onAsked, onAnswered } = this.#options;
    const request = this.#invited(asked);
    onAsked?.(request);
    const reply = await client.request(request);
    onAnswered?.(request, reply);
    await show(format(reply), reply.kind === 'receipt' ? 'reply' : 'error');
    return { reply, verdict: this.#verdictOf(reply) };
  }

  #verdictOf(reply: Reply): Verdict {
    switch (reply.kind) {
      case 'receipt':
        return 'accepted';
      case 'unknown':
        return 'unknown';
      case 'rejection':
        return reply.code === 'UNAVAILABLE' && this.client.node === null ? 'unreachable' : 'rejected';
    }
  }

  #invited(request: ClientRequest): ClientRequest {
    const registers = request.op === 'register' || request.op === 'enter-bearer';
    return registers && this.invitation !== null ? { ...request, invitation: this.invitation } : request;
  }

  #received(
    message: MessageEntry,
    format: (message: MessageEntry) => readonly string[],
  ): void | Promise<void> {
    const { client, show, onMessage, files } = this.#options;
    // What this user said on another device comes too; a line dialect does not show it.
    if (message.from === client.user && message.to !== client.user) return undefined;
    const present = (): void | Promise<void> => {
      const lines = format(message);
      const shown = lines.length === 0 ? undefined : show(lines, 'message');
      if (lines.length > 0) this.standsOnScreen(message);
      onMessage?.(message);
      files.received(message);
      return shown;
    };
    return this.#loginAnswered === null ? present() : this.#loginAnswered.then(present);
  }
}
