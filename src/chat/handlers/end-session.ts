import type { Session } from '../sessions/session.ts';
import type { Context } from './context.ts';

/** With it go those that were derived from it. As tombstones, which answer retries. */
export function endSession(context: Context, session: Session): void {
  for (const { id } of context.tables.sessions.end(session, context.moment)) {
    context.emit({ kind: 'session-ended', session: id });
  }
}
