/** One line of the pipe dialect in, its answer out, for the keyboard and for a pipe alike. */
import type { Client } from '../client/index.ts';
import {
  formatPipePush,
  formatPipeReply,
  parsePipe,
  pipeGoodbye,
  pipeHelp,
  pipeInvited,
} from '../protocol/pipe.ts';
import type { PipeOptions } from '../protocol/pipe-errors.ts';
import type { ClientRequest, MessageEntry } from '../protocol/requests.ts';
import { accountHelp, parseAccountLine } from './account-lines.ts';
import type { FileDesk } from './file-desk.ts';

/** The client's own: `f|to|path`. The rest of the line is the path. */
const fileLine = /^f\|([^|]+)\|(.+)$/s;

/** `unreachable`: no node was connected with when the line was given up. */
export type Verdict = 'accepted' | 'rejected' | 'unknown' | 'unreachable' | 'quit';

/** A promise when the other side takes its time: nothing more is shown, and nothing acknowledged, before it is fulfilled. */
export type Show = (lines: readonly string[], kind: 'reply' | 'error' | 'message') => void | Promise<void>;

export interface DialogueOptions {
  readonly client: Client;
  readonly pipe: PipeOptions;
  readonly show: Show;
  /** A message for this user was shown. */
  readonly onMessage?: (message: MessageEntry) => void;
  /** Files are sent from here, whoever the node's dialect serves. */
  readonly files?: FileDesk;
  /** A file holds up no line behind it; its outcome is shown when it is there. */
  readonly filesBehind?: boolean;
}

export class Dialogue {
  readonly #options: DialogueOptions;
  /** While a login is under way, messages wait: its reply comes first. */
  #loginAnswered: Promise<void> | null = null;
  #invitation: string | null = null;

  constructor(options: DialogueOptions) {
    this.#options = options;
    options.client.onMessage((message) => this.#received(message));
  }

  /** Shows the answer and says how it ended. */
  async execute(line: string): Promise<Verdict> {
    const { show, files, filesBehind } = this.#options;
    const [, to, path] = fileLine.exec(line) ?? [];
    if (files !== undefined && to !== undefined && path !== undefined) {
      return filesBehind === true ? files.sendBehind(to, path) : files.send(to, path);
    }
    const own = parseAccountLine(line);
    if (own !== null) return this.#answer(own);
    const parsed = parsePipe(line);
    switch (parsed.kind) {
      case 'request':
        return this.#ask(parsed.request);
      case 'help':
        await show([...pipeHelp().slice(0, -1), ...accountHelp, ''], 'reply');
        return 'accepted';
      case 'quit':
        await show([pipeGoodbye], 'reply');
        return 'quit';
      case 'invite':
        this.#invitation = parsed.code;
        await show([pipeInvited], 'reply');
        return 'accepted';
      case 'invalid':
        await show([parsed.text], 'error');
        return 'rejected';
    }
  }

  async #ask(request: ClientRequest): Promise<Verdict> {
    if (request.op !== 'login') return this.#answer(request);
    const answered = this.#answer(request);
    this.#loginAnswered = answered.then(() => undefined);
    const verdict = await answered;
    this.#loginAnswered = null;
    return verdict;
  }

  async #answer(request: ClientRequest): Promise<Verdict> {
    const { client, pipe, show } = this.#options;
    const reply = await client.request(this.#invited(request));
    await show(formatPipeReply(request, reply, pipe), reply.kind === 'receipt' ? 'reply' : 'error');
    switch (reply.kind) {
      case 'receipt':
        return 'accepted';
      case 'unknown':
        return 'unknown';
      case 'rejection':
        return reply.code === 'UNAVAILABLE' && client.node === null ? 'unreachable' : 'rejected';
    }
  }

  /** Goes along with every registration that follows: the cluster counts the uses. */
  #invited(request: ClientRequest): ClientRequest {
    if (request.op !== 'register' || this.#invitation === null) return request;
    return { ...request, invitation: this.#invitation };
  }

  #received(message: MessageEntry): void | Promise<void> {
    const { client, show, onMessage, files } = this.#options;
    // What this user said on another device comes too; a line dialect does not show it.
    if (message.from === client.user && message.to !== client.user) return undefined;
    const present = (): void | Promise<void> => {
      const shown = show([formatPipePush(message)], 'message');
      onMessage?.(message);
      files?.received(message);
      return shown;
    };
    return this.#loginAnswered === null ? present() : this.#loginAnswered.then(present);
  }
}

/** Ends the login in a moment or not at all: the session of a program that has gone expires by itself. */
export async function leave(client: Client, patience: () => Promise<void>): Promise<void> {
  if (client.user !== null && client.node !== null) await Promise.race([client.logout(), patience()]);
  await client.close();
}
