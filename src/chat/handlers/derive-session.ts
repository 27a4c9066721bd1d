import { isSecretHash, isSessionId } from '../sessions/exactly-once.ts';
import type { SessionCommand } from '../vocabulary/session-types.ts';
import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';
import { endSession } from './end-session.ts';

type DeriveSession = Extract<Command, { kind: 'derive-session' }> & SessionCommand;

/** Of a session that was derived itself, or that an access token opened, nothing is derived: whoever stole one has no more than it. The same again is the same session. */
export function deriveSession(context: Context, command: DeriveSession): Result {
  const { moment, session: parent, actor, tables } = context;
  const { session: id, secretHash } = command;
  if (parent === null || actor === null) return reject('AUTH_REQUIRED');
  if (parent.parent !== null || parent.token !== null) return reject('DENIED');
  if (!isSessionId(id) || !isSecretHash(secretHash)) return reject('BAD_REQUEST');
  const known = tables.sessions.byId(id);
  if (known !== undefined) {
    const isSame = known.parent === parent.id && known.secretHash === secretHash && !known.ended;
    return isSame ? accept({ kind: 'session-derived', session: id }) : reject('CONFLICT');
  }
  const oldest = tables.sessions.oldestToMakeRoom(parent);
  if (oldest !== null) endSession(context, oldest);
  tables.sessions.derive(id, secretHash, parent, moment);
  return accept({ kind: 'session-derived', session: id });
}
