/** The words dialect on one connection: which group's room it is in, and the menu dialogue where it was asked for. */
import type { GroupEvent } from '../../../chat/vocabulary/group-types.ts';
import type { Hints } from '../../../delivery/outbox.ts';
import type { Push } from '../../../delivery/ports.ts';
import type { Reply } from '../../../protocol/requests.ts';
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
} from '../../../protocol/words.ts';
import { WordsMenu } from '../../../protocol/words-menu.ts';
import { entryOf, noticeOf } from '../../reads/entries.ts';
import type { Desk, Dialect } from './desk.ts';

export class WordsDialect implements Dialect {
  readonly hints: Hints = { group: (event) => this.#noticed(event) };
  readonly #desk: Desk;
  /** The group last created or joined, until its room is left. */
  #room: string | null = null;
  #menu: WordsMenu | null = null;
  #isFirst = true;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  format({ message, fromName, toName }: Push): string {
    return `${formatWordsPush(entryOf(message, fromName, toName))}\n`;
  }

  async receive(text: string): Promise<void> {
    const opensMenu = this.#isFirst && text === '';
    // An invitation comes before everything else.
    this.#isFirst &&= parseWords(text, null).kind === 'invite';
    if (opensMenu) {
      this.#menu = new WordsMenu();
      this.#desk.write(WordsMenu.greeting);
    } else if (this.#menu !== null && this.#room === null) {
      await this.#choose(this.#menu, text);
    } else {
      const line = parseWords(text, this.#room);
      await this.#carryOut(line);
      if (line.kind === 'exit-chat' && this.#menu !== null) this.#desk.write(this.#menu.choices);
    }
  }

  /** The other dialects' lists of commands have no place here: what is typed into a menu is a choice or an answer. */
  async #choose(menu: WordsMenu, text: string): Promise<void> {
    if (text === wordsExitServer) {
      await this.#carryOut({ kind: 'exit-server' });
      return;
    }
    const step = menu.input(text);
    if (step.kind === 'say') {
      this.#desk.write(step.lines);
      return;
    }
    const accepted = await this.#carryOut(step.line);
    if (step.line.kind !== 'exit-server') this.#desk.write(menu.answered(step.line, accepted));
  }

  async #carryOut(line: WordsLine): Promise<boolean> {
    const desk = this.#desk;
    switch (line.kind) {
      case 'wrong':
        desk.write([wordsWrongInput]);
        return false;
      case 'invite':
        desk.context.invitation = line.code;
        desk.write(['OK']);
        return true;
      case 'exit-chat':
        await this.#leaveRoom();
        desk.write(wordsExitChat);
        return true;
      case 'exit-server':
        await this.#leaveRoom();
        await desk.logOut();
        desk.write([wordsExitServer]);
        desk.output.end();
        return true;
      default:
        return await this.#ask(line);
    }
  }

  /** The others are told; whoever leaves has left, also where nobody can be told. */
  async #leaveRoom(): Promise<void> {
    const group = this.#room;
    this.#room = null;
    if (group === null) return;
    await this.#desk.soon(this.#desk.execute({ op: 'visit-group', group, entering: false }));
  }

  async #ask(line: WordsLine): Promise<boolean> {
    const desk = this.#desk;
    const request = wordsRequest(line);
    const refusal = wordsRefusal(line);
    if (request === null || refusal !== null) {
      desk.write([refusal ?? wordsWrongInput]);
      return false;
    }
    const reply = await this.#rejoined(line, await desk.execute(request));
    const user = desk.context.identity?.name ?? '';
    await desk.writeAll(formatWordsReply(line, reply, user));
    if (reply.kind !== 'receipt') return false;
    if (reply.value.op === 'login') desk.startDelivery();
    if (line.kind === 'create' || line.kind === 'join') this.#room = line.group;
    return true;
  }

  /** A member comes back into the room of its group. */
  async #rejoined(line: WordsLine, reply: Reply): Promise<Reply> {
    if (line.kind !== 'join' || reply.kind !== 'rejection' || reply.code !== 'ALREADY_MEMBER') return reply;
    const visit = await this.#desk.execute({ op: 'visit-group', group: line.group, entering: true });
    if (visit.kind !== 'receipt' || visit.value.op !== 'visit-group') return visit;
    return { kind: 'receipt', value: { ...visit.value, op: 'join-group' } };
  }

  #noticed(event: GroupEvent): void {
    const isRoom =
      event.kind === 'group-renamed' && event.oldName.toLowerCase() === this.#room?.toLowerCase();
    if (isRoom) this.#room = event.name;
    const isOwn = 'account' in event && event.account === this.#desk.context.identity?.account;
    const text = isOwn ? null : formatWordsNotice(noticeOf(event));
    if (text !== null) this.#desk.write([text]);
  }
}
