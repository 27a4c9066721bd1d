import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';

type AdvanceCursors = Extract<Command, { kind: 'advance-cursors' }>;

/**
 * A node's own command, for all its connections at once: never a client's. What no longer applies is passed over (the account
 * left meanwhile, another node was ahead), since nobody waits for an answer to a single cursor.
 */
export function advanceCursors(context: Context, command: AdvanceCursors): Result {
  if (context.session !== null || context.actor !== null) return reject('DENIED');
  const { accounts, conversations, senders } = context.tables;
  for (const { account, conversation, delivered, read } of command.cursors) {
    // In the lobby a place is made for whoever has read: not for an account that is gone.
    if (accounts.byId(account) === undefined) continue;
    const moved = conversations.advance(conversation, account, { delivered, read });
    if (moved === null) continue;
    const advance = {
      account,
      conversation,
      delivered: moved.delivered ? delivered : 0,
      read: moved.read ? read : 0,
    };
    context.emit({ kind: 'cursor-advanced', advance });
    if (!moved.delivered) continue;
    for (const receipt of senders.settleUpTo(conversation, account, delivered)) {
      context.emit({ kind: 'receipt', receipt });
    }
  }
  return accept({ kind: 'cursors-advanced' });
}
