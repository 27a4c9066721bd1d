import type { Command, Result } from '../types.ts';
import { accept, type Context, reject } from './context.ts';

type Logout = Extract<Command, { kind: 'logout' }>;

/** Ends the session, also one that never logged in. A raw line connection has none: its gateway forgets the login by itself. */
export function logout(context: Context, _command: Logout): Result {
  const { moment, session, actor, tables } = context;
  if (session !== null) {
    tables.sessions.end(session, moment);
    context.emit({ kind: 'session-ended', session: session.id });
  } else if (actor === null) {
    return reject('AUTH_REQUIRED');
  }
  return accept({ kind: 'logged-out' });
}
