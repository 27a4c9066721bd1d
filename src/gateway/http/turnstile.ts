import type { ServerResponse } from 'node:http';
import type { AccountId } from '../../chat/vocabulary/types.ts';

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

  /** The place is left when the response is over, in whatever way; false when there is no room. */
  enterWith(account: AccountId, response: Pick<ServerResponse, 'closed' | 'once'>): boolean {
    const leave = this.enter(account);
    if (leave === null) return false;
    // Whoever asked may have gone while it was found out who they are: then nothing tells of it any more.
    if (response.closed) leave();
    else response.once('close', leave);
    return true;
  }

  #leave(account: AccountId): void {
    this.#count -= 1;
    const left = (this.#inside.get(account) ?? 1) - 1;
    if (left > 0) this.#inside.set(account, left);
    else this.#inside.delete(account);
  }
}
