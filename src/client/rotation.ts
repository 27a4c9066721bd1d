/** How often a node that cannot serve is left for another one. Pure: without a pace, clients would circle while nobody can serve. */
import type { Random } from '../base/prng.ts';
import { timings } from './timings.ts';

export class Rotation {
  readonly #random: Random;
  #notBeforeMs = 0;
  #inRow = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Until then the node just left is not taken back either. */
  get notBeforeMs(): number {
    return this.#notBeforeMs;
  }

  /** False when the last time was not long enough ago. */
  begin(nowMs: number): boolean {
    if (nowMs < this.#notBeforeMs) return false;
    const { first, largest } = timings.rotateMs;
    if (nowMs - this.#notBeforeMs > 2 * largest) this.#inRow = 0;
    const pauseMs = Math.min(largest, first * 2 ** Math.min(8, this.#inRow));
    this.#inRow += 1;
    this.#notBeforeMs = nowMs + pauseMs * (1 - this.#random.fraction() / 2);
    return true;
  }

  /** A leader was elected: what was true of the nodes before is over. */
  leaderElected(): void {
    this.#notBeforeMs = 0;
  }
}
