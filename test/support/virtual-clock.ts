/** A clock that stands still until a test moves it. Timers fire in order of their time, then of their making. */
import type { Clock, Timer } from '../../src/base/clock.ts';

interface Pending {
  readonly atMs: number;
  readonly order: number;
  readonly action: () => void;
}

export class VirtualClock implements Clock {
  #nowMs = 0;
  #order = 0;
  #pending: Pending[] = [];

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.#nowMs;
  }

  after(delayMs: number, action: () => void): Timer {
    const timer: Pending = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, action };
    this.#pending.push(timer);
    return {
      cancel: () => {
        this.#pending = this.#pending.filter((other) => other !== timer);
      },
    };
  }

  get timers(): number {
    return this.#pending.length;
  }

  /** Moves time on, running what falls due; between timers, promises settle. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settle();
    for (;;) {
      const due = this.#pending.filter((timer) => timer.atMs <= endMs).sort(byTime)[0];
      if (due === undefined) break;
      this.#pending = this.#pending.filter((timer) => timer !== due);
      this.#nowMs = due.atMs;
      due.action();
      await settle();
    }
    this.#nowMs = endMs;
  }
}

/** Lets all promises that can settle do so. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

function byTime(a: Pending, b: Pending): number {
  return a.atMs - b.atMs || a.order - b.order;
}
