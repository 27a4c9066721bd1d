/** How far a native connection's person got: from acknowledged log indexes and read marks to the cursors of the account. */
import type { AccountId, ConversationId } from '../../chat/vocabulary/types.ts';
import type { ChatView } from '../../chat/vocabulary/view.ts';
import type { Cursors } from '../../delivery/cursors.ts';
import type { Push } from '../../delivery/ports.ts';
import { Acknowledgements } from './acknowledgements.ts';

export class ReaderProgress {
  readonly #view: ChatView;
  readonly #cursors: Cursors;
  readonly #acknowledgements = new Acknowledgements();

  constructor(view: ChatView, cursors: Cursors) {
    this.#view = view;
    this.#cursors = cursors;
  }

  pushed({ message }: Push): void {
    this.#acknowledgements.note(message.index, message.conversation, message.sequence);
  }

  /** Conversations that a resuming reader has seen whole: acknowledging `after` or more moves their cursors too. */
  resumed(account: AccountId, after: number): void {
    const seen = this.#view
      .conversationsOf(account)
      .filter((one) => one.lastIndex <= after && one.delivered(account) < one.lastSequence)
      .sort((a, b) => a.lastIndex - b.lastIndex);
    for (const { id, lastIndex, lastSequence } of seen) {
      this.#acknowledgements.note(lastIndex, id, lastSequence);
    }
  }

  acknowledged(account: AccountId, index: number): void {
    for (const [conversation, sequence] of this.#acknowledgements.acknowledge(index)) {
      this.#cursors.advance(account, conversation, sequence);
    }
  }

  /** Nothing is kept for what does not exist. Whether there is such a message the state knows: this node may be behind another one. */
  read(account: AccountId, conversation: ConversationId, sequence: number): void {
    if (this.#view.conversation(conversation)?.includes(account) !== true) return;
    this.#cursors.markRead(account, conversation, sequence);
  }
}
