/** A stranger who says nothing does not keep a connection. Whoever waits for an answer is not silent. */
import type { Clock, Timer } from '../../base/clock.ts';

export interface SilenceWatchOptions {
  readonly clock: Clock;
  readonly silentMs: number;
  /** Nothing is to be watched any more: somebody has logged in, or the connection ends. */
  readonly isOver: () => boolean;
  /** A line is being answered. */
  readonly isBusy: () => boolean;
  readonly onSilence: () => void;
}

export class SilenceWatch {
  readonly #options: SilenceWatchOptions;
  #timer: Timer | null = null;

  constructor(options: SilenceWatchOptions) {
    this.#options = options;
  }

  /** From here on anew; with another patience, and another end of it, until the next time. */
  begin(delayMs = this.#options.silentMs, action = this.#options.onSilence): void {
    const { clock, isOver, isBusy } = this.#options;
    this.#timer?.cancel();
    this.#timer = clock.after(delayMs, () => {
      if (isOver()) return;
      if (isBusy()) this.begin();
      else action();
    });
  }

  end(): void {
    this.#timer?.cancel();
  }
}
