/**
 * Files yield to the chat. Whoever has had a part of one taken in or read rests for as long as that took before it has the answer, and so the
 * next part: at most half of a transfer is work, and where everything takes longer, since the machine is busy, it asks for less.
 */
import type { Clock } from '../../base/clock.ts';

/** The longest rest: a disk that hung for a while must not hang for twice that. */
export const longestRestMs = 250;

/** A failure is told at once. */
export async function resting<Result>(
  clock: Pick<Clock, 'after' | 'monotonicMs'>,
  work: () => Promise<Result>,
): Promise<Result> {
  const beganMs = clock.monotonicMs();
  const result = await work();
  const tookMs = clock.monotonicMs() - beganMs;
  await new Promise<void>((resolve) => clock.after(Math.min(tookMs, longestRestMs), resolve));
  return result;
}
