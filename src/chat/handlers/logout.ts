import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';
import { endSession } from './end-session.ts';

type Logout = Extract<Command, { kind: 'logout' }>;

/** Ends the session, also one that never logged in. A raw line connection has none: its gateway forgets the login by itself. */
export function logout(context: Context, _command: Logout): Result {
  const { session, actor } = context;
  if (session !== null) {
    endSession(context, session);
  } else if (actor === null) {
    return reject('AUTH_REQUIRED');
  }
  return accept({ kind: 'logged-out' });
}
