import type { AccountId } from '../chat/types.ts';

/** How many of a kind run at once, on the node and for one account: what is over is refused, and asked again. */
export class Turnstile {
  readonly #most: number;
  readonly #mostOfAccount: number;
  readonly #inside = new Map<AccountId, number>();
  #count = 0;

  constructor(most: number, mostOfAccount: number) {
    this.#most = most;
    this.#mostOfAccount = mostOfAccount;
  }

  get count(): number {
    return this.#count;
  }

  /** How to leave, to be called once; null when there is no room. */
  enter(account: AccountId): (() => void) | null {
    const own = this.#inside.get(account) ?? 0;
    if (this.#count >= this.#most || own >= this.#mostOfAccount) return null;
    this.#count += 1;
    this.#inside.set(account, own + 1);
    return () => this.#leave(account);
  }

  #leave(account: AccountId): void {
    this.#count -= 1;
    const left = (this.#inside.get(account) ?? 1) - 1;
    if (left > 0) this.#inside.set(account, left);
    else this.#inside.delete(account);
  }
}
