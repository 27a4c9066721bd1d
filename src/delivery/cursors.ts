/**
 * Delivered and read cursors of this node's readers on their way into the replicated state: coalesced per account and conversation, proposed in
 * batches, at most one round every `flushMs`. Not one log entry per message read.
 */
import type { Clock, Timer } from '../base/clock.ts';
import type { AccountId, ConversationId, CursorAdvance } from '../chat/types.ts';
import type { ProposeCursors } from './ports.ts';

export const flushMs = 250;
/** Cursors in one proposal. */
export const batchCursors = 1_024;
/** Cursors that wait. Above it the oldest is forgotten: its reader may see messages once more after a reconnection. */
export const waitingCursors = 131_072;

export class Cursors {
  readonly #clock: Clock;
  readonly #propose: ProposeCursors;
  /** Not yet proposed, in order of their first advance. */
  #waiting = new Map<string, CursorAdvance>();
  /** Proposed, not yet answered. */
  readonly #proposed = new Map<string, CursorAdvance>();
  #timer: Timer | null = null;
  #round: Promise<void> | null = null;

  constructor(clock: Clock, propose: ProposeCursors) {
    this.#clock = clock;
    this.#propose = propose;
  }

  /** The account has got all messages of the conversation up to `delivered`. Lower than known: without effect. */
  advance(account: AccountId, conversation: ConversationId, delivered: number): void {
    this.#raise({ account, conversation, delivered, read: 0 });
  }

  /** The same for what the person has read. */
  markRead(account: AccountId, conversation: ConversationId, read: number): void {
    this.#raise({ account, conversation, delivered: 0, read });
  }

  /** What this node knows beyond the replicated cursor; 0 when nothing. */
  delivered(account: AccountId, conversation: ConversationId): number {
    return this.#known(keyOf(account, conversation)).delivered;
  }

  /**
   * Proposes all that waits, now. Resolves when every batch was answered; what was refused waits again and is not tried
   * a second time by this call.
   */
  async flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#round !== null) await this.#round;
    if (this.#waiting.size === 0) return;
    this.#round ??= this.#proposeAll().finally(() => {
      this.#round = null;
    });
    await this.#round;
    if (this.#waiting.size > 0) this.#schedule();
  }

  /** As `flush`, but waits no longer than this: without a majority the answer takes its time. */
  async flushWithin(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#clock.after(ms, resolve);
      void this.flush().then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#waiting.clear();
  }

  #schedule(): void {
    if (this.#round !== null) return;
    this.#timer ??= this.#clock.after(flushMs, () => {
      this.#timer = null;
      void this.flush();
    });
  }

  async #proposeAll(): Promise<void> {
    const all = [...this.#waiting.values()];
    this.#waiting = new Map();
    for (const advance of all) this.#proposed.set(keyOf(advance.account, advance.conversation), advance);
    for (let from = 0; from < all.length; from += batchCursors) {
      const batch = all.slice(from, from + batchCursors);
      const applied = await this.#propose(batch);
      for (const advance of batch) {
        this.#proposed.delete(keyOf(advance.account, advance.conversation));
        if (!applied) this.#keep(advance);
      }
    }
  }

  #raise(advance: CursorAdvance): void {
    if (this.#keep(advance)) this.#schedule();
  }

  /** What is higher in either cursor than what waits or is under way. */
  #keep(advance: CursorAdvance): boolean {
    const key = keyOf(advance.account, advance.conversation);
    const known = this.#known(key);
    if (advance.delivered <= known.delivered && advance.read <= known.read) return false;
    const waiting = this.#waiting.get(key);
    this.#put(key, {
      ...advance,
      delivered: Math.max(advance.delivered, waiting?.delivered ?? 0),
      read: Math.max(advance.read, waiting?.read ?? 0),
    });
    return true;
  }

  #known(key: string): { readonly delivered: number; readonly read: number } {
    const [waiting, proposed] = [this.#waiting.get(key), this.#proposed.get(key)];
    return {
      delivered: Math.max(waiting?.delivered ?? 0, proposed?.delivered ?? 0),
      read: Math.max(waiting?.read ?? 0, proposed?.read ?? 0),
    };
  }

  #put(key: string, advance: CursorAdvance): void {
    this.#waiting.set(key, advance);
    if (this.#waiting.size <= waitingCursors) return;
    const oldest = this.#waiting.keys().next();
    if (!oldest.done) this.#waiting.delete(oldest.value);
  }
}

function keyOf(account: AccountId, conversation: ConversationId): string {
  return `${account} ${conversation}`;
}
