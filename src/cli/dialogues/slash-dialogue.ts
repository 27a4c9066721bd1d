/** The slash dialect at this side of the native protocol: a name is asked for first, and files really go. */

import { groupMark } from '../../base/addresses.ts';
import type { Clock } from '../../base/clock.ts';
import { type ErrorCode, errorTable } from '../../base/errors.ts';
import { invitationTaken } from '../../protocol/detect.ts';
import type { Reply } from '../../protocol/requests.ts';
import {
  formatSlashPush,
  formatSlashReply,
  parseSlash,
  type SlashLine,
  slashError,
  slashGoodbye,
  slashHelp,
  slashRegistered,
  slashRequest,
  slashToOneself,
  slashTooSoon,
  slashWhichGroup,
} from '../../protocol/slash.ts';
import { completeSlash } from './completion.ts';
import { type Completion, type Dialogue, keyboardHelp, type Verdict } from './dialogue.ts';
import type { Exchange } from './exchange.ts';

export interface SlashDialogueOptions {
  readonly clock: Clock;
  /** Least time between two messages to everyone; 0: none. */
  readonly broadcastMs: number;
  /** A keyboard can do more than the dialect knows. */
  readonly forPerson: boolean;
}

const namePrompt = 'Enter your username: ';

export class SlashDialogue implements Dialogue {
  readonly opening: readonly string[] = [];
  readonly #exchange: Exchange;
  readonly #options: SlashDialogueOptions;
  /** The group last joined or used. */
  #group: string | null = null;
  #lastBroadcastMs = Number.NEGATIVE_INFINITY;

  constructor(exchange: Exchange, options: SlashDialogueOptions) {
    this.#exchange = exchange;
    this.#options = options;
    exchange.listen((message) => {
      // Of a file that is saved its receiver is told when it is there.
      const comesLater = message.file !== undefined && exchange.savesFiles;
      return comesLater ? [] : [formatSlashPush(message)];
    });
  }

  get prompt(): string {
    return this.#exchange.client.user === null ? namePrompt : '> ';
  }

  execute(text: string): Promise<Verdict> {
    const exchange = this.#exchange;
    const isName = exchange.client.user === null && !text.startsWith('/');
    if (isName && exchange.takesInvitation(text)) return exchange.say([invitationTaken], 'accepted');
    const line = parseSlash(isName ? `/name ${text}` : text);
    switch (line.kind) {
      case 'invalid':
        return exchange.say([line.text], 'rejected');
      case 'help':
        return this.#help();
      case 'quit':
        return exchange.say([slashGoodbye], 'quit');
      case 'invite':
        exchange.invitation = line.code;
        return exchange.say([invitationTaken], 'accepted');
      case 'name':
        return this.#enter(line);
      case 'register':
        return this.#register(line);
      case 'file':
        return this.#isOneself(line.user)
          ? exchange.say([slashToOneself], 'rejected')
          : exchange.sendFile(line.user, line.path);
      case 'group-file':
        this.#group = line.group;
        return exchange.sendFile(groupMark + line.group, line.path);
      case 'broadcast':
        return this.#broadcast(line);
      default:
        return this.#ask(line).then(({ verdict }) => verdict);
    }
  }

  isImmediate(line: string): boolean {
    return line === '/help' || line === '/quit';
  }

  holdsPassword(line: string): boolean {
    return /^\/(?:register|login) |^\/(?:create|join) +\S+ +\S/.test(line);
  }

  refusal(code: ErrorCode): string {
    return slashError(errorTable[code].text);
  }

  complete(line: string): Promise<Completion> {
    return completeSlash(this.#exchange.client, line);
  }

  async #help(): Promise<Verdict> {
    const verdict = await this.#exchange.say(slashHelp(), 'accepted');
    if (this.#options.forPerson) await this.#exchange.show([...keyboardHelp, ''], 'notice');
    return verdict;
  }

  async #enter(line: SlashLine & { kind: 'name' }): Promise<Verdict> {
    const request = { op: 'enter-guest', user: line.user } as const;
    const { verdict } = await this.#exchange.ask(request, (reply) =>
      reply.kind === 'receipt' ? [slashRegistered] : formatSlashReply(line, reply),
    );
    return verdict;
  }

  async #register(line: SlashLine & { readonly user: string; readonly password: string }): Promise<Verdict> {
    const { user, password } = line;
    const { verdict } = await this.#exchange.ask({ op: 'register', user, password }, (reply) =>
      reply.kind === 'receipt' ? [] : formatSlashReply(line, reply),
    );
    if (verdict !== 'accepted') return verdict;
    return (await this.#ask({ kind: 'login', user, password })).verdict;
  }

  async #broadcast(line: SlashLine & { kind: 'broadcast' }): Promise<Verdict> {
    if (line.text === '') return 'accepted';
    const { clock, broadcastMs } = this.#options;
    const nowMs = clock.monotonicMs();
    const waitMs = this.#lastBroadcastMs + broadcastMs - nowMs;
    if (waitMs > 0) return this.#exchange.say([slashTooSoon(waitMs)], 'rejected');
    const { reply, verdict } = await this.#ask(line);
    if (reply?.kind !== 'rejection') this.#lastBroadcastMs = nowMs;
    return verdict;
  }

  async #ask(asked: SlashLine): Promise<{ readonly verdict: Verdict; readonly reply: Reply | null }> {
    const exchange = this.#exchange;
    const line = asked.kind === 'members' ? { ...asked, group: asked.group ?? this.#group } : asked;
    const request = slashRequest(line);
    const toOneself = line.kind === 'private' && this.#isOneself(line.user);
    if (request === null || toOneself) {
      const text = toOneself ? slashToOneself : slashWhichGroup;
      return { verdict: await exchange.say([text], 'rejected'), reply: null };
    }
    const answer = await exchange.ask(request, (reply) => formatSlashReply(line, reply));
    if (answer.verdict === 'accepted' && 'group' in line && line.kind !== 'leave') this.#group = line.group;
    return answer;
  }

  #isOneself(user: string): boolean {
    return user.toLowerCase() === this.#exchange.client.user?.toLowerCase();
  }
}
