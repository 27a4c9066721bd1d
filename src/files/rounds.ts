import type { Clock, Timer } from '../base/clock.ts';

export interface RoundsOptions {
  readonly clock: Clock;
  /** One round; says how long to wait until the next one. Must not reject. */
  readonly round: () => Promise<number>;
}

/** Background work in rounds, never two at once; can be woken before its time. */
export class Rounds {
  readonly #options: RoundsOptions;
  #timer: Timer | null = null;
  #running = false;
  /** Woken in the middle of a round: another one follows at once. */
  #again = false;
  #state: 'new' | 'started' | 'stopped' = 'new';

  constructor(options: RoundsOptions) {
    this.#options = options;
  }

  start(firstMs: number): void {
    if (this.#state !== 'new') return;
    this.#state = 'started';
    this.#plan(firstMs);
  }

  wake(): void {
    if (this.#state !== 'started') return;
    if (this.#running) this.#again = true;
    else this.#plan(0);
  }

  /** No further round begins. One under way ends by itself: what it leaves unfinished, a crash might have left as well. */
  stop(): void {
    this.#state = 'stopped';
    this.#timer?.cancel();
  }

  #plan(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(delayMs, () => {
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    const delayMs = await this.#options.round();
    this.#running = false;
    const soon = this.#again;
    this.#again = false;
    if (this.#state === 'started') this.#plan(soon ? 0 : delayMs);
  }
}
