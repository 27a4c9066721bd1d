/** The slash dialect on one connection, of lines or of WebSocket frames. */
import type { Clock } from '../../../base/clock.ts';
import type { Push } from '../../../delivery/ports.ts';
import type { Reply } from '../../../protocol/requests.ts';
import {
  formatSlashPush,
  formatSlashReply,
  parseSlash,
  type SlashLine,
  slashFileNeedsClient,
  slashGoodbye,
  slashHelp,
  slashRegistered,
  slashRequest,
  slashToOneself,
  slashTooSoon,
  slashWhichGroup,
} from '../../../protocol/slash.ts';
import { entryOf } from '../../reads/entries.ts';
import type { Desk, Dialect } from './desk.ts';

export interface SlashOptions {
  readonly clock: Clock;
  /** Least time between two messages of one connection to everyone; 0: none. */
  readonly broadcastMs: number;
  /** A first line that is one bare word is a guest's name, and so is the next where that one was refused: where no other dialect could be meant. */
  readonly bareNames: boolean;
}

export class SlashDialect implements Dialect {
  readonly #desk: Desk;
  readonly #options: SlashOptions;
  /** The group last joined or used. */
  #group: string | null = null;
  #lastBroadcastMs = Number.NEGATIVE_INFINITY;
  /** Nothing but names that were refused has come. */
  #expectsName: boolean;

  constructor(desk: Desk, options: SlashOptions) {
    this.#desk = desk;
    this.#options = options;
    this.#expectsName = options.bareNames;
  }

  format({ message, fromName, toName }: Push): string {
    return `${formatSlashPush(entryOf(message, fromName, toName))}\n`;
  }

  async receive(text: string): Promise<void> {
    const line = this.#read(text);
    this.#expectsName &&= line.kind === 'name';
    switch (line.kind) {
      case 'invalid':
        this.#desk.write([line.text]);
        return;
      case 'help':
        this.#desk.write(slashHelp());
        return;
      case 'quit':
        await this.#desk.logOut();
        this.#desk.write([slashGoodbye]);
        this.#desk.output.end();
        return;
      case 'invite':
        this.#desk.context.invitation = line.code;
        this.#desk.write(['OK']);
        return;
      case 'name':
        await this.#enter(line);
        return;
      case 'register':
        await this.#register(line);
        return;
      case 'file':
      case 'group-file':
        this.#desk.write([slashFileNeedsClient]);
        return;
      case 'broadcast':
        await this.#broadcast(line);
        return;
      default:
        await this.#ask(line);
    }
  }

  #read(text: string): SlashLine {
    const isName = this.#expectsName && !this.#desk.loggedIn && /^[^/\s]\S*$/.test(text);
    return isName ? { kind: 'name', user: text } : parseSlash(text);
  }

  async #enter(line: SlashLine & { kind: 'name' }): Promise<void> {
    const desk = this.#desk;
    const { accounts } = desk.dependencies.service;
    const reply = await desk.settle(accounts.enterGuest(desk.context, line.user));
    if (reply.kind === 'receipt') {
      desk.write([slashRegistered]);
      desk.startDelivery();
      return;
    }
    desk.write(formatSlashReply(line, reply));
    if (reply.kind === 'rejection' && reply.code === 'NAME_TAKEN') desk.output.end();
  }

  async #register(line: SlashLine & { readonly user: string; readonly password: string }): Promise<void> {
    const desk = this.#desk;
    const { user, password } = line;
    const registered = await desk.execute({ op: 'register', user, password });
    if (registered.kind === 'receipt') await this.#ask({ kind: 'login', user, password });
    else desk.write(formatSlashReply(line, registered));
  }

  async #broadcast(line: SlashLine & { kind: 'broadcast' }): Promise<void> {
    if (line.text === '') return;
    const { clock, broadcastMs } = this.#options;
    const nowMs = clock.monotonicMs();
    const waitMs = this.#lastBroadcastMs + broadcastMs - nowMs;
    if (waitMs > 0) {
      this.#desk.write([slashTooSoon(waitMs)]);
      return;
    }
    const reply = await this.#ask(line);
    if (reply?.kind !== 'rejection') this.#lastBroadcastMs = nowMs;
  }

  async #ask(asked: SlashLine): Promise<Reply | null> {
    const desk = this.#desk;
    const line = asked.kind === 'members' ? { ...asked, group: asked.group ?? this.#group } : asked;
    const request = slashRequest(line);
    if (request === null) {
      desk.write([slashWhichGroup]);
      return null;
    }
    if (line.kind === 'private' && this.#isOneself(line.user)) {
      desk.write([slashToOneself]);
      return null;
    }
    const reply = await desk.execute(request);
    await desk.writeAll(formatSlashReply(line, reply));
    if (reply.kind !== 'receipt') return reply;
    if (reply.value.op === 'login') desk.startDelivery();
    if ('group' in line && line.kind !== 'leave') this.#group = line.group;
    return reply;
  }

  #isOneself(user: string): boolean {
    return user.toLowerCase() === this.#desk.context.identity?.name.toLowerCase();
  }
}
