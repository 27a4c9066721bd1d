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
  #running: Promise<void> | null = null;
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
    if (this.#running !== null) this.#again = true;
    else this.#plan(0);
  }

  /** Resolves when a round under way has ended. */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    this.#timer?.cancel();
    await this.#running;
  }

  #plan(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(delayMs, () => {
      this.#running = this.#run();
    });
  }

  async #run(): Promise<void> {
    const delayMs = await this.#options.round();
    this.#running = null;
    const soon = this.#again;
    this.#again = false;
    if (this.#state === 'started') this.#plan(soon ? 0 : delayMs);
  }
}
