import type { Clock } from '../base/clock.ts';

const LOOK_EVERY_MS = 5;

/** Waits until the condition holds; false when it does not come in time. Polls: only for what is rare and slow. */
export function comes(clock: Clock, condition: () => boolean, withinMs: number): Promise<boolean> {
  const endMs = clock.monotonicMs() + withinMs;
  return new Promise((resolve) => {
    const look = (): void => {
      if (condition()) resolve(true);
      else if (clock.monotonicMs() >= endMs) resolve(false);
      else clock.after(LOOK_EVERY_MS, look);
    };
    look();
  });
}
