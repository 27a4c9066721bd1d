/** A conversation again, from the store: as one bounded reply, or in pages for a reader that takes its time. */
import { CodedError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { decodeMessage } from '../chat/message-codec.ts';
import type { AccountId, ChatView, ConversationView, Message } from '../chat/types.ts';
import { deletedAccountName, type MessageEntry, type ReadRequest } from '../protocol/requests.ts';
import type { StateStore } from '../store/state-store.ts';

export type HistoryStore = Pick<StateStore, 'readStream'>;
export type HistoryRequest = Extract<ReadRequest, { op: 'history' }>;

const pageRecords = 64;
/** JSON of the messages in one reply: a frame holds it with room for the rest. The client pages back with `before`. */
const replyBytes = limits.frameBytes - 4_096;

export class HistoryReader {
  readonly #view: ChatView;
  readonly #store: HistoryStore;

  constructor(view: ChatView, store: HistoryStore) {
    this.#view = view;
    this.#store = store;
  }

  /**
   * The newest messages, oldest first: as many as asked for, or as fit one frame. Throws `CodedError` UNKNOWN_USER. To be called
   * behind a barrier.
   */
  async newest(account: AccountId, request: HistoryRequest): Promise<readonly MessageEntry[]> {
    const range = this.#range(account, request);
    if (range === null) return [];
    const pages: MessageEntry[][] = [];
    let bytes = 0;
    for (let to = range.to; to >= range.from; to -= pageRecords) {
      const from = Math.max(range.from, to - pageRecords + 1);
      const page = await this.#page(range.conversation, from, to);
      const kept: MessageEntry[] = [];
      for (const entry of page.reverse()) {
        bytes += Buffer.byteLength(JSON.stringify(entry)) + 1;
        if (bytes > replyBytes) break;
        kept.push(entry);
      }
      pages.push(kept.reverse());
      if (bytes > replyBytes) break;
    }
    return pages.reverse().flat();
  }

  /** The same messages, ascending, as the consumer asks for them. Throws `CodedError` UNKNOWN_USER at once. */
  pages(account: AccountId, request: HistoryRequest): AsyncGenerator<readonly MessageEntry[], void, void> {
    return this.#pagesOf(this.#range(account, request));
  }

  async *#pagesOf(
    range: { readonly conversation: string; readonly from: number; readonly to: number } | null,
  ): AsyncGenerator<readonly MessageEntry[], void, void> {
    if (range === null) return;
    for (let from = range.from; from <= range.to; from += pageRecords) {
      const page = await this.#page(range.conversation, from, Math.min(range.to, from + pageRecords - 1));
      if (page.length === 0) return;
      yield page;
    }
  }

  #range(
    account: AccountId,
    request: HistoryRequest,
  ): { readonly conversation: string; readonly from: number; readonly to: number } | null {
    const conversation = this.#conversation(account, request.with);
    if (conversation === undefined) return null;
    const to = Math.min(conversation.lastSequence, (request.before ?? Number.MAX_SAFE_INTEGER) - 1);
    const limit = Math.min(Math.max(request.limit, 1), limits.historyMessages);
    return { conversation: conversation.id, from: Math.max(1, to - limit + 1), to };
  }

  #conversation(account: AccountId, name: string): ConversationView | undefined {
    const other = this.#view.accountByName(name);
    if (other === undefined) throw new CodedError('UNKNOWN_USER');
    return this.#view.conversation(this.#view.directConversation(account, other.id));
  }

  async #page(conversation: string, from: number, to: number): Promise<MessageEntry[]> {
    const records = await this.#store.readStream(conversation, { from, to, limit: pageRecords });
    return records.map(({ sequence, record }) => this.#entry(decodeMessage(conversation, sequence, record)));
  }

  #entry(message: Message): MessageEntry {
    const { conversation, sequence, index, text, sentMs } = message;
    return {
      conversation,
      sequence,
      index,
      from: this.#nameOf(message.from),
      to: this.#nameOf(message.to),
      text,
      sentMs,
    };
  }

  #nameOf(account: AccountId): string {
    return this.#view.accountById(account)?.name ?? deletedAccountName;
  }
}
