import type { Clock, Timer } from '../base/clock.ts';

export interface PulseOptions {
  readonly clock: Clock;
  readonly tickMs: number;
  /** Runs an action once, soon. */
  readonly turn: (action: () => void) => void;
  /** What came together is done together. */
  readonly onTurn: () => void;
  readonly onTick: () => void;
}

/** When an engine works: a turn soon after something came in, a tick at regular times. Nothing any more once stopped. */
export class Pulse {
  readonly #options: PulseOptions;
  #scheduled = false;
  #ticker: Timer | null = null;
  #stopped = false;

  constructor(options: PulseOptions) {
    this.#options = options;
  }

  start(): void {
    this.#tickLater();
  }

  wake(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    this.#options.turn(() => {
      this.#scheduled = false;
      if (!this.#stopped) this.#options.onTurn();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#ticker?.cancel();
  }

  /** Armed anew after each tick: after a pause the ticks that were missed are not made up for. */
  #tickLater(): void {
    this.#ticker = this.#options.clock.after(this.#options.tickMs, () => {
      this.#options.onTick();
      if (!this.#stopped) this.#tickLater();
    });
  }
}
