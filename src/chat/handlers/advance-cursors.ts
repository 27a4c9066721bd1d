import type { Command, Result } from '../types.ts';
import { accept, type Context, reject } from './context.ts';

type AdvanceCursors = Extract<Command, { kind: 'advance-cursors' }>;

/**
 * A node's own command, for all its connections at once: never a client's. What no longer applies is passed over (the account
 * left meanwhile, another node was ahead), since nobody waits for an answer to a single cursor.
 */
export function advanceCursors(context: Context, command: AdvanceCursors): Result {
  if (context.session !== null || context.actor !== null) return reject('DENIED');
  for (const advance of command.cursors) {
    const { account, conversation, delivered } = advance;
    if (context.tables.conversations.advance(conversation, account, delivered)) {
      context.emit({ kind: 'delivered', advance });
    }
  }
  return accept({ kind: 'cursors-advanced' });
}
