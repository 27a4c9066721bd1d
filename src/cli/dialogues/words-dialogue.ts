/** The words dialect at this side of the native protocol: whose room one is in is this program's matter, as is the menu. */
import { type ErrorCode, errorTable } from '../../base/errors.ts';
import type { GroupNotice } from '../../protocol/group-requests.ts';
import type { Reply } from '../../protocol/requests.ts';
import {
  formatWordsNotice,
  formatWordsPush,
  formatWordsReply,
  parseWords,
  type WordsLine,
  wordsExitChat,
  wordsExitServer,
  wordsRefusal,
  wordsRequest,
  wordsWrongInput,
} from '../../protocol/words.ts';
import { WordsMenu } from '../../protocol/words-menu.ts';
import type { Dialogue, Verdict } from './dialogue.ts';
import type { Exchange } from './exchange.ts';

export const wordsHelp: readonly string[] = [
  'register name email password - make an account',
  'login email password - log in, by name too',
  'create-group group_id password, join-group group_id password - and you are in its room',
  'send-to-group group_id message',
  'in a room any other line is said there; /chat members, /user:text, exit chat!',
  'exit server! - leave; an empty first line - the same by numbers',
  '/file to path - send a file to a user or a #group',
  '/help - show this help',
  '',
];

/** The client's own: nothing that the dialect could mean. */
const helpLine = '/help';
const fileLine = /^\/file +(\S+) +(.+)$/s;

export class WordsDialogue implements Dialogue {
  readonly opening = wordsHelp;
  readonly prompt = '> ';
  readonly takesEmpty = true;
  readonly #exchange: Exchange;
  /** The group last created or joined, until its room is left. */
  #room: string | null = null;
  #menu: WordsMenu | null = null;
  #isFirst = true;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    exchange.listen((message) => [formatWordsPush(message)]);
    exchange.client.onEvent((event) => {
      if (event.ev === 'group') this.#noticed(event);
    });
  }

  get isSecret(): boolean {
    return this.#room === null && this.#menu?.asksPassword === true;
  }

  async execute(text: string): Promise<Verdict> {
    const exchange = this.#exchange;
    if (text === helpLine && !this.isSecret) return exchange.say(wordsHelp, 'accepted');
    const [, to, path] = this.isSecret ? [] : (fileLine.exec(text) ?? []);
    if (to !== undefined && path !== undefined) return exchange.sendFile(to, path);
    const opensMenu = this.#isFirst && text === '';
    this.#isFirst &&= parseWords(text, null).kind === 'invite';
    if (opensMenu) {
      this.#menu = new WordsMenu();
      return exchange.say(WordsMenu.greeting, 'accepted');
    }
    if (this.#menu !== null && this.#room === null) return this.#choose(this.#menu, text);
    const line = parseWords(text, this.#room);
    const verdict = await this.#carryOut(line);
    if (line.kind === 'exit-chat' && this.#menu !== null) await exchange.say(this.#menu.choices, 'accepted');
    return verdict;
  }

  isImmediate(line: string): boolean {
    return line === wordsExitServer || (line === helpLine && !this.isSecret);
  }

  refusal(code: ErrorCode): string {
    return errorTable[code].text;
  }

  /** What is typed into the menu may be one too. */
  holdsPassword(line: string): boolean {
    const inMenu = this.#menu !== null && this.#room === null;
    return inMenu || /^(?:register|login|create-group|join-group) /.test(line);
  }

  async #choose(menu: WordsMenu, text: string): Promise<Verdict> {
    if (text === wordsExitServer) return this.#carryOut({ kind: 'exit-server' });
    const step = menu.input(text);
    if (step.kind === 'say') return this.#exchange.say(step.lines, 'accepted');
    const verdict = await this.#carryOut(step.line);
    if (verdict === 'quit') return verdict;
    await this.#exchange.say(menu.answered(step.line, verdict === 'accepted'), 'accepted');
    return verdict;
  }

  #carryOut(line: WordsLine): Promise<Verdict> {
    const exchange = this.#exchange;
    switch (line.kind) {
      case 'wrong':
        return exchange.say([wordsWrongInput], 'rejected');
      case 'invite':
        exchange.invitation = line.code;
        return exchange.say(['OK'], 'accepted');
      case 'exit-chat':
        this.#leaveRoom();
        return exchange.say(wordsExitChat, 'accepted');
      case 'exit-server':
        this.#leaveRoom();
        return exchange.say([wordsExitServer], 'quit');
      default:
        return this.#ask(line);
    }
  }

  /** Nobody waits for the room to be told: this works without a majority too. */
  #leaveRoom(): void {
    const group = this.#room;
    this.#room = null;
    if (group !== null) void this.#exchange.client.request({ op: 'visit-group', group, entering: false });
  }

  async #ask(line: WordsLine): Promise<Verdict> {
    const exchange = this.#exchange;
    const request = wordsRequest(line);
    const refusal = wordsRefusal(line);
    if (request === null || refusal !== null) return exchange.say([refusal ?? wordsWrongInput], 'rejected');
    let rejoins = false;
    const format = (reply: Reply): readonly string[] => {
      rejoins = line.kind === 'join' && reply.kind === 'rejection' && reply.code === 'ALREADY_MEMBER';
      return rejoins ? [] : formatWordsReply(line, reply, exchange.client.user ?? '');
    };
    const asked = await exchange.ask(request, format);
    const verdict = rejoins ? await this.#comeBack(line) : asked.verdict;
    if (verdict === 'accepted' && (line.kind === 'create' || line.kind === 'join')) this.#room = line.group;
    return verdict;
  }

  /** A member comes back into the room of its group. */
  async #comeBack(line: WordsLine): Promise<Verdict> {
    const group = 'group' in line ? line.group : '';
    const { verdict } = await this.#exchange.ask({ op: 'visit-group', group, entering: true }, (reply) =>
      formatWordsReply(line, asJoined(reply), this.#exchange.client.user ?? ''),
    );
    return verdict;
  }

  #noticed(notice: GroupNotice): void {
    const isRoom = notice.kind === 'renamed' && notice.oldName.toLowerCase() === this.#room?.toLowerCase();
    if (isRoom) this.#room = notice.group;
    const isOwn = 'user' in notice && notice.user === this.#exchange.client.user;
    const text = isOwn ? null : formatWordsNotice(notice);
    if (text !== null) void this.#exchange.show([text], 'message');
  }
}

function asJoined(reply: Reply): Reply {
  if (reply.kind !== 'receipt' || reply.value.op !== 'visit-group') return reply;
  return { kind: 'receipt', value: { ...reply.value, op: 'join-group' } };
}
