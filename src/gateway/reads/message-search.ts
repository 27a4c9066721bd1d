/** Messages that hold certain words, of all that an account may read. To be called behind a barrier. */
import { CodedError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { AccountId } from '../../chat/vocabulary/types.ts';
import type { ChatView, ConversationView } from '../../chat/vocabulary/view.ts';
import type { FindRequest, MessageEntry, Success } from '../../protocol/requests.ts';
import type { Hit } from '../../search/ports.ts';
import type { Search } from '../../search/search.ts';
import { readWords } from '../../search/words.ts';
import type { HistoryReader } from './history.ts';

export type SearchPort = Pick<Search, 'find' | 'missing' | 'applied' | 'reset'>;

type Found = Extract<Success, { op: 'find' }>;

/** JSON of the messages in one answer: a frame holds it with room for the rest. The next page goes on below `next`. */
const replyBytes = limits.frameBytes - 4_096;

export class MessageSearch {
  readonly #view: ChatView;
  readonly #history: HistoryReader;
  readonly #search: SearchPort | null;

  /** `search` null: this node has none. */
  constructor(view: ChatView, history: HistoryReader, search: SearchPort | null) {
    this.#view = view;
    this.#history = history;
    this.#search = search;
  }

  async find(account: AccountId, request: FindRequest): Promise<Found> {
    if (this.#search === null) throw new CodedError('UNAVAILABLE', 'This node has no search index.');
    if (request.text.length > limits.findTextChars) throw new CodedError('TOO_LONG');
    const words = readWords(request.text);
    const from = request.from === undefined ? null : this.#sender(request.from);
    if (from === null && words.every(({ isExcluded }) => isExcluded)) {
      throw new CodedError('BAD_REQUEST', 'There is no word to look for.');
    }
    const conversations = this.#readable(account, request.with);
    const { limit = limits.findDefaultMessages, before = null } = request;
    const question = { account, conversations, words, from, before, limit };
    const { hits, complete } = await this.#search.find(question);
    const found = await this.#read(account, hits);
    // As many hits as were wanted: there may be more, also where some of them are no longer to be read.
    const last = found.stoppedAt ?? (hits.length < limit ? null : (hits.at(-1)?.id ?? null));
    return { op: 'find', messages: found.messages, complete, next: last };
  }

  #sender(name: string): AccountId {
    const account = this.#view.accountByName(name);
    if (account === undefined) throw new CodedError('UNKNOWN_USER');
    return account.id;
  }

  #readable(account: AccountId, address: string | undefined): readonly ConversationView[] {
    if (address === undefined) return this.#view.conversationsOf(account);
    const one = this.#history.conversation(account, address);
    return one === null ? [] : [one];
  }

  /** In their order, as many as fit. What was taken away since, or is not this account's any more, is left out. */
  async #read(account: AccountId, hits: readonly Hit[]): Promise<Page> {
    const messages: MessageEntry[] = [];
    let bytes = 0;
    for (const { conversation, sequence, id } of hits) {
      if (this.#view.conversation(conversation)?.includes(account) !== true) continue;
      const [entry] = await this.#history.page(conversation, sequence, sequence);
      if (entry === undefined || entry.index !== id || entry.deleted === true) continue;
      bytes += Buffer.byteLength(JSON.stringify(entry)) + 1;
      if (bytes > replyBytes) return { messages, stoppedAt: messages.at(-1)?.index ?? null };
      messages.push(entry);
    }
    return { messages, stoppedAt: null };
  }
}

interface Page {
  readonly messages: readonly MessageEntry[];
  /** The answer was full behind this one. */
  readonly stoppedAt: number | null;
}
