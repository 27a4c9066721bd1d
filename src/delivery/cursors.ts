/**
 * Delivered and read cursors of this node's readers on their way into the replicated state: coalesced per account and conversation. Not
 * one log entry per message read.
 */
import type { Clock } from '../base/clock.ts';
import { lobbyId } from '../chat/conversations/conversation.ts';
import type { AccountId, ConversationId, CursorAdvance } from '../chat/vocabulary/types.ts';
import { Coalescer } from './coalescer.ts';
import type { ProposeCursors } from './ports.ts';

export const flushMs = 250;
/** Cursors in one proposal. */
export const batchCursors = 1_024;
/** Cursors that wait. Above it the oldest is forgotten: its reader may see messages once more after a reconnection. */
export const waitingCursors = 131_072;

export class Cursors {
  readonly #facts: Coalescer<CursorAdvance>;

  constructor(clock: Clock, propose: ProposeCursors) {
    this.#facts = new Coalescer({
      clock,
      propose,
      keyOf: ({ account, conversation }) => keyOf(account, conversation),
      join: higher,
      flushMs,
      batchFacts: batchCursors,
      waitingFacts: waitingCursors,
    });
  }

  /** The account has got all messages of the conversation up to `delivered`. Lower than known: without effect. */
  advance(account: AccountId, conversation: ConversationId, delivered: number): void {
    // In the lobby nothing is pending: who was not there reads its history.
    if (conversation !== lobbyId) this.#facts.add({ account, conversation, delivered, read: 0 });
  }

  /** The same for what the person has read. */
  markRead(account: AccountId, conversation: ConversationId, read: number): void {
    this.#facts.add({ account, conversation, delivered: 0, read });
  }

  /** What this node knows beyond the replicated cursor; 0 when nothing. */
  delivered(account: AccountId, conversation: ConversationId): number {
    const known = this.#facts.known(keyOf(account, conversation));
    return Math.max(0, ...known.map(({ delivered }) => delivered));
  }

  /** See `Coalescer`. */
  flush(): Promise<void> {
    return this.#facts.flush();
  }

  flushWithin(ms: number): Promise<void> {
    return this.#facts.flushWithin(ms);
  }

  stop(): void {
    this.#facts.stop();
  }
}

function keyOf(account: AccountId, conversation: ConversationId): string {
  return `${account} ${conversation}`;
}

function higher(known: CursorAdvance, advance: CursorAdvance): CursorAdvance | null {
  if (advance.delivered <= known.delivered && advance.read <= known.read) return null;
  return {
    ...advance,
    delivered: Math.max(known.delivered, advance.delivered),
    read: Math.max(known.read, advance.read),
  };
}
