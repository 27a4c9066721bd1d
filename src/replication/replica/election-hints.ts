import type { Clock, Timer } from '../../base/clock.ts';
import type { Random } from '../../base/prng.ts';

const FIRST_DELAY_MS = 15;
const STEP_MIN_MS = 20;
const STEP_SPREAD_MS = 40;
/** Another node asks: it is ahead, and two that stand at once only depose each other. */
const TRIAL_AHEAD_MS = 20;
const VOTE_AHEAD_MS = 60;
const SPLIT_MIN_MS = 5;
const SPLIT_SPREAD_MS = 20;

export interface ElectionHintsOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly electionMs: number;
  readonly leaderKnown: () => boolean;
  /** This node stands for election in earnest: asking anew would throw the votes away. */
  readonly standing: () => boolean;
  /** Asks for votes; with pre-votes first, so that a cluster that still hears its leader refuses. */
  readonly campaign: () => void;
}

/**
 * A killed process closes its connections within milliseconds; a timeout takes a few hundred. So a closed connection to the leader,
 * or a majority that has just come together, is a hint to ask for votes at once: in a short random order, so
 * that two do not split the votes, and again in short random steps until there is a leader. After two election timeouts the
 * hint has proved wrong, and the core's own ticks rule.
 */
export class ElectionHints {
  readonly #options: ElectionHintsOptions;
  #timer: Timer | null = null;
  #endMs = 0;
  /** The votes of the last round went to several. */
  #split = false;
  #stopped = false;

  constructor(options: ElectionHintsOptions) {
    this.#options = options;
  }

  hint(): void {
    if (this.#stopped) return;
    const { clock, random, electionMs } = this.#options;
    this.#endMs = clock.monotonicMs() + 2 * electionMs;
    if (this.#timer === null) this.#after(random.below(FIRST_DELAY_MS + 1));
  }

  /** Somebody voted for another candidate: if no majority comes of it, it is not worth to wait for a timeout. */
  voteSplit(): void {
    if (this.#stopped || this.#options.leaderKnown()) return;
    this.#split = true;
    this.#timer?.cancel();
    this.#after(SPLIT_MIN_MS + this.#options.random.below(SPLIT_SPREAD_MS + 1));
  }

  /** There is a leader. */
  settled(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#split = false;
  }

  /** Another node, with a log as long as this one's, asks for votes: this one waits to see what comes of it. */
  othersStand(inEarnest: boolean): void {
    if (this.#timer === null || this.#options.standing()) return;
    this.#timer.cancel();
    const leastMs = inEarnest ? VOTE_AHEAD_MS : TRIAL_AHEAD_MS;
    this.#after(leastMs + this.#options.random.below(STEP_SPREAD_MS + 1));
  }

  #after(delayMs: number): void {
    const { clock, random } = this.#options;
    this.#timer = clock.after(delayMs, () => {
      this.#timer = null;
      if (this.#stopped || clock.monotonicMs() >= this.#endMs || this.#options.leaderKnown()) return;
      if (this.#split || !this.#options.standing()) this.#options.campaign();
      this.#split = false;
      this.#after(STEP_MIN_MS + random.below(STEP_SPREAD_MS + 1));
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }
}
