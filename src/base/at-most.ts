import type { Clock } from './clock.ts';

/** Waits for work that never rejects, and no longer than so many milliseconds. The work itself goes on. */
export function atMost(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(ms, resolve);
    void work.then(() => {
      timer.cancel();
      resolve();
    });
  });
}
