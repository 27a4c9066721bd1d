/** When a silent connection is asked for a sign of life, and when it has been silent for too long. Pure. */
import { timings } from './timings.ts';

export interface Hearing {
  /** Monotonic time of the last sign of life. */
  readonly heardMs: number;
  /** When it was asked for one and nothing was heard since; null when it was not. */
  readonly pingedMs: number | null;
}

/** `probe`: look for another connection beside this one. `gone`: it will not speak again. */
export type Silence = 'fine' | 'ask' | 'probe' | 'gone';

/**
 * `waitingSinceMs`: since when the oldest request waits, null when none does. `probing`: another connection is already sought.
 * `late`: the check was held up on this side, so the answer may be here, unread.
 */
export function judgeSilence(
  { heardMs, pingedMs }: Hearing,
  waitingSinceMs: number | null,
  probing: boolean,
  late: boolean,
  nowMs: number,
): Silence {
  if (nowMs < silenceDueMs({ heardMs, pingedMs }, waitingSinceMs, probing)) return 'fine';
  if (pingedMs === null || (late && !probing)) return 'ask';
  return probing ? 'gone' : 'probe';
}

/** When `judgeSilence` may next say something else than `fine`. */
export function silenceDueMs(
  { heardMs, pingedMs }: Hearing,
  waitingSinceMs: number | null,
  probing: boolean,
): number {
  const busy = waitingSinceMs !== null;
  if (pingedMs !== null && probing) return pingedMs + timings.silentMs;
  if (pingedMs !== null) return pingedMs + (busy ? timings.busyPongMs : timings.idlePongMs);
  return busy ? Math.max(heardMs, waitingSinceMs) + timings.busySilenceMs : heardMs + timings.idleSilenceMs;
}
