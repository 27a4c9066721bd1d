/** What all amendments ask: is there such a message, and is who asks in its conversation. */

import type { Conversation } from '../conversations/conversation.ts';
import type { MessageReference } from '../vocabulary/amendment-types.ts';
import type { Account, RejectionCode, Result } from '../vocabulary/types.ts';
import { accept, type Context } from './context.ts';

export interface Amendable {
  readonly conversation: Conversation;
  readonly actor: Account;
}

/** A message that was deleted is there for nobody. */
export function amendable({ actor, tables }: Context, message: MessageReference): Amendable | RejectionCode {
  if (actor === null) return 'AUTH_REQUIRED';
  const conversation = tables.conversations.byId(message.conversation);
  // To a stranger a conversation is as if it were not there.
  if (conversation?.includes(actor.id) !== true) return 'UNKNOWN_MESSAGE';
  const { firstSequence, lastSequence } = conversation;
  const isKept = message.sequence >= firstSequence && message.sequence <= lastSequence;
  const isThere = message.from !== 0 && isKept;
  if (!isThere || tables.amendments.of(conversation.id, message.sequence)?.isDeleted === true) {
    return 'UNKNOWN_MESSAGE';
  }
  return { conversation, actor };
}

/** Nothing is changed by it any more. */
export function unchanged({ tables }: Context, { conversation, sequence }: MessageReference): Result {
  const revision = tables.amendments.of(conversation, sequence)?.revision ?? 0;
  const index = tables.amendments.headOf(conversation)?.lastIndex ?? 0;
  return accept({ kind: 'amended', conversation, sequence, revision, index });
}
