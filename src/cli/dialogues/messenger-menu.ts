/**
 * The messenger's menu: connect, sign in or up, send, read what has come, disconnect. What comes is kept until it is asked for, and told in the
 * meantime in the words of the messenger's background connection.
 */
import { type ErrorCode, errorTable } from '../../base/errors.ts';
import type { ClientEvent } from '../../client/index.ts';
import { invitationTaken } from '../../protocol/detect.ts';
import { escapeLine } from '../../protocol/escape.ts';
import {
  formatMessengerPush,
  formatMessengerReply,
  type MessengerLine,
  messengerError,
  messengerNumber,
  messengerRequest,
} from '../../protocol/messenger.ts';
import type { MessageEntry } from '../../protocol/requests.ts';
import type { Dialogue, Verdict } from './dialogue.ts';
import type { Exchange } from './exchange.ts';
import { type Form, Questions } from './questions.ts';

const mainMenu: readonly string[] = [
  '1. Connect to server',
  '2. Login',
  '3. Send message',
  '4. Print received messages',
  '5. Disconnect',
];
const loginMenu: readonly string[] = ['1. Login existing user', '2. Sign up'];
const choose = 'Enter option: ';
const askPassword = 'Enter password: ';
const wrongChoice = 'Error: Invalid option, try again';
const background = '[BG.CLIENT]';

/** Received and not printed; the oldest are left out above it, and stay in the conversation. */
const mostReceived = 1_000;
/** Sent and not known to have been received. */
const mostUnreceived = 1_000;
/** Conversations of which it is known how far the other side is. */
const mostReached = 1_000;

type Action = () => Promise<Verdict>;
interface Unreceived {
  readonly to: string;
  readonly conversation: string;
  readonly sequence: number;
  readonly number: number;
}

export class MessengerMenu implements Dialogue {
  readonly opening = mainMenu;
  readonly takesEmpty = true;
  readonly #exchange: Exchange;
  readonly #questions = new Questions<Action>();
  #inLogin = false;
  #received: string[] = [];
  #unreceived: Unreceived[] = [];
  readonly #reached = new Map<string, number>();

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    exchange.listen((message) => this.#came(message));
    exchange.client.onEvent((event) => this.#took(event));
  }

  get prompt(): string {
    return this.#questions.prompt ?? choose;
  }

  get isSecret(): boolean {
    return this.#questions.prompt === askPassword;
  }

  async execute(text: string): Promise<Verdict> {
    const action = this.#questions.isOpen ? this.#questions.answer(text) : this.#choice(text);
    if (action === null) return 'accepted';
    const verdict = await action();
    if (verdict !== 'quit') await this.#exchange.show(this.#inLogin ? loginMenu : mainMenu, 'notice');
    return verdict;
  }

  isImmediate(): boolean {
    return false;
  }

  holdsPassword(): boolean {
    return true;
  }

  refusal(code: ErrorCode): string {
    return messengerError(errorTable[code].text);
  }

  #choice(text: string): Action | null {
    if (this.#exchange.takesInvitation(text)) {
      return () => this.#exchange.say([invitationTaken], 'accepted');
    }
    if (this.#inLogin) return this.#loginChoice(text);
    switch (text) {
      case '1':
        return () => this.#connect();
      case '2':
        return async () => {
          this.#inLogin = true;
          return 'accepted';
        };
      case '3':
        return this.#fill({
          questions: ['Enter receiver: ', 'Enter message: '],
          done:
            ([to = '', said = '']) =>
            () =>
              this.#send(to, said),
        });
      case '4':
        return () => this.#print();
      case '5':
        return () => this.#exchange.say(['Disconnected.'], 'quit');
      default:
        return () => this.#exchange.say([wrongChoice], 'rejected');
    }
  }

  #loginChoice(text: string): Action | null {
    this.#inLogin = false;
    switch (text) {
      case '1':
        return this.#fill({
          questions: ['Enter username: ', askPassword],
          done:
            ([user = '', password = '']) =>
            () =>
              this.#signIn({ kind: 'login', user, password }),
        });
      case '2':
        return this.#fill({
          questions: ['Enter username: ', askPassword, 'Enter display name: '],
          done:
            ([user = '', password = '', displayName = '']) =>
            () =>
              this.#signIn({ kind: 'register', user, password, displayName }),
        });
      default:
        return () => this.#exchange.say([wrongChoice], 'rejected');
    }
  }

  #fill(form: Form<Action>): null {
    this.#questions.ask(form);
    return null;
  }

  /** The library is connected, or will be: it looks for a node by itself. */
  #connect(): Promise<Verdict> {
    const { node } = this.#exchange.client;
    const text = node === null ? 'Connecting.' : `Connected to Server ${node}`;
    return this.#exchange.say([text], 'accepted');
  }

  async #signIn(line: MessengerLine): Promise<Verdict> {
    const request = messengerRequest(line);
    if (request === null) return 'rejected';
    const { verdict } = await this.#exchange.ask(request, (reply) => [formatMessengerReply(line, reply)]);
    return verdict;
  }

  async #send(to: string, text: string): Promise<Verdict> {
    const from = this.#exchange.client.user ?? '';
    const { verdict } = await this.#exchange.ask({ op: 'send', to, text }, (reply) => {
      if (reply.kind !== 'receipt' || reply.value.op !== 'send') {
        return [formatMessengerReply({ kind: 'send', from, to, text }, reply)];
      }
      const { conversation, sequence, number } = reply.value;
      const sent = { to: reply.value.to, conversation, sequence, number };
      this.#unreceived = [...this.#unreceived, sent].slice(-mostUnreceived);
      return [`Message ${number} sent successfully`];
    });
    await this.#tellReceived();
    return verdict;
  }

  /** The other side of a direct conversation has got its messages up to there. */
  #took(event: ClientEvent): void {
    if (event.ev !== 'delivered' && event.ev !== 'read') return;
    const { conversation, sequence } = event;
    if (this.#reached.size >= mostReached) this.#reached.clear();
    this.#reached.set(conversation, Math.max(sequence, this.#reached.get(conversation) ?? 0));
    // One that is being answered is told of behind its answer.
    void this.#tellReceived();
  }

  async #tellReceived(): Promise<void> {
    const isReceived = ({ conversation, sequence }: Unreceived): boolean =>
      sequence <= (this.#reached.get(conversation) ?? 0);
    const received = this.#unreceived.filter(isReceived);
    this.#unreceived = this.#unreceived.filter((sent) => !isReceived(sent));
    const lines = received.map(({ number, to }) => `Message ${number} successfully received by ${to}.`);
    if (lines.length > 0) await this.#exchange.show(lines, 'message');
  }

  #came({ from, number, text }: MessageEntry): readonly string[] {
    this.#received = [...this.#received, `[${from}]: ${escapeLine(text)}`].slice(-mostReceived);
    return [
      `${background} [SERVER NOTIFICATION] ${formatMessengerPush(from, number, text)}`,
      `${background} [BG.CW] 0|${messengerNumber(number)}`,
    ];
  }

  async #print(): Promise<Verdict> {
    const lines = this.#received;
    this.#received = [];
    return this.#exchange.say(lines.length === 0 ? ['No new messages.'] : lines, 'accepted');
  }
}
