import { foldName } from '../names.ts';
import type { Command, Result } from '../types.ts';
import { accept, type Context, reject } from './context.ts';

type DeleteAccount = Extract<Command, { kind: 'delete-account' }>;

/**
 * All of the account goes: name, sessions, cursors. Its messages stay with those who still are in the conversation. The
 * name may be registered again, as another account that inherits nothing.
 */
export function deleteAccount(context: Context, command: DeleteAccount): Result {
  const { moment, actor, session, tables } = context;
  if (actor === null) return reject('AUTH_REQUIRED');
  if (foldName(command.name) !== foldName(actor.name)) return reject('DENIED');
  for (const own of tables.sessions.of(actor.id)) {
    // The one that asked stays as a tombstone: its retry must get this answer.
    if (own === session) tables.sessions.end(own, moment);
    else tables.sessions.remove(own);
    context.emit({ kind: 'session-ended', session: own.id });
  }
  tables.conversations.leaveAll(actor.id);
  tables.accounts.remove(actor.id);
  context.emit({ kind: 'account-deleted', account: actor.id, name: actor.name });
  return accept({ kind: 'account-deleted', account: actor.id, name: actor.name });
}
