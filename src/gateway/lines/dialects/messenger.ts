/** The messenger dialect on one connection, and on the background connection where the client asked for one. */
import type { Clock } from '../../../base/clock.ts';
import type { AccountId, DeliveryReceipt } from '../../../chat/vocabulary/types.ts';
import type { Hints } from '../../../delivery/outbox.ts';
import type { Push } from '../../../delivery/ports.ts';
import { invitationTaken } from '../../../protocol/detect.ts';
import {
  formatMessengerPush,
  formatMessengerReceipt,
  formatMessengerReply,
  type MessengerLine,
  messengerAccepted,
  messengerPortAccepted,
  messengerPortRefused,
  messengerRequest,
  messengerSenderUnknown,
  messengerUnknown,
  parseMessenger,
} from '../../../protocol/messenger.ts';
import { deletedAccountName, lineTextOf } from '../../../protocol/requests.ts';
import type { Subscription } from '../../connections/subscription.ts';
import { entryOf } from '../../reads/entries.ts';
import type { Desk, Dialect } from './desk.ts';
import { DialBack } from './dial-back.ts';
import { MessengerPushes, type PushChannel } from './messenger-pushes.ts';

export interface MessengerOptions {
  readonly clock: Clock;
  /** Clients may ask for a background connection. */
  readonly dialBack: boolean;
}

export class MessengerDialect implements Dialect {
  readonly hints: Hints = { receipt: (receipt) => this.#tellReceipt(receipt) };
  readonly #desk: Desk;
  readonly #options: MessengerOptions;
  readonly #ownChannel: PushChannel;
  #pushes: MessengerPushes | null = null;
  #channel: PushChannel | null;
  #dialBack: DialBack | null = null;
  /** Numbers of the receipts that were told and not confirmed, oldest first. */
  readonly #receipts = new Set<number>();

  constructor(desk: Desk, options: MessengerOptions) {
    this.#desk = desk;
    this.#options = options;
    this.#ownChannel = (text, taken) => desk.output.write(text, taken);
    this.#channel = this.#ownChannel;
  }

  format({ message, fromName, toName }: Push): string {
    const entry = entryOf(message, fromName, toName);
    return `${formatMessengerPush(fromName, entry.number, lineTextOf(entry))}\n`;
  }

  push({ message, forms }: Push, { account, outbox }: Subscription): number {
    const { acknowledger } = this.#desk.dependencies.delivery;
    const { conversation, sequence, number } = message;
    const text = forms[this.#desk.name] ?? '';
    const bytes = Buffer.byteLength(text);
    // On this node known as acknowledged, and not yet in the state that the catch-up reads.
    if (acknowledger.isAcknowledged(account, conversation, sequence)) return 0;
    this.#pushes?.push({
      conversation,
      number,
      text,
      bytes,
      acknowledged: () => acknowledger.acknowledge(account, conversation, sequence),
      release: () => outbox.taken(bytes),
    });
    return bytes;
  }

  caughtUp(account: AccountId): void {
    for (const receipt of this.#desk.dependencies.view.receiptsOf(account)) this.#tellReceipt(receipt);
  }

  left(): void {
    this.#pushes?.close();
    this.#pushes = null;
    this.#dialBack?.close();
    this.#dialBack = null;
    this.#channel = this.#ownChannel;
    this.#receipts.clear();
  }

  async receive(text: string): Promise<void> {
    const line = parseMessenger(text);
    const reply = await this.#answer(line);
    if (reply !== null) this.#desk.write([reply]);
    // What is pending comes behind the answer.
    if (line.kind === 'login' && reply === messengerAccepted) this.#desk.startDelivery();
    if (line.kind === 'out') this.#desk.output.expectEnd();
  }

  async #answer(line: MessengerLine): Promise<string | null> {
    switch (line.kind) {
      case 'unknown':
        return messengerUnknown;
      case 'acknowledge':
      case 'confirm':
        return this.#heard(line) ? null : messengerUnknown;
      case 'port':
        return this.#connectBack(line.port);
      case 'invite':
        this.#desk.context.invitation = line.code;
        return invitationTaken;
      case 'out':
        await this.#desk.logOut();
        return messengerAccepted;
      case 'send':
        return this.#isSender(line.from) ? await this.#ask(line) : messengerSenderUnknown;
      default:
        return await this.#ask(line);
    }
  }

  async #ask(line: MessengerLine): Promise<string> {
    const request = messengerRequest(line);
    if (request === null) return messengerUnknown;
    const reply = await this.#desk.execute(request);
    if (reply.kind === 'receipt' && reply.value.op === 'login') {
      this.#pushes = new MessengerPushes(this.#options.clock, this.#channel);
      this.#receipts.clear();
    }
    return formatMessengerReply(line, reply);
  }

  /** False: there is nothing that this could acknowledge. */
  #heard(line: MessengerLine): boolean {
    if (line.kind === 'acknowledge') return this.#pushes?.acknowledge(line.number) ?? false;
    const account = this.#desk.context.identity?.account;
    const [number] = this.#receipts;
    if (account === undefined || number === undefined) return false;
    this.#receipts.delete(number);
    this.#desk.dependencies.delivery.acknowledger.confirm(account, number);
    return true;
  }

  #isSender(name: string): boolean {
    return name.toLowerCase() === this.#desk.context.identity?.name.toLowerCase();
  }

  #tellReceipt({ from, to, number }: DeliveryReceipt): void {
    const { view, delivery } = this.#desk.dependencies;
    if (this.#pushes === null || this.#receipts.has(number)) return;
    if (delivery.acknowledger.isConfirmed(from, number) || this.#channel === null) return;
    const nameOf = (account: AccountId): string => view.accountById(account)?.name ?? deletedAccountName;
    this.#receipts.add(number);
    this.#channel(`${formatMessengerReceipt(nameOf(from), nameOf(to), number)}\n`, () => undefined);
  }

  #connectBack(port: number | null): string {
    const { clock, dialBack } = this.#options;
    const { address } = this.#desk.output;
    if (!dialBack || port === null || address === null) return messengerPortRefused;
    this.#dialBack?.close();
    this.#use(null);
    this.#dialBack = new DialBack({
      clock,
      logger: this.#desk.dependencies.logger,
      host: address,
      port,
      onChannel: (channel) => this.#use(channel),
      onLine: (line) => this.#heard(parseMessenger(line)),
    });
    return messengerPortAccepted;
  }

  #use(channel: PushChannel | null): void {
    this.#channel = channel;
    this.#pushes?.use(channel);
    // Receipts of a channel that broke may not have arrived.
    this.#receipts.clear();
    const account = this.#desk.context.identity?.account;
    if (channel !== null && account !== undefined) this.caughtUp(account);
  }
}
