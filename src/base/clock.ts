/**
 * Time as an input. Production code below `main` never asks the platform for the time and never starts a timer
 * by itself: it is handed a `Clock`, so that a simulation can own every tick.
 */
export interface Clock {
  /** Milliseconds, never backwards, unrelated to the date. The only time that elections and expiry may use. */
  monotonicMs(): number;
  /** Milliseconds since 1970-01-01 UTC. May jump either way: for display, and to tell one start of a program from the next. */
  wallMs(): number;
  /** Runs `action` once, at least `delayMs` from now. */
  after(delayMs: number, action: () => void): Timer;
}

export interface Timer {
  /** Idempotent; after it the action does not run. */
  cancel(): void;
}
