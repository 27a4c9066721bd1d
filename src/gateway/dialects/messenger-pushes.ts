/**
 * Pushes that their reader acknowledges one by one, in any order: sent again after a while behind the others, and all of them on a new
 * channel. At most one push of a number is out at a time; of equal numbers from two senders the second waits.
 */
import type { Clock, Timer } from '../../base/clock.ts';
import { MIB } from '../../base/limits.ts';

export const againMs = 5_000;
/** Of pushes that are not acknowledged. Above it, the reader's outbox is not told that there is room. */
const outstandingBytes = 1 * MIB;

export interface PushItem {
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
  sentMs: number;
  /** The channel has not taken the last sending yet: another would only queue behind it. */
  isOnItsWay: boolean;
}

export class MessengerPushes {
  readonly #clock: Clock;
  /** By number, in the order of the last sending. */
  readonly #sent = new Map<number, Sent>();
  readonly #waiting = new Map<number, PushItem[]>();
  readonly #held: PushItem[] = [];
  #channel: PushChannel | null;
  #bytes = 0;
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
    const isTaken = this.#sent.has(item.number);
    if (isTaken) this.#waiting.set(item.number, [...(this.#waiting.get(item.number) ?? []), item]);
    else this.#send({ item, sentMs: 0, isOnItsWay: false });
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
    for (const sent of [...this.#sent.values()]) this.#send({ ...sent, isOnItsWay: false });
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#sent.clear();
    this.#waiting.clear();
    this.#held.length = 0;
  }

  #sendNext(number: number): void {
    const waiting = this.#waiting.get(number);
    const next = waiting?.shift();
    if (waiting?.length === 0) this.#waiting.delete(number);
    if (next !== undefined) this.#send({ item: next, sentMs: 0, isOnItsWay: false });
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
    }
  }
}
