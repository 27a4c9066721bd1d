/**
 * Whether other nodes have every chunk that messages refer to, for a caller that cannot wait: answers with what was seen a moment ago,
 * and asks again behind its back.
 */
import type { Clock } from '../base/clock.ts';
import type { Completeness } from './exchange.ts';

/** An answer is believed for so long. */
const freshMs = 1_000;

interface Seen {
  readonly atMs: number;
  readonly missing: Completeness;
}

export class Readiness {
  readonly #clock: Clock;
  readonly #ask: (node: number) => Promise<Completeness>;
  readonly #seen = new Map<number, Seen>();
  readonly #asking = new Set<number>();

  constructor(clock: Clock, ask: (node: number) => Promise<Completeness>) {
    this.#clock = clock;
    this.#ask = ask;
  }

  /** Null while the node is being asked: ask again a moment later. A node that cannot say lacks something. */
  hasEverything(node: number): boolean | null {
    const seen = this.#seen.get(node);
    if (seen !== undefined && this.#clock.monotonicMs() - seen.atMs <= freshMs) return seen.missing === 0;
    void this.#refresh(node);
    return null;
  }

  /** `ask` does not reject. */
  async #refresh(node: number): Promise<void> {
    if (this.#asking.has(node)) return;
    this.#asking.add(node);
    const missing = await this.#ask(node);
    this.#asking.delete(node);
    this.#seen.set(node, { atMs: this.#clock.monotonicMs(), missing });
  }
}
