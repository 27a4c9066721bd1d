/** A conversation again, from the store: as one bounded reply, or in pages for a reader that takes its time. */

import { groupNameIn, lobbyName } from '../../base/addresses.ts';
import type { Clock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { decodeMessage } from '../../chat/codecs/message-codec.ts';
import { lobbyId } from '../../chat/conversations/conversation.ts';
import { foldName } from '../../chat/names/names.ts';
import type { AccountId } from '../../chat/vocabulary/types.ts';
import type { ChatView, ConversationView } from '../../chat/vocabulary/view.ts';
import { addressOf } from '../../delivery/catch-up.ts';
import { type PresentMessage, type PresentPorts, presentForms } from '../../delivery/present-form.ts';
import { deletedAccountName, type HistoryRequest, type MessageEntry } from '../../protocol/requests.ts';
import type { StateStore } from '../../store/state-store.ts';
import { isWithNobody } from './conversation-reads.ts';
import { entryOf } from './entries.ts';

export type HistoryStore = Pick<StateStore, 'readStream'>;

export interface HistoryOptions {
  readonly view: ChatView;
  readonly store: HistoryStore;
  readonly clock: Clock;
}

const pauseMs = 5;
const pageRecords = 64;
/** JSON of the messages in one reply: a frame holds it with room for the rest. The client pages back with `before`. */
const replyBytes = limits.frameBytes - 4_096;

export class HistoryReader {
  readonly #view: ChatView;
  readonly #store: HistoryStore;

  readonly #present: PresentPorts;

  constructor({ view, store, clock }: HistoryOptions) {
    this.#view = view;
    this.#store = store;
    const pause = (): Promise<void> => new Promise((resolve) => clock.after(pauseMs, resolve));
    this.#present = { view, store, pause };
  }

  /** As the request says, oldest first: as many as asked for, or as fit one frame. To be called behind a barrier. */
  async one(account: AccountId, request: HistoryRequest): Promise<readonly MessageEntry[]> {
    const range = await this.#range(this.conversation(account, request.with), request);
    const fromStart = isAscending(request);
    const kept: MessageEntry[] = [];
    let bytes = 0;
    for (let done = 0; range.from + done <= range.to; done += pageRecords) {
      const count = Math.min(pageRecords, range.to - range.from - done + 1);
      const from = fromStart ? range.from + done : range.to - done - count + 1;
      const page = await this.page(range.conversation, from, from + count - 1);
      for (const entry of fromStart ? page : page.reverse()) {
        bytes += Buffer.byteLength(JSON.stringify(entry)) + 1;
        if (bytes > replyBytes) return fromStart ? kept : kept.reverse();
        kept.push(entry);
      }
      if (page.length < count) break;
    }
    return fromStart ? kept : kept.reverse();
  }

  /** The same messages, ascending, as the consumer asks for them. Throws `CodedError` at once when they are not to be read. */
  pages(account: AccountId, request: HistoryRequest): AsyncGenerator<readonly MessageEntry[], void, void> {
    return this.#pagesOf(this.conversation(account, request.with), request);
  }

  async *#pagesOf(
    conversation: ConversationView | null,
    request: HistoryRequest,
  ): AsyncGenerator<readonly MessageEntry[], void, void> {
    const range = await this.#range(conversation, request);
    for (let from = range.from; from <= range.to; from += pageRecords) {
      const page = await this.page(range.conversation, from, Math.min(range.to, from + pageRecords - 1));
      if (page.length === 0) return;
      yield page;
    }
  }

  async #range(conversation: ConversationView | null, request: HistoryRequest): Promise<Range> {
    if (conversation === null) return { conversation: '', from: 1, to: 0 };
    const { id, firstSequence, lastSequence } = conversation;
    const last = Math.min(lastSequence, (request.before ?? Number.MAX_SAFE_INTEGER) - 1);
    const limit = Math.min(Math.max(request.limit, 1), limits.historyMessages);
    if (!isAscending(request))
      return { conversation: id, from: Math.max(firstSequence, last - limit + 1), to: last };
    const since =
      request.since === undefined
        ? firstSequence
        : await this.#firstSince(id, firstSequence, lastSequence, request.since);
    const from = Math.max(firstSequence, since, (request.after ?? 0) + 1);
    return { conversation: id, from, to: Math.min(last, from + limit - 1) };
  }

  /** First sequence sent at `sinceMs` or later, by halving: times never fall within a conversation. */
  async #firstSince(conversation: string, first: number, last: number, sinceMs: number): Promise<number> {
    let from = first;
    let to = last + 1;
    while (from < to) {
      const middle = Math.floor((from + to) / 2);
      const [record] = await this.#store.readStream(conversation, { from: middle, to: middle, limit: 1 });
      const isLater =
        record === undefined || decodeMessage(conversation, middle, record.record).sentMs >= sinceMs;
      if (isLater) to = middle;
      else from = middle + 1;
    }
    return from;
  }

  /**
   * Null: there is none yet, and there may be one. Throws `CodedError` when there cannot be one, or when it is not this account's to read: a
   * closed group is to a stranger as if it were not there.
   */
  conversation(account: AccountId, address: string): ConversationView | null {
    // No name holds a colon: the id of a conversation, perhaps one with somebody who is gone.
    if (address.includes(':')) return this.#known(account, address);
    const groupName = groupNameIn(address);
    if (address === deletedAccountName) return this.#newestWithNobody(account);
    if (groupName === null) {
      const other = this.#view.accountByName(address);
      if (other === undefined) throw new CodedError('UNKNOWN_USER');
      return this.#view.conversation(this.#view.directConversation(account, other.id)) ?? null;
    }
    if (foldName(groupName) === lobbyName) return this.#view.conversation(lobbyId) ?? null;
    const group = this.#view.groupByName(groupName);
    if (group?.includes(account)) return group;
    throw new CodedError(group?.passwordHash === null ? 'NOT_A_MEMBER' : 'UNKNOWN_GROUP');
  }

  /** Whoever is gone has no name to ask by, and on a line nobody sees the id of a conversation. */
  #newestWithNobody(account: AccountId): ConversationView {
    let newest: ConversationView | null = null;
    for (const conversation of this.#view.conversationsOf(account)) {
      const isOlder = newest !== null && newest.lastIndex > conversation.lastIndex;
      if (!isOlder && isWithNobody(conversation, account)) newest = conversation;
    }
    if (newest === null) throw new CodedError('UNKNOWN_USER');
    return newest;
  }

  #known(account: AccountId, id: string): ConversationView {
    const conversation = this.#view.conversation(id);
    if (conversation?.includes(account)) return conversation;
    throw new CodedError(conversation?.kind === 'group' ? 'UNKNOWN_GROUP' : 'UNKNOWN_USER');
  }

  /** At most a page of them, whoever asks: whether these are to be read is decided before. */
  async page(conversation: string, from: number, to: number): Promise<MessageEntry[]> {
    const records = await this.#store.readStream(conversation, { from, to, limit: pageRecords });
    const sent = records.map(({ sequence, record }) => decodeMessage(conversation, sequence, record));
    return (await presentForms(this.#present, sent)).map((one) => this.#entry(one));
  }

  #entry({ message, state }: PresentMessage): MessageEntry {
    const from = this.#view.accountById(message.from)?.name ?? deletedAccountName;
    return entryOf(message, from, addressOf(this.#view, message), state);
  }
}

interface Range {
  readonly conversation: string;
  readonly from: number;
  readonly to: number;
}

function isAscending({ after, since }: HistoryRequest): boolean {
  return after !== undefined || since !== undefined;
}
