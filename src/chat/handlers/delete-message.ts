import type { Command, Result } from '../vocabulary/types.ts';
import { amend } from './amend.ts';
import { amendable, unchanged } from './amendment-rights.ts';
import { type Context, reject } from './context.ts';

type DeleteMessage = Extract<Command, { kind: 'delete-message' }>;

/** Its author's, and the owner's of the group that it is in. Its place stays, so that sequences have no gap; its file is nobody's any more. */
export function deleteMessage(context: Context, { message }: DeleteMessage): Result {
  const { actor, tables } = context;
  const conversation = tables.conversations.byId(message.conversation);
  const isGone = tables.amendments.of(message.conversation, message.sequence)?.isDeleted === true;
  if (actor !== null && isGone && conversation?.includes(actor.id) === true)
    return unchanged(context, message);
  const found = amendable(context, message);
  if (typeof found === 'string') return reject(found);
  const isOwner = found.conversation.kind === 'group' && found.conversation.owner === found.actor.id;
  if (message.from !== found.actor.id && !isOwner) return reject('DENIED');
  tables.files.release(message.index);
  return amend(context, message, found.actor, { kind: 'deleted' });
}
