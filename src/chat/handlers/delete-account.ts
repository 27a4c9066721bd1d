import { accountKey } from '../accounts/attempts.ts';
import { foldName } from '../names/names.ts';
import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';
import { endSession } from './end-session.ts';
import { depart } from './group-rights.ts';
import { endTokensOf } from './revoke-token.ts';

type DeleteAccount = Extract<Command, { kind: 'delete-account' }>;

/** Also how a guest leaves. */
export function deleteAccount(context: Context, command: DeleteAccount): Result {
  const { actor } = context;
  if (actor === null) return reject('AUTH_REQUIRED');
  if (foldName(command.name) !== foldName(actor.name)) return reject('DENIED');
  removeAccount(context);
  return accept({ kind: 'account-deleted', account: actor.id, name: actor.name });
}

/**
 * All of the actor's account goes: name, sessions, cursors. Its messages stay with those who still are in the conversation. The
 * name may be registered again, as another account that inherits nothing.
 */
export function removeAccount(context: Context): void {
  const { actor, tables } = context;
  if (actor === null) return;
  for (const own of tables.sessions.of(actor.id)) {
    // As a tombstone: the retry of this request must get its answer, and a late retry of the registration must not bring
    // the account back.
    if (!own.ended) endSession(context, own);
  }
  endTokensOf(context, actor.id);
  tables.hooks.removeOf(actor.id);
  tables.files.cancelAll(actor.id);
  const own = [...tables.conversations.of(actor.id)];
  // In an order that does not depend on whether this node was restored: events come in it.
  own.sort((a, b) => (a.id < b.id ? -1 : 1));
  for (const conversation of own) {
    if (conversation.kind === 'group') depart(context, conversation, actor, 'deleted');
    else tables.senders.forgetConversation(conversation.id);
  }
  tables.conversations.leaveDirect(actor.id);
  tables.senders.remove(actor.id);
  tables.leases.drop(actor.id);
  tables.keyedAnswers.drop(actor.id);
  tables.attempts.forget(accountKey(actor.id));
  tables.administrators.revoke(actor.id);
  tables.accounts.remove(actor.id);
  context.emit({ kind: 'account-deleted', account: actor.id, name: actor.name });
}
