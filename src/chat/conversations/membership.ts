/** One account's place in one conversation: since when, and how far it got. */
import { limits } from '../../base/limits.ts';
import type { AccountId, MembershipData } from '../vocabulary/types.ts';

export class Membership implements MembershipData {
  readonly account: AccountId;
  readonly joinedIndex: number;
  readonly joinedBehind: number;
  /** Never falls, never above the last message. */
  #delivered: number;
  /** The same; it may be above `delivered`: who answers has read, whatever their other devices still wait for. */
  #read: number;
  /** Ascending, all above `delivered` + 1. Bounded: see `acknowledge`. */
  #singles: number[];

  constructor(data: MembershipData) {
    this.account = data.account;
    this.joinedIndex = data.joinedIndex;
    this.joinedBehind = data.joinedBehind;
    this.#delivered = data.delivered;
    this.#read = data.read;
    this.#singles = [...data.singles];
  }

  get delivered(): number {
    return this.#delivered;
  }

  get read(): number {
    return this.#read;
  }

  get singles(): readonly number[] {
    return this.#singles;
  }

  isDelivered(sequence: number): boolean {
    return sequence <= this.#delivered || this.#singles.includes(sequence);
  }

  /** False when nothing moved: behind the cursor, or past the last message. */
  deliver(sequence: number, last: number): boolean {
    if (sequence <= this.#delivered || sequence > last) return false;
    this.#delivered = sequence;
    this.#absorb();
    return true;
  }

  markRead(sequence: number, last: number): boolean {
    if (sequence <= this.#read || sequence > last) return false;
    this.#read = sequence;
    return true;
  }

  /**
   * One message out of turn. More than `limits.singlesPerMember` of them above a silent one are not remembered: they are pushed once more
   * after a reconnection.
   */
  acknowledge(sequence: number, last: number): boolean {
    if (sequence === this.#delivered + 1) return this.deliver(sequence, last);
    if (sequence > last || this.isDelivered(sequence)) return false;
    if (this.#singles.length >= limits.singlesPerMember) return false;
    this.#singles.push(sequence);
    this.#singles.sort((a, b) => a - b);
    return true;
  }

  #absorb(): void {
    while (this.#singles.length > 0) {
      const first = this.#singles[0] ?? 0;
      if (first > this.#delivered + 1) return;
      this.#delivered = Math.max(this.#delivered, first);
      this.#singles.shift();
    }
  }
}
