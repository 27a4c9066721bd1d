/**
 * Small facts of many connections on their way into the replicated state: joined by key, proposed in batches, at most one round every so
 * often. What could not be proposed is kept and proposed again, so a fact must do no harm when it comes twice.
 */
import { atMost } from '../base/at-most.ts';
import type { Clock, Timer } from '../base/clock.ts';

export interface CoalescerOptions<Fact> {
  readonly clock: Clock;
  /** Proposes a batch; resolves true once it is applied, false when that is refused or unknown. Never rejects. */
  readonly propose: (batch: readonly Fact[]) => Promise<boolean>;
  readonly keyOf: (fact: Fact) => string;
  /** Both facts of one key in one, or null when the second says nothing that the first does not. */
  readonly join: (known: Fact, fact: Fact) => Fact | null;
  readonly flushMs: number;
  readonly batchFacts: number;
  /** Facts that wait. Above it the oldest is forgotten. */
  readonly waitingFacts: number;
}

export class Coalescer<Fact> {
  readonly #options: CoalescerOptions<Fact>;
  /** Not yet proposed, in order of their first coming. */
  #waiting = new Map<string, Fact>();
  /** Proposed, not yet answered. */
  readonly #proposed = new Map<string, Fact>();
  #timer: Timer | null = null;
  #round: Promise<void> | null = null;

  constructor(options: CoalescerOptions<Fact>) {
    this.#options = options;
  }

  /** Without effect when what waits or is under way says it already. */
  add(fact: Fact): void {
    if (this.#keep(fact)) this.#schedule();
  }

  /** What waits under that key, and what is under way. */
  known(key: string): readonly Fact[] {
    const [waiting, proposed] = [this.#waiting.get(key), this.#proposed.get(key)];
    return [waiting, proposed].filter((fact) => fact !== undefined);
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
  flushWithin(ms: number): Promise<void> {
    return atMost(this.#options.clock, ms, this.flush());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#waiting.clear();
  }

  #schedule(): void {
    if (this.#round !== null) return;
    this.#timer ??= this.#options.clock.after(this.#options.flushMs, () => {
      this.#timer = null;
      void this.flush();
    });
  }

  async #proposeAll(): Promise<void> {
    const { keyOf, propose, batchFacts } = this.#options;
    const all = [...this.#waiting.values()];
    this.#waiting = new Map();
    for (const fact of all) this.#proposed.set(keyOf(fact), fact);
    for (let from = 0; from < all.length; from += batchFacts) {
      const batch = all.slice(from, from + batchFacts);
      const applied = await propose(batch);
      for (const fact of batch) {
        this.#proposed.delete(keyOf(fact));
        if (!applied) this.#keep(fact);
      }
    }
  }

  #keep(fact: Fact): boolean {
    const { keyOf, join } = this.#options;
    const key = keyOf(fact);
    const proposed = this.#proposed.get(key);
    if (proposed !== undefined && join(proposed, fact) === null) return false;
    const waiting = this.#waiting.get(key);
    const joined = waiting === undefined ? fact : join(waiting, fact);
    if (joined === null) return false;
    this.#waiting.set(key, joined);
    this.#forgetOldest();
    return true;
  }

  #forgetOldest(): void {
    if (this.#waiting.size <= this.#options.waitingFacts) return;
    const oldest = this.#waiting.keys().next();
    if (!oldest.done) this.#waiting.delete(oldest.value);
  }
}
