/** What presence keeps: a node's accounts with a checksum, another node's list as far as it is known, and who went a moment ago. */
import type { Timer } from '../base/clock.ts';
import type { AccountId } from '../chat/vocabulary/types.ts';
import type { PresenceFrame } from './presence-codec.ts';

/** Parts of one list: with the frame's size a bound on what another node can make this one hold. */
const partsMax = 1_000;

/** A set with a checksum that does not depend on the order of arrival, kept as it changes. */
export class AccountSet {
  /** Each with the time of its connection. */
  readonly #accounts = new Map<AccountId, number>();
  #checksum = 0;

  get size(): number {
    return this.#accounts.size;
  }

  get checksum(): number {
    return this.#checksum;
  }

  has(account: AccountId): boolean {
    return this.#accounts.has(account);
  }

  since(account: AccountId): number | undefined {
    return this.#accounts.get(account);
  }

  add(account: AccountId, sinceMs: number): void {
    if (this.#accounts.has(account)) return;
    this.#accounts.set(account, sinceMs);
    this.#checksum = (this.#checksum + mixed(account)) >>> 0;
  }

  delete(account: AccountId): void {
    if (this.#accounts.delete(account)) this.#checksum = (this.#checksum - mixed(account)) >>> 0;
  }

  clear(): void {
    this.#accounts.clear();
    this.#checksum = 0;
  }

  list(): (readonly [account: AccountId, sinceMs: number])[] {
    return [...this.#accounts];
  }
}

/** Since when those were online whose last connection has just ended: who fails over, or loads a page again, was never away. */
export class Departures {
  readonly #forMs: number;
  /** In the order of their going. */
  readonly #gone = new Map<AccountId, { readonly sinceMs: number; readonly atMs: number }>();

  /** `forMs`: they are remembered so long. */
  constructor(forMs: number) {
    this.#forMs = forMs;
  }

  note(account: AccountId, sinceMs: number, nowMs: number): void {
    const known = this.since(account, nowMs) ?? sinceMs;
    this.#gone.delete(account);
    this.#gone.set(account, { sinceMs: Math.min(known, sinceMs), atMs: nowMs });
  }

  since(account: AccountId, nowMs: number): number | undefined {
    const gone = this.#gone.get(account);
    return gone !== undefined && nowMs - gone.atMs <= this.#forMs ? gone.sinceMs : undefined;
  }

  /** Forgets whoever went too long ago. */
  expire(nowMs: number): void {
    for (const [account, { atMs }] of this.#gone) {
      if (nowMs - atMs <= this.#forMs) return;
      this.#gone.delete(account);
    }
  }
}

/** Spreads an id over 32 bits (multiplication and shifts), so that sums of different sets differ. */
function mixed(account: AccountId): number {
  let bits = (account ^ Math.floor(account / 2 ** 32)) >>> 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x45d9f3b);
  bits = Math.imul(bits ^ (bits >>> 16), 0x45d9f3b);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** Another node's list. Valid for one epoch of that node and complete up to one change, or unknown and empty. */
export class RemoteList {
  readonly #accounts = new AccountSet();
  readonly #gone: (account: AccountId, sinceMs: number) => void;
  #epoch: number | null = null;
  #sequence = 0;
  /** Parts of a list that is arriving. */
  #parts: Extract<PresenceFrame, { kind: 'list' }>[] = [];
  #leaving: Timer | null = null;
  heardMs: number;
  askedMs = Number.NEGATIVE_INFINITY;

  /** `gone`: told of each account that this list holds no more. */
  constructor(nowMs: number, gone: (account: AccountId, sinceMs: number) => void) {
    this.heardMs = nowMs;
    this.#gone = gone;
  }

  has(account: AccountId): boolean {
    return this.#accounts.has(account);
  }

  since(account: AccountId): number | undefined {
    return this.#accounts.since(account);
  }

  get mayHaveAny(): boolean {
    return this.#epoch === null || this.#accounts.size > 0;
  }

  list(): (readonly [account: AccountId, sinceMs: number])[] {
    return this.#accounts.list();
  }

  /** False when the list has to be asked for. */
  receive(frame: Exclude<PresenceFrame, { kind: 'ask' | 'typing' }>, nowMs: number): boolean {
    this.heardMs = nowMs;
    switch (frame.kind) {
      case 'list':
        this.#receivePart(frame);
        return true;
      case 'delta':
        return this.#receiveDelta(frame);
      case 'digest':
        return this.#matches(frame);
    }
  }

  /** The link is up again. */
  keep(): void {
    this.#leaving?.cancel();
    this.#leaving = null;
  }

  /** The link is gone; the timer forgets the list unless `keep` comes first. */
  leave(timer: Timer): void {
    this.keep();
    this.#leaving = timer;
  }

  forget(): void {
    for (const [account, sinceMs] of this.#accounts.list()) this.#gone(account, sinceMs);
    this.#accounts.clear();
    this.#epoch = null;
    this.#parts = [];
  }

  drop(): void {
    this.keep();
    this.forget();
  }

  #receivePart(frame: Extract<PresenceFrame, { kind: 'list' }>): void {
    const [first] = this.#parts;
    const continues =
      first !== undefined &&
      first.epoch === frame.epoch &&
      first.sequence === frame.sequence &&
      first.parts === frame.parts &&
      frame.part === this.#parts.length;
    if (!continues) this.#parts = [];
    if ((!continues && frame.part !== 0) || frame.parts > partsMax) return;
    this.#parts.push(frame);
    if (this.#parts.length < frame.parts) return;
    const before = this.#accounts.list();
    this.#accounts.clear();
    for (const part of this.#parts) this.#addAll(part.accounts, part.since);
    for (const [account, sinceMs] of before) if (!this.has(account)) this.#gone(account, sinceMs);
    this.#parts = [];
    this.#epoch = frame.epoch;
    this.#sequence = frame.sequence;
  }

  #receiveDelta(frame: Extract<PresenceFrame, { kind: 'delta' }>): boolean {
    const follows = frame.epoch === this.#epoch && frame.sequence === this.#sequence + 1;
    if (!follows) return frame.epoch === this.#epoch && frame.sequence <= this.#sequence;
    this.#sequence = frame.sequence;
    this.#addAll(frame.up, frame.since);
    for (const account of frame.down) this.#remove(account);
    return true;
  }

  #remove(account: AccountId): void {
    const sinceMs = this.#accounts.since(account);
    if (sinceMs !== undefined) this.#gone(account, sinceMs);
    this.#accounts.delete(account);
  }

  #addAll(accounts: readonly AccountId[], since: readonly number[]): void {
    for (const [at, account] of accounts.entries()) this.#accounts.add(account, since[at] ?? 0);
  }

  #matches(frame: Extract<PresenceFrame, { kind: 'digest' }>): boolean {
    return (
      frame.epoch === this.#epoch &&
      frame.sequence === this.#sequence &&
      frame.count === this.#accounts.size &&
      frame.checksum === this.#accounts.checksum
    );
  }
}
