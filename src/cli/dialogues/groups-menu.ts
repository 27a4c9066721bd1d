/**
 * The user's menu of the registry dialect: groups by number, messages fetched when they are asked for. Whoever uses it is known by a secret that this
 * program makes, shows once, and takes again with `--uid`.
 */
import { groupMark } from '../../base/addresses.ts';
import { limits } from '../../base/limits.ts';
import { invitationTaken } from '../../protocol/detect.ts';
import {
  formatRegistryGroups,
  formatRegistryMessage,
  formatRegistryReply,
  parseRegistry,
  type RegistryLine,
  registryFailed,
} from '../../protocol/registry.ts';
import type { ClientRequest, GroupEntry, Reply } from '../../protocol/requests.ts';
import type { Dialogue, Verdict } from './dialogue.ts';
import type { Exchange } from './exchange.ts';
import { type Form, Questions } from './questions.ts';

const menu: readonly string[] = [
  '1. Join group',
  '2. Leave group',
  '3. Send message',
  '4. Get messages',
  '5. List groups',
  '0. Exit',
];
const choose = 'Enter your choice: ';
const askGroup = 'Enter group name: ';

type Action = () => Promise<Verdict>;

export interface GroupsMenuOptions {
  readonly secret: string;
  /** It was made for this user just now, who has to be shown it. */
  readonly isNew: boolean;
  /** Today, as `YYYY-MM-DD` in UTC. */
  readonly today: () => string;
  /** Where groups without an address of their own are found. */
  readonly home: () => { readonly host: string; readonly port: number };
}

export class GroupsMenu implements Dialogue {
  readonly opening: readonly string[];
  readonly takesEmpty = true;
  readonly #exchange: Exchange;
  readonly #options: GroupsMenuOptions;
  readonly #questions = new Questions<Action>();

  constructor(exchange: Exchange, options: GroupsMenuOptions) {
    this.#exchange = exchange;
    this.#options = options;
    this.opening = [...(options.isNew ? [`Your UUID: ${options.secret}`] : []), ...menu];
    // What comes is fetched when it is asked for.
    exchange.listen(() => []);
  }

  get prompt(): string {
    return this.#questions.prompt ?? choose;
  }

  async execute(text: string): Promise<Verdict> {
    const action = this.#questions.isOpen ? this.#questions.answer(text) : this.#choice(text);
    if (action === null) return 'accepted';
    const verdict = await action();
    if (verdict !== 'quit') await this.#exchange.show(menu, 'notice');
    return verdict;
  }

  isImmediate(): boolean {
    return false;
  }

  holdsPassword(): boolean {
    return true;
  }

  refusal(): string {
    return registryFailed;
  }

  #choice(text: string): Action | null {
    if (this.#exchange.takesInvitation(text)) {
      return () => this.#exchange.say([invitationTaken], 'accepted');
    }
    const forms: Readonly<Record<string, Form<Action>>> = {
      '1': { questions: [askGroup], done: ([group = '']) => this.#does(`JOIN_GROUP ${this.#uid} ${group}`) },
      '2': { questions: [askGroup], done: ([group = '']) => this.#does(`LEAVE_GROUP ${this.#uid} ${group}`) },
      '3': {
        questions: [askGroup, 'Enter message: '],
        done: ([group = '', said = '']) => this.#does(`SEND_MESSAGE ${this.#uid} ${group} ${said}`),
      },
      '4': {
        questions: [askGroup, 'Enter time (hh:mm:ss), or nothing for all: '],
        done: ([group = '', time = '']) => this.#gets(group, time),
      },
    };
    const form = Object.hasOwn(forms, text) ? forms[text] : undefined;
    if (form !== undefined) {
      this.#questions.ask(form);
      return null;
    }
    if (text === '5') return () => this.#list();
    if (text === '0') return () => this.#exchange.say(['Exited.'], 'quit');
    return () => this.#exchange.say(['Invalid input'], 'rejected');
  }

  get #uid(): string {
    return this.#options.secret;
  }

  #gets(group: string, time: string): Action {
    if (time !== '' && !/^\d{2}:\d{2}:\d{2}$/.test(time)) {
      return () => this.#exchange.say(['Invalid input'], 'rejected');
    }
    const since = time === '' ? '' : ` ${this.#options.today()} ${time}`;
    return this.#does(`GET_MESSAGES ${this.#uid} ${group}${since}`);
  }

  #does(text: string): Action {
    const line = parseRegistry(text);
    return async () => {
      const request = requestOf(line);
      if (request === null) return this.#exchange.say([registryFailed], 'rejected');
      const entered = await this.#enter();
      if (entered !== null) return entered;
      const { verdict } = await this.#exchange.ask(request, (reply) => answerLines(line, reply));
      return verdict;
    };
  }

  async #list(): Promise<Verdict> {
    const entered = await this.#enter();
    if (entered !== null) return entered;
    const { verdict } = await this.#exchange.ask({ op: 'groups' }, (reply) => {
      const groups: readonly GroupEntry[] | null =
        reply.kind === 'receipt' && reply.value.op === 'groups' ? reply.value.groups : null;
      return groups === null ? [registryFailed] : formatRegistryGroups(groups, this.#options.home());
    });
    return verdict;
  }

  /** Before the first line that needs it, and again after a session was lost. Null: it is in. */
  async #enter(): Promise<Verdict | null> {
    if (this.#exchange.client.user !== null) return null;
    const { verdict } = await this.#exchange.ask({ op: 'enter-bearer', secret: this.#uid }, (reply) =>
      reply.kind === 'receipt' ? [] : [registryFailed],
    );
    return verdict === 'accepted' ? null : verdict;
  }
}

function requestOf(line: RegistryLine): ClientRequest | null {
  switch (line.kind) {
    case 'join':
    case 'leave':
      return { op: `${line.kind}-group`, group: line.group };
    case 'send':
      return { op: 'send', to: line.to, text: line.text };
    case 'messages': {
      const since = line.sinceMs === null ? {} : { since: line.sinceMs };
      return { op: 'history', with: line.with, limit: limits.historyMessages, ...since };
    }
    default:
      return null;
  }
}

function answerLines(line: RegistryLine, reply: Reply): readonly string[] {
  if (reply.kind === 'receipt' && reply.value.op === 'history') {
    return [...reply.value.messages.map(formatRegistryMessage), ''];
  }
  if (reply.kind === 'rejection' && (reply.code === 'NOT_A_MEMBER' || reply.code === 'UNKNOWN_GROUP')) {
    if (line.kind === 'leave' || line.kind === 'send' || line.kind === 'messages') {
      return [`Not a part of ${groupOf(line)}`];
    }
  }
  return [formatRegistryReply(line, reply)];
}

function groupOf(line: Extract<RegistryLine, { readonly uid: string }>): string {
  switch (line.kind) {
    case 'join':
    case 'leave':
      return line.group;
    case 'send':
      return bare(line.to);
    case 'messages':
      return bare(line.with);
  }
}

function bare(address: string): string {
  return address.startsWith(groupMark) ? address.slice(groupMark.length) : address;
}
