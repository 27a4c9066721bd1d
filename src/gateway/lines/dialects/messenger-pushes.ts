/**
 * Pushes that their reader acknowledges one by one, in any order: sent again after a while behind the others, and all of them on a new
 * channel. At most one push of a number is out at a time; of equal numbers from two senders the second waits, and what follows it in its
 * conversation waits behind it, so that a reader who acknowledges has each conversation in its order. A silent one holds that up no longer
 * than until it is sent again.
 */
import type { Clock, Timer } from '../../../base/clock.ts';
import { MIB } from '../../../base/limits.ts';

export const againMs = 5_000;
/** Of pushes that are not acknowledged. Above it, the reader's outbox is not told that there is room. */
const outstandingBytes = 1 * MIB;

export interface PushItem {
  readonly conversation: string;
  readonly number: number;
  /** A line with its end. */
  readonly text: string;
  readonly bytes: number;
  /** The reader has it. */
  readonly acknowledged: () => void;
  /** There is room for more. */
  readonly release: () => void;
}

/** What carries pushes: writes a line and tells when it was taken. */
export type PushChannel = (text: string, taken: () => void) => void;

interface Sent {
  readonly item: PushItem;
  /** Of the first sending. */
  readonly order: number;
  sentMs: number;
  /** The channel has not taken the last sending yet: another would only queue behind it. */
  isOnItsWay: boolean;
}

export class MessengerPushes {
  readonly #clock: Clock;
  /** By number, in the order of the last sending. */
  readonly #sent = new Map<number, Sent>();
  /** By conversation: the first one waits for its number, the others for the first one. None is empty. */
  readonly #waiting = new Map<string, PushItem[]>();
  /** Conversations whose first one waits for this number, which is out. */
  readonly #waitingFor = new Map<number, string[]>();
  readonly #held: PushItem[] = [];
  #channel: PushChannel | null;
  #bytes = 0;
  #order = 0;
  #timer: Timer | null = null;
  #closed = false;

  /** `channel` null: there is none yet. */
  constructor(clock: Clock, channel: PushChannel | null) {
    this.#clock = clock;
    this.#channel = channel;
  }

  push(item: PushItem): void {
    if (this.#closed) return;
    this.#bytes += item.bytes;
    if (this.#bytes <= outstandingBytes) item.release();
    else this.#held.push(item);
    const before = this.#waiting.get(item.conversation);
    if (before !== undefined) before.push(item);
    else if (this.#sent.has(item.number)) {
      this.#waiting.set(item.conversation, [item]);
      this.#waitFor(item);
    } else this.#sendFirst(item);
  }

  /** False: no push of this number is out. */
  acknowledge(number: number): boolean {
    const sent = this.#sent.get(number);
    if (sent === undefined) return false;
    this.#sent.delete(number);
    this.#bytes -= sent.item.bytes;
    sent.item.acknowledged();
    this.#sendNext(number);
    while (this.#held.length > 0 && this.#bytes <= outstandingBytes) this.#held.shift()?.release();
    return true;
  }

  /** Another connection carries pushes from here on, or none does: what is not acknowledged goes out again. */
  use(channel: PushChannel | null): void {
    this.#channel = channel;
    if (channel === null) return;
    const inOrder = [...this.#sent.values()].sort((a, b) => a.order - b.order);
    for (const sent of inOrder) this.#send({ ...sent, isOnItsWay: false });
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#sent.clear();
    this.#waiting.clear();
    this.#waitingFor.clear();
    this.#held.length = 0;
  }

  /** The number is free: on with the conversation that has waited for it longest, up to the next number that is out. */
  #sendNext(number: number): void {
    const conversations = this.#waitingFor.get(number) ?? [];
    const conversation = conversations.shift();
    if (conversations.length === 0) this.#waitingFor.delete(number);
    if (conversation === undefined) return;
    const waiting = this.#waiting.get(conversation) ?? [];
    this.#waiting.delete(conversation);
    const blocked = waiting.findIndex((item) => {
      if (this.#sent.has(item.number)) return true;
      this.#sendFirst(item);
      return false;
    });
    const [first, ...others] = blocked < 0 ? [] : waiting.slice(blocked);
    if (first === undefined) return;
    this.#waiting.set(conversation, [first, ...others]);
    this.#waitFor(first);
  }

  /** What waits behind those that wait for this number, as far as its own numbers are free. */
  #letPass(number: number): void {
    for (const conversation of this.#waitingFor.get(number) ?? []) {
      const left = this.#waiting.get(conversation)?.filter((item) => {
        if (this.#sent.has(item.number)) return true;
        this.#sendFirst(item);
        return false;
      });
      this.#waiting.set(conversation, left ?? []);
    }
  }

  #waitFor({ number, conversation }: PushItem): void {
    this.#waitingFor.set(number, [...(this.#waitingFor.get(number) ?? []), conversation]);
  }

  #sendFirst(item: PushItem): void {
    this.#order += 1;
    this.#send({ item, order: this.#order, sentMs: 0, isOnItsWay: false });
  }

  #send(sent: Sent): void {
    const { item } = sent;
    sent.sentMs = this.#clock.monotonicMs();
    this.#sent.delete(item.number);
    this.#sent.set(item.number, sent);
    if (this.#channel !== null && !sent.isOnItsWay) {
      sent.isOnItsWay = true;
      this.#channel(item.text, () => {
        sent.isOnItsWay = false;
      });
    }
    this.#plan();
  }

  #plan(): void {
    const [oldest] = this.#sent.values();
    if (this.#timer !== null || this.#closed || oldest === undefined) return;
    const waitMs = Math.max(0, oldest.sentMs + againMs - this.#clock.monotonicMs());
    this.#timer = this.#clock.after(waitMs, () => {
      this.#timer = null;
      this.#sendAgain();
      this.#plan();
    });
  }

  #sendAgain(): void {
    const dueMs = this.#clock.monotonicMs() - againMs;
    for (const sent of [...this.#sent.values()]) {
      if (sent.sentMs > dueMs) return;
      this.#send(sent);
      this.#letPass(sent.item.number);
    }
  }
}
