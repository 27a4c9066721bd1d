import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';

type Acknowledge = Extract<Command, { kind: 'acknowledge' }>;

/** A node's own command, as `advance-cursors` is, for readers that acknowledge each message by itself and in any order. */
export function acknowledge(context: Context, command: Acknowledge): Result {
  if (context.session !== null || context.actor !== null) return reject('DENIED');
  const { conversations, senders } = context.tables;
  for (const { account, conversation, sequence } of command.messages) {
    conversations.acknowledge(conversation, account, sequence);
    // Whatever the member's place remembers: each receipt stands for itself.
    const receipt = senders.settle(conversation, account, sequence);
    if (receipt !== null) context.emit({ kind: 'receipt', receipt });
  }
  for (const { account, number } of command.receipts) senders.confirm(account, number);
  return accept({ kind: 'cursors-advanced' });
}
