/** The words under which the index knows who may read a message, and who wrote it. Pure. */
import type { AccountId, ConversationId } from '../chat/vocabulary/types.ts';
import type { ConversationView } from '../chat/vocabulary/view.ts';

/** Of a message's conversation; see `ConversationId`. */
export function scopesOf(conversation: ConversationId): readonly string[] {
  const [kind, first = '', second = ''] = conversation.split(':');
  if (kind === 'd') return first === second ? [`a${first}`] : [`a${first}`, `a${second}`];
  return kind === 'g' ? [`g${first}`] : ['lobby'];
}

/** Of who asks: one of them stands at every message of these conversations. Direct ones share the account's own. */
export function scopesFor(account: AccountId, conversations: readonly ConversationView[]): readonly string[] {
  const scopes = new Set<string>();
  for (const { kind, id } of conversations) {
    for (const scope of kind === 'direct' ? [`a${account}`] : scopesOf(id)) scopes.add(scope);
  }
  return [...scopes];
}

export function senderScope(account: AccountId): string {
  return `f${account}`;
}
