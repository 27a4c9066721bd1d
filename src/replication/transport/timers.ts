/** Timers that end with whoever they belong to. */
import type { Later } from './stream-frames.ts';

export class Timers {
  readonly #running = new Set<NodeJS.Timeout>();

  /** Gives what takes the timer back. */
  readonly later: Later = (delayMs, action) => {
    const timer = setTimeout(() => {
      this.#running.delete(timer);
      action();
    }, delayMs);
    this.#running.add(timer);
    return () => {
      clearTimeout(timer);
      this.#running.delete(timer);
    };
  };

  cancelAll(): void {
    for (const timer of this.#running) clearTimeout(timer);
    this.#running.clear();
  }
}
