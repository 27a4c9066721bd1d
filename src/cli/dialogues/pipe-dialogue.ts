/** The pipe dialect at this side of the native protocol, with what a person has besides: files, conversations, earlier messages. */
import type { ErrorCode } from '../../base/errors.ts';
import {
  formatPipePush,
  formatPipeReply,
  parsePipe,
  pipeGoodbye,
  pipeHelp,
  pipeInvited,
  pipeListEnd,
} from '../../protocol/pipe.ts';
import { formatPipeError, type PipeOptions } from '../../protocol/pipe-errors.ts';
import {
  type ClientRequest,
  type ConversationEntry,
  deletedAccountName,
  type HistoryRequest,
  type Reply,
} from '../../protocol/requests.ts';
import { accountHelp, holdsPassword, parseAccountLine } from './account-lines.ts';
import { completePipe } from './completion.ts';
import { type Completion, type Dialogue, keyboardHelp, type Verdict } from './dialogue.ts';
import type { Exchange } from './exchange.ts';
import { groupHelp, groupLine, memberLine, parseGroupLine } from './group-lines.ts';
import { type Form, Questions } from './questions.ts';
import { formatTokenReply, makeToken, parseTokenLine, type TokenLine, tokenHelp } from './token-desk.ts';

/** The client's own, in either form. The rest of the line is the path. */
const fileLine = /^(?:f\|([^|]+)\||\/file +(\S+) +)(.+)$/s;
const wrongFileLine = /^(?:f|\/file)(?![^| ])/;
const fileForm = 'f|to|path or /file to path';
/** As in the other dialects. */
const otherHelp = '/help';

/** Where files are saved when a person asks for it and did not say where. */
const usualDownloads = 'downloads';

const ownHelp: readonly string[] = [
  ...accountHelp,
  ...groupHelp,
  ...tokenHelp,
  `${fileForm} - send a file to a user, #group or #lobby`,
  `s - save the file that came last in ./${usualDownloads} (with --downloads DIR all are saved, there)`,
  'c - show your conversations, and how much of each you have not read',
  'more - show the messages before those that 6 showed',
];

const changeHelp = 'p - change your password without showing it; also when the current one holds a bar';
const differ = 'The new passwords differ: nothing was changed.';
const changeOfPassword: Form<ClientRequest | 'differ'> = {
  questions: ['Current password: ', 'New password: ', 'New password again: '],
  done: ([current = '', password = '', again = '']) =>
    password === again ? { op: 'change-password', current, password } : 'differ',
};

export interface PipeDialogueOptions extends PipeOptions {
  /** A person is told what they have not read, and what else they can do. */
  readonly forPerson?: boolean;
}

export class PipeDialogue implements Dialogue {
  readonly opening: readonly string[];
  readonly #exchange: Exchange;
  readonly #options: PipeDialogueOptions;
  /** Passwords for a change, that are not shown. */
  readonly #questions = new Questions<ClientRequest | 'differ'>();
  /** What `more` asks; null: there is nothing earlier. */
  #earlier: HistoryRequest | null = null;

  constructor(exchange: Exchange, options: PipeDialogueOptions) {
    this.#exchange = exchange;
    this.#options = options;
    this.opening = PipeDialogue.help(options.forPerson === true);
    exchange.listen((message) => [formatPipePush(message)]);
  }

  static help(forPerson: boolean): readonly string[] {
    const keys = forPerson ? [changeHelp, 'r TEXT - answer the last sender', ...keyboardHelp] : [];
    return [...pipeHelp().slice(0, -1), ...ownHelp, ...keys, pipeListEnd];
  }

  get prompt(): string {
    return this.#questions.prompt ?? '> ';
  }

  get isSecret(): boolean {
    return this.#questions.isOpen;
  }

  async execute(line: string): Promise<Verdict> {
    const exchange = this.#exchange;
    if (this.#questions.isOpen) return this.#answered(line);
    const [, piped, slashed, path] = fileLine.exec(line) ?? [];
    const to = piped ?? slashed;
    if (to !== undefined && path !== undefined) return exchange.sendFile(to, path);
    if (wrongFileLine.test(line)) return exchange.say([`Invalid arguments! Usage: ${fileForm}`], 'rejected');
    if (line === otherHelp) return exchange.say(this.opening, 'accepted');
    if (line === 'c') return this.#conversations();
    if (line === 'more') return this.#more();
    if (line === 's') return this.#saveFile();
    if (line === 'p' && this.#options.forPerson === true) {
      this.#questions.ask(changeOfPassword);
      return 'accepted';
    }
    const token = parseTokenLine(line);
    if (token !== null) return this.#aboutTokens(token);
    const own = parseAccountLine(line) ?? parseGroupLine(line);
    if (own !== null) return this.#ask(own);
    const parsed = parsePipe(line);
    switch (parsed.kind) {
      case 'request':
        return this.#ask(parsed.request);
      case 'help':
        return exchange.say(this.opening, 'accepted');
      case 'quit':
        return exchange.say([pipeGoodbye], 'quit');
      case 'invite':
        exchange.invitation = parsed.code;
        return exchange.say([pipeInvited], 'accepted');
      case 'invalid':
        return exchange.say([parsed.text], 'rejected');
    }
  }

  isImmediate(line: string): boolean {
    const { kind } = parsePipe(line);
    return kind === 'help' || kind === 'quit' || line === otherHelp;
  }

  holdsPassword(line: string): boolean {
    return this.isSecret || holdsPassword(line);
  }

  refusal(code: ErrorCode): string {
    return formatPipeError(code);
  }

  question(line: string): string | null {
    const parsed = parsePipe(line);
    const deletes =
      (parsed.kind === 'request' && parsed.request.op === 'delete') ||
      parseGroupLine(line)?.op === 'delete-group';
    return deletes ? 'Are you sure? (y/n) ' : null;
  }

  answerTo(address: string, text: string): string {
    return `d|${address}|${text}`;
  }

  complete(line: string): Promise<Completion> {
    return completePipe(this.#exchange.client, line);
  }

  async #answered(password: string): Promise<Verdict> {
    const outcome = this.#questions.answer(password);
    if (outcome === null) return 'accepted';
    return outcome === 'differ' ? this.#exchange.say([differ], 'rejected') : this.#ask(outcome);
  }

  async #ask(request: ClientRequest): Promise<Verdict> {
    const { verdict, reply } = await this.#exchange.ask(
      request,
      (answer) => listOf(answer) ?? formatPipeReply(request, answer, this.#options),
    );
    if (request.op === 'history') await this.#showedHistory(request, reply);
    if (request.op === 'login' && reply.kind === 'receipt') await this.#tellUnread();
    return verdict;
  }

  async #aboutTokens(line: TokenLine): Promise<Verdict> {
    const { token, hash } = makeToken();
    const request: ClientRequest =
      line.kind === 'ask'
        ? line.request
        : { op: 'create-token', name: line.name, scopes: line.scopes.trim(), hash };
    const { verdict } = await this.#exchange.ask(
      request,
      (reply) => formatTokenReply(reply, token) ?? formatPipeReply(request, reply, this.#options),
    );
    return verdict;
  }

  async #showedHistory(request: HistoryRequest, reply: Reply): Promise<void> {
    if (reply.kind !== 'receipt' || reply.value.op !== 'history') return;
    const { messages } = reply.value;
    const last = messages.at(-1);
    if (last !== undefined) this.#exchange.standsOnScreen(last);
    const before = messages.length < request.limit ? undefined : messages[0]?.sequence;
    this.#earlier = before === undefined ? null : { ...request, before };
    if (this.#earlier !== null && this.#options.forPerson === true) {
      await this.#exchange.show(['(earlier ones: more)'], 'notice');
    }
  }

  async #saveFile(): Promise<Verdict> {
    if (this.#exchange.takeFile(usualDownloads)) return 'accepted';
    return this.#exchange.say(['No file has come that is not saved.'], 'rejected');
  }

  async #more(): Promise<Verdict> {
    if (this.#earlier !== null) return this.#ask(this.#earlier);
    return this.#exchange.say(['No earlier messages.', pipeListEnd], 'accepted');
  }

  async #conversations(): Promise<Verdict> {
    const request = { op: 'conversations' } as const;
    const { verdict } = await this.#exchange.ask(request, (reply) => {
      const isList = reply.kind === 'receipt' && reply.value.op === 'conversations';
      if (!isList) return formatPipeReply(request, reply, this.#options);
      const conversations = reply.value.conversations.filter(({ lastSequence }) => lastSequence > 0);
      return conversations.length === 0
        ? ['No conversations yet!', pipeListEnd]
        : [...conversations.map(conversationLine), pipeListEnd];
    });
    return verdict;
  }

  /** What is there beside the messages that come now. Nobody waits for it, and a failure says nothing. */
  async #tellUnread(): Promise<void> {
    if (this.#options.forPerson !== true) return;
    const outcome = await this.#exchange.client.conversations();
    if (outcome.kind !== 'receipt') return;
    const unread = outcome.value.conversations.filter((entry) => entry.unread > 0 && entry.kind !== 'lobby');
    if (unread.length === 0) return;
    const texts = unread.slice(0, mostUnread).map(({ name, unread: count }) => `${name} (${count})`);
    const rest = unread.length > mostUnread ? `, and ${unread.length - mostUnread} more: c` : '';
    await this.#exchange.show([`Unread: ${texts.join(', ')}${rest}`], 'notice');
  }
}

const mostUnread = 10;

/** What no line of the dialect shows. */
function listOf(reply: Reply): readonly string[] | null {
  if (reply.kind !== 'receipt') return null;
  const { value } = reply;
  if (value.op === 'groups') return [...value.groups.map(groupLine), pipeListEnd];
  return value.op === 'members' ? [...value.members.map(memberLine), pipeListEnd] : null;
}

function conversationLine({ conversation, name, unread, others, lastSequence }: ConversationEntry): string {
  const marks = [
    // There may be several of that name.
    ...(name === deletedAccountName ? [`6|${conversation}`] : []),
    ...(unread > 0 ? [`${unread} unread`] : []),
    ...(others !== null && others.read >= lastSequence && unread === 0 ? ['read by all'] : []),
  ];
  return marks.length === 0 ? name : `${name} (${marks.join(', ')})`;
}
