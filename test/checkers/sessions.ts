import type { Violation } from './history.ts';
import type { Answer, LostSession } from './refusals.ts';

/** A cluster's clock may run faster than the time that passes, by no more than this. */
const FASTEST = 1.03;

/** What a session is certainly used by: nobody sends, or has logged in, without one. */
const usedBy: ReadonlySet<string> = new Set(['login', 'send']);

/**
 * A session lives for `idleMs` after its last use, whatever clocks do. What was answered was used when it was asked for or later, and before the
 * answer.
 */
export function checkSessions(
  answers: readonly Answer[],
  lost: readonly LostSession[],
  idleMs: number,
): Violation[] {
  const violations: Violation[] = [];
  for (const { who, atMs } of lost) {
    const uses = answers.filter(
      (answer) =>
        answer.who === who && answer.said === 'receipt' && usedBy.has(answer.op) && answer.atMs <= atMs,
    );
    const usedMs = Math.max(0, ...uses.map(({ askedAtMs }) => askedAtMs));
    if (uses.length === 0 || atMs >= usedMs + idleMs / FASTEST) continue;
    const idle = `${((atMs - usedMs) / 1_000).toFixed(3)} s after its last use`;
    const text = `${who} lost its session ${idle}; it lives for ${idleMs / 1_000} s`;
    violations.push({ kind: 'session-lost', text });
  }
  return violations;
}
