/** What has become of the message that this user wrote last: one line, kept up to date. Not part of any dialect's replies. */

import { isGroupAddress } from '../../base/addresses.ts';
import type { ClientEvent } from '../../client/index.ts';
import { escapeLine } from '../../protocol/escape.ts';
import type { ClientRequest, ConversationEntry, MessageEntry, Reply } from '../../protocol/requests.ts';

interface Reached {
  readonly delivered: number;
  readonly read: number;
}

type Progress = 'sent' | 'held by the cluster' | 'delivered' | 'read';

const shownChars = 40;
/** Conversations of which it is known how far the others are. */
const mostKnown = 1_000;

export class Marks {
  readonly #show: (line: string | null) => void;
  readonly #reached = new Map<string, Reached>();
  #last: { readonly label: string; conversation: string; sequence: number } | null = null;

  constructor(show: (line: string | null) => void) {
    this.#show = show;
  }

  asked(request: ClientRequest): void {
    const label = labelOf(request);
    if (label === null) return;
    this.#last = { label, conversation: '', sequence: 0 };
    this.#tell('sent');
  }

  answered(request: ClientRequest, reply: Reply): void {
    const last = this.#last;
    if (last === null || labelOf(request) !== last.label) return;
    if (reply.kind !== 'receipt' || reply.value.op !== 'send') {
      this.#last = null;
      this.#show(null);
      return;
    }
    last.conversation = reply.value.conversation;
    last.sequence = reply.value.sequence;
    this.#update();
  }

  took(event: ClientEvent): void {
    if (event.ev !== 'delivered' && event.ev !== 'read') return;
    const { conversation, sequence } = event;
    const known = this.#reached.get(conversation) ?? { delivered: 0, read: 0 };
    // What is read has been delivered.
    const read = Math.max(known.read, event.ev === 'read' ? sequence : 0);
    this.#know(conversation, { delivered: Math.max(known.delivered, sequence), read });
  }

  /** Whoever answers has read what stands above the answer. */
  heard({ conversation, sequence, to }: Pick<MessageEntry, 'conversation' | 'sequence' | 'to'>): void {
    if (!isGroupAddress(to)) this.#know(conversation, { delivered: sequence, read: sequence });
  }

  /** As it stands after a time without events. */
  learn(conversations: readonly ConversationEntry[]): void {
    for (const { conversation, others } of conversations) {
      if (others !== null && conversation === this.#last?.conversation) this.#know(conversation, others);
    }
  }

  #know(conversation: string, reached: Reached): void {
    if (this.#reached.size >= mostKnown) this.#reached.clear();
    this.#reached.set(conversation, reached);
    if (conversation === this.#last?.conversation) this.#update();
  }

  #update(): void {
    const { conversation = '', sequence = 0 } = this.#last ?? {};
    const { delivered, read } = this.#reached.get(conversation) ?? { delivered: 0, read: 0 };
    if (read >= sequence) this.#tell('read');
    else this.#tell(delivered >= sequence ? 'delivered' : 'held by the cluster');
  }

  #tell(progress: Progress): void {
    if (this.#last !== null) this.#show(`${this.#last.label} (${progress})`);
  }
}

function labelOf(request: ClientRequest): string | null {
  if (request.op !== 'send') return null;
  const text = escapeLine(request.text);
  const shown = text.length > shownChars ? `${text.slice(0, shownChars)}…` : text;
  return `to ${escapeLine(request.to)}: ${shown}`;
}
