/** One timer for many wishes: the earliest one wins, and whoever it wakes says when to be woken next. */
import type { Clock, Timer } from '../base/clock.ts';

export class Alarm {
  readonly #clock: Clock;
  readonly #rings: (lateMs: number) => void;
  #timer: Timer | null = null;
  #atMs = 0;

  /** `rings` is told how much later than wished it is. */
  constructor(clock: Clock, rings: (lateMs: number) => void) {
    this.#clock = clock;
    this.#rings = rings;
  }

  set(atMs: number): void {
    if (this.#timer !== null && this.#atMs <= atMs) return;
    this.#timer?.cancel();
    this.#atMs = atMs;
    this.#timer = this.#clock.after(Math.max(0, atMs - this.#clock.monotonicMs()), () => {
      this.#timer = null;
      this.#rings(this.#clock.monotonicMs() - atMs);
    });
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
