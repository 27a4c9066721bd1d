/**
 * For readers that acknowledge each message by itself, in any order, and confirm each receipt: the messenger dialect. What they said is
 * proposed in small batches and known on this node at once.
 */
import type { Clock } from '../base/clock.ts';
import { lobbyId } from '../chat/conversations/conversation.ts';
import type {
  AccountId,
  ConversationId,
  MessageAcknowledgement,
  ReceiptConfirmation,
} from '../chat/vocabulary/types.ts';
import { Coalescer } from './coalescer.ts';

export interface Acknowledgement {
  readonly messages: readonly MessageAcknowledgement[];
  readonly receipts: readonly ReceiptConfirmation[];
}

/** As `ProposeCursors`. */
export type ProposeAcknowledgement = (acknowledgement: Acknowledgement) => Promise<boolean>;

/** Short: a sender waits for its receipt. */
export const acknowledgeMs = 20;
const batchFacts = 1_024;
const waitingFacts = 131_072;

type Fact = MessageAcknowledgement | ReceiptConfirmation;

export class Acknowledger {
  readonly #facts: Coalescer<Fact>;

  constructor(clock: Clock, propose: ProposeAcknowledgement) {
    this.#facts = new Coalescer<Fact>({
      clock,
      propose: (batch) =>
        propose({
          messages: batch.filter((fact) => 'conversation' in fact),
          receipts: batch.filter((fact) => 'number' in fact),
        }),
      keyOf,
      // Said once is said.
      join: () => null,
      flushMs: acknowledgeMs,
      batchFacts,
      waitingFacts,
    });
  }

  /** This message has reached the account, whatever became of those before it. */
  acknowledge(account: AccountId, conversation: ConversationId, sequence: number): void {
    if (conversation !== lobbyId) this.#facts.add({ account, conversation, sequence });
  }

  /** The account, its sender, knows that the message with this number was delivered. */
  confirm(account: AccountId, number: number): void {
    this.#facts.add({ account, number });
  }

  /** Said here, and perhaps not yet in the replicated state. */
  isAcknowledged(account: AccountId, conversation: ConversationId, sequence: number): boolean {
    return this.#facts.known(keyOf({ account, conversation, sequence })).length > 0;
  }

  isConfirmed(account: AccountId, number: number): boolean {
    return this.#facts.known(keyOf({ account, number })).length > 0;
  }

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

function keyOf(fact: Fact): string {
  return 'number' in fact
    ? `${fact.account} ${fact.number}`
    : `${fact.account} ${fact.conversation} ${fact.sequence}`;
}
