/**
 * From "everything up to this log index has reached the person" to delivered cursors: remembers which message of which conversation was
 * sent under which index until it is acknowledged.
 */
import type { ConversationId } from '../../chat/vocabulary/types.ts';

interface Sent {
  readonly index: number;
  readonly conversation: ConversationId;
  readonly sequence: number;
}

/** Messages remembered singly. Above it, only the newest of each conversation is kept: acknowledged a little later, never too early. */
export const sentMessages = 4_096;

export class Acknowledgements {
  /** Ascending by index. */
  #sent: Sent[] = [];
  #from = 0;

  /** `index` ascends from call to call. */
  note(index: number, conversation: ConversationId, sequence: number): void {
    this.#sent.push({ index, conversation, sequence });
    if (this.#sent.length - this.#from > sentMessages) this.#coarsen();
  }

  /** Highest sequence of each conversation that is acknowledged now and was not before. */
  acknowledge(index: number): ReadonlyMap<ConversationId, number> {
    const reached = new Map<ConversationId, number>();
    for (; this.#from < this.#sent.length; this.#from++) {
      const sent = this.#sent[this.#from];
      if (sent === undefined || sent.index > index) break;
      reached.set(sent.conversation, Math.max(sent.sequence, reached.get(sent.conversation) ?? 0));
    }
    if (this.#from > sentMessages / 2) this.#trim();
    return reached;
  }

  #trim(): void {
    this.#sent = this.#sent.slice(this.#from);
    this.#from = 0;
  }

  #coarsen(): void {
    this.#trim();
    const newest = new Map(this.#sent.map((sent) => [sent.conversation, sent]));
    const kept = [...newest.values()].sort((a, b) => a.index - b.index);
    this.#sent = kept.slice(-sentMessages / 2);
  }
}
