/** How far a message of this person has come. */
import type { Conversation } from './conversations.ts';
import type { OutboxState } from './outbox.ts';

export type Mark = 'waiting' | 'sent' | 'held' | 'delivered' | 'read' | 'refused' | 'unknown';

/** Of a message that stands in its conversation: at least held by a majority, or nobody would have been told of it. */
export function markOf({ others }: Pick<Conversation, 'others'>, sequence: number): Mark {
  if (others === null) return 'held';
  if (others.read >= sequence) return 'read';
  return others.delivered >= sequence ? 'delivered' : 'held';
}

export function markOfEntry(state: OutboxState, isConnected: boolean): Mark {
  return state.kind === 'sent' && !isConnected ? 'waiting' : state.kind;
}
