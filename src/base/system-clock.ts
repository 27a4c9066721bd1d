import type { Clock } from './clock.ts';

/** The platform's clocks and timers: wired in by `main` and the client programs, never by the code they drive. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, action) {
    const handle = setTimeout(action, delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
};
