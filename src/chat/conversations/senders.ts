/**
 * What an account has sent: how many messages, and for which of them it waits to hear of the delivery. A receipt stands here from the
 * sending of its message until the sender has confirmed that it knows; in between the receiver's acknowledgement makes it due.
 */
import { limits } from '../../base/limits.ts';
import type { ChangeSet, Row } from '../rows/changes.ts';
import { encodeCounter, encodeReceipt, rowPrefix } from '../rows/row-codec.ts';
import type { AccountId, ConversationId, DeliveryReceipt, ReceiptData } from '../vocabulary/types.ts';

class Counter implements Row {
  readonly key: string;
  noted = false;
  sent: number;

  constructor(account: AccountId, sent: number) {
    this.key = rowPrefix.counter + account;
    this.sent = sent;
  }

  encode(): Uint8Array {
    return encodeCounter(this.sent);
  }
}

class Receipt implements ReceiptData, Row {
  readonly key: string;
  readonly from: AccountId;
  readonly number: number;
  readonly to: AccountId;
  readonly conversation: ConversationId;
  readonly sequence: number;
  noted = false;
  due: boolean;

  constructor(data: ReceiptData) {
    this.key = `${rowPrefix.receipt}${data.from}/${data.number}`;
    this.from = data.from;
    this.number = data.number;
    this.to = data.to;
    this.conversation = data.conversation;
    this.sequence = data.sequence;
    this.due = data.due;
  }

  encode(): Uint8Array {
    return encodeReceipt(this);
  }
}

export class Senders {
  readonly #changes: ChangeSet;
  readonly #counters = new Map<AccountId, Counter>();
  /** By sender, then by number. */
  readonly #receipts = new Map<AccountId, Map<number, Receipt>>();
  /** Those not yet due, by conversation, then by the sequence of their message, which each has for itself. */
  readonly #waiting = new Map<ConversationId, Map<number, Receipt>>();

  constructor(changes: ChangeSet) {
    this.#changes = changes;
  }

  /** The number of the account's next message. */
  count(account: AccountId): number {
    let counter = this.#counters.get(account);
    if (counter === undefined) {
      counter = new Counter(account, 0);
      this.#counters.set(account, counter);
    }
    counter.sent += 1;
    this.#changes.put(counter);
    return counter.sent;
  }

  /** Of an account from elsewhere, which has sent so many there. */
  startAt(account: AccountId, sent: number): void {
    if (sent === 0) return;
    const counter = new Counter(account, sent);
    this.#counters.set(account, counter);
    this.#changes.put(counter);
  }

  sentBy(account: AccountId): number {
    return this.#counters.get(account)?.sent ?? 0;
  }

  /** Waited for and due, by number. */
  receiptsOf(account: AccountId): readonly ReceiptData[] {
    return [...(this.#receipts.get(account)?.values() ?? [])].sort((a, b) => a.number - b.number);
  }

  isWaitedFor(conversation: ConversationId, sequence: number): boolean {
    return this.#waiting.get(conversation)?.has(sequence) ?? false;
  }

  hasReceipt(account: AccountId, number: number): boolean {
    return this.#receipts.get(account)?.has(number) ?? false;
  }

  /** No further receipt can be waited for. */
  isFull(account: AccountId): boolean {
    return (this.#receipts.get(account)?.size ?? 0) >= limits.receiptsPerAccount;
  }

  expect(receipt: DeliveryReceipt, due = false): void {
    const row = new Receipt({ ...receipt, due });
    this.#insert(row);
    this.#changes.put(row);
  }

  /** The receiver has got the message: its receipt is due. Null when nobody waits for it. */
  settle(conversation: ConversationId, receiver: AccountId, sequence: number): DeliveryReceipt | null {
    const receipt = this.#waiting.get(conversation)?.get(sequence);
    return receipt?.to === receiver ? this.#makeDue(receipt) : null;
  }

  /** The same for all messages up to `sequence`, ascending. */
  settleUpTo(
    conversation: ConversationId,
    receiver: AccountId,
    sequence: number,
  ): readonly DeliveryReceipt[] {
    const waiting = this.#waiting.get(conversation);
    if (waiting === undefined) return none;
    const reached = [...waiting.values()].filter(
      (receipt) => receipt.sequence <= sequence && receipt.to === receiver,
    );
    reached.sort((a, b) => a.sequence - b.sequence);
    return reached.map((receipt) => this.#makeDue(receipt));
  }

  /** The sender knows. Only of what is due. */
  confirm(account: AccountId, number: number): void {
    const receipt = this.#receipts.get(account)?.get(number);
    if (receipt?.due === true) this.#remove(receipt);
  }

  dueOf(account: AccountId): readonly DeliveryReceipt[] {
    const due = [...(this.#receipts.get(account)?.values() ?? [])].filter((receipt) => receipt.due);
    return due.sort((a, b) => a.number - b.number);
  }

  /** The message is gone: it is delivered to nobody any more. */
  forgetMessage(conversation: ConversationId, sequence: number): void {
    const receipt = this.#waiting.get(conversation)?.get(sequence);
    if (receipt !== undefined) this.#remove(receipt);
  }

  /** Nobody will read there any more: what was waited for never comes. */
  forgetConversation(conversation: ConversationId): void {
    for (const receipt of [...(this.#waiting.get(conversation)?.values() ?? [])]) this.#remove(receipt);
  }

  remove(account: AccountId): void {
    for (const receipt of [...(this.#receipts.get(account)?.values() ?? [])]) this.#remove(receipt);
    const counter = this.#counters.get(account);
    if (counter === undefined) return;
    this.#counters.delete(account);
    this.#changes.delete(counter);
  }

  restore(counters: readonly (readonly [AccountId, number])[], receipts: readonly ReceiptData[]): void {
    for (const [account, sent] of counters) this.#counters.set(account, new Counter(account, sent));
    for (const data of receipts) this.#insert(new Receipt(data));
  }

  *rows(): Iterable<Row> {
    yield* this.#counters.values();
    for (const receipts of this.#receipts.values()) yield* receipts.values();
  }

  clear(): void {
    this.#counters.clear();
    this.#receipts.clear();
    this.#waiting.clear();
  }

  #insert(receipt: Receipt): void {
    const own = this.#receipts.get(receipt.from);
    if (own === undefined) this.#receipts.set(receipt.from, new Map([[receipt.number, receipt]]));
    else own.set(receipt.number, receipt);
    if (receipt.due) return;
    const waiting = this.#waiting.get(receipt.conversation);
    if (waiting === undefined) {
      this.#waiting.set(receipt.conversation, new Map([[receipt.sequence, receipt]]));
    } else waiting.set(receipt.sequence, receipt);
  }

  #makeDue(receipt: Receipt): Receipt {
    receipt.due = true;
    this.#stopWaiting(receipt);
    this.#changes.put(receipt);
    return receipt;
  }

  #remove(receipt: Receipt): void {
    this.#stopWaiting(receipt);
    const own = this.#receipts.get(receipt.from);
    own?.delete(receipt.number);
    if (own?.size === 0) this.#receipts.delete(receipt.from);
    this.#changes.delete(receipt);
  }

  #stopWaiting(receipt: Receipt): void {
    const waiting = this.#waiting.get(receipt.conversation);
    if (waiting?.get(receipt.sequence) === receipt) waiting.delete(receipt.sequence);
    if (waiting?.size === 0) this.#waiting.delete(receipt.conversation);
  }
}

const none: readonly DeliveryReceipt[] = [];
