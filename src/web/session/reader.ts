/** What was said, from the cluster to the page: messages as they come, pages of the past as they are asked for, and read marks. */
import type { Client } from '../../client/client.ts';
import type { ClientEvent } from '../../client/types.ts';
import type { AmendedEntry } from '../../protocol/amendments.ts';
import { deletedAccountName, type MessageEntry } from '../../protocol/requests.ts';
import { afterAmendment, withAmendments } from '../model/amendments.ts';
import type { AppState } from '../model/app-state.ts';
import {
  addressOf,
  afterList,
  afterMessage,
  afterProgress,
  afterReading,
  byAddress,
  type Conversation,
  inOrder,
  newConversation,
  opened,
  renamedGroups,
  replaced,
} from '../model/conversations.ts';
import {
  type MessageWindow,
  trimmed,
  windowAround,
  windowOfNewest,
  withLive,
  withNewer,
  withOlder,
} from '../model/message-window.ts';
import { afterOwnMessage } from '../model/outbox.ts';
import { withoutTyping } from '../model/presence.ts';
import { calls } from '../model/text-parts.ts';
import type { Attention } from './ports.ts';
import type { Store } from './store.ts';

/** Of a page of the past. */
const pageMessages = 100;
const aroundMessages = 40;
/** Conversations whose last message is shown in the list from the beginning. */
const previewed = 40;
/** Kept loaded of a conversation that is left. */
const keptMessages = 200;
/** Told while pages of the past are asked for; more than come in that time. */
const keptAmendments = 1_000;

/** A message of somebody else, told for the first time. */
export interface Arrived {
  readonly message: MessageEntry;
  readonly address: string;
  /** It is read already. */
  readonly isSeen: boolean;
  readonly isCalled: boolean;
}

export interface ReaderOptions {
  readonly client: Pick<Client, 'onMessage' | 'onEvent' | 'conversations' | 'history' | 'markRead'>;
  readonly store: Store<AppState>;
  readonly onArrival: (arrived: Arrived) => void;
  /** Before the new name is shown. */
  readonly onRenamed: (before: string, after: string) => void;
  /** A group was to come up that this person is not in. */
  readonly onStranger: (address: string) => void;
}

export class Reader {
  readonly #options: ReaderOptions;
  #attention: Attention = { isVisible: true, isAtEnd: false };
  #listing: Promise<void> | null = null;
  #nextList: Promise<void> | null = null;
  /** Counts the places that came up: what was asked for another one comes too late. */
  #place = 0;
  /** Pages of the past that are asked for now. */
  #asked = 0;
  #amended: AmendedEntry[] = [];

  constructor(options: ReaderOptions) {
    this.#options = options;
    const { client } = options;
    client.onMessage((message) => this.#take(message));
    client.onEvent((event) => this.#happened(event));
  }

  /**
   * Asked now and then, while somebody looks: how far others are, which is told in direct conversations only, and what this person has read on
   * another device.
   */
  keepCurrent(): void {
    const isUnread = [...this.#state.conversations.values()].some(({ unread }) => unread > 0);
    if (this.#attention.isVisible && (isUnread || this.#open()?.kind === 'group')) void this.list();
  }

  /** The list anew, as it is at the call or later: while one is being answered, one more behind that, for all who ask meanwhile. */
  list(): Promise<void> {
    if (this.#listing === null) {
      this.#listing = this.#readList().finally(() => {
        this.#listing = null;
      });
      return this.#listing;
    }
    this.#nextList ??= this.#listing.then(() => {
      this.#nextList = null;
      return this.list();
    });
    return this.#nextList;
  }

  async #readList(): Promise<void> {
    const outcome = await this.#options.client.conversations();
    if (outcome.kind !== 'receipt') return;
    const { conversations } = outcome.value;
    const { isListed, conversations: before } = this.#state;
    const wanted = isListed ? undefined : this.#open()?.name;
    const after = afterList(before, conversations);
    for (const [old, name] of renamedGroups(before, after)) this.#options.onRenamed(old, name);
    this.#update((state) => ({ ...state, conversations: after, isListed: true }));
    this.#keepOpen();
    // It was opened before anything was known of it.
    if (wanted !== undefined) await this.open(wanted);
    await this.#preview();
  }

  /** The conversation with that address comes up, at its newest message or its first unread one. */
  async open(address: string): Promise<void> {
    this.leave();
    this.#place += 1;
    const known = byAddress(this.#state.conversations, address) ?? newConversation(address);
    if (this.#state.isListed && known.kind === 'group' && known.id.startsWith('to:')) {
      this.#options.onStranger(address);
      return;
    }
    const conversation = opened(known);
    this.#attention = { ...this.#attention, isAtEnd: false };
    this.#update((state) => ({
      ...state,
      conversations: replaced(state.conversations, conversation),
      openId: conversation.id,
      isNowhere: false,
      loading: { older: false, newer: false },
      intent: { kind: 'say' },
    }));
    if (conversation.window.messages.length < Math.min(pageMessages, conversation.lastSequence)) {
      await this.#loadFirst(conversation);
    }
  }

  leave(): void {
    if (this.#state.isNowhere) this.#update((state) => ({ ...state, isNowhere: false }));
    const open = this.#open();
    if (open === null) return;
    const left = { ...open, marker: null, window: trimmed(open.window, keptMessages) };
    this.#update((state) => ({ ...state, conversations: replaced(state.conversations, left), openId: null }));
  }

  async loadOlder(): Promise<void> {
    const open = this.#open();
    const before = open?.window.messages[0]?.sequence;
    if (open === null || before === undefined || !open.window.hasOlder || this.#state.loading.older) return;
    this.#load('older', true);
    const place = this.#place;
    const messages = await this.#history(open, { before, limit: pageMessages });
    if (place !== this.#place) return;
    if (messages !== null) this.#window(open.id, (window) => withOlder(window, messages, pageMessages));
    this.#load('older', false);
  }

  async loadNewer(): Promise<void> {
    const open = this.#open();
    const after = open?.window.messages.at(-1)?.sequence;
    if (open === null || after === undefined || !open.window.hasNewer || this.#state.loading.newer) return;
    this.#load('newer', true);
    const place = this.#place;
    const messages = await this.#history(open, { after, limit: pageMessages });
    if (place !== this.#place) return;
    const last = this.#open()?.lastSequence ?? 0;
    if (messages !== null) this.#window(open.id, (window) => withNewer(window, messages, last));
    this.#load('newer', false);
    this.look(this.#attention);
  }

  async jumpToNewest(): Promise<void> {
    const open = this.#open();
    if (open?.window.hasNewer !== true) return;
    this.#place += 1;
    await this.#loadFirst({ ...open, marker: null });
  }

  /** A place in the past comes up. Resolves whether it is there. */
  async jumpTo(sequence: number): Promise<boolean> {
    const open = this.#open();
    if (open === null) return false;
    const isThere = (window: MessageWindow): boolean =>
      window.messages.some((message) => message.sequence === sequence);
    if (isThere(open.window)) return true;
    const after = Math.max(0, sequence - aroundMessages / 2);
    this.#place += 1;
    const place = this.#place;
    this.#update((state) => ({ ...state, loading: { older: false, newer: false } }));
    const messages = await this.#history(open, { after, limit: aroundMessages });
    if (messages === null || place !== this.#place) return false;
    const window = windowAround(messages, open.lastSequence);
    this.#window(open.id, () => window);
    return isThere(window);
  }

  /** Where people look: what they see is read. */
  look(attention: Attention): void {
    const isBack = attention.isVisible && !this.#attention.isVisible;
    this.#attention = attention;
    // Meanwhile they may have read elsewhere.
    if (isBack) this.keepCurrent();
    const open = this.#open();
    if (open === null || !attention.isVisible || !attention.isAtEnd || open.window.hasNewer) return;
    this.#markRead(open);
  }

  #markRead(conversation: Conversation): void {
    const { id, lastSequence, read, unread } = conversation;
    if (lastSequence <= read && unread === 0) return;
    this.#options.client.markRead(id, lastSequence);
    this.#conversation(id, (known) => afterReading(known, lastSequence));
  }

  #take(message: MessageEntry): void {
    const { me, openId } = this.#state;
    const address = addressOf(message, me);
    const isOwn = message.from === me;
    const open = this.#open();
    const isOpen = openId === message.conversation || open?.id === `to:${address}`;
    const isSeen =
      isOpen && this.#attention.isVisible && this.#attention.isAtEnd && open?.window.hasNewer !== true;
    const isCalled = !isOwn && calls(message.text, me);
    const isNews =
      message.sequence > (this.#state.conversations.get(message.conversation)?.lastSequence ?? 0);
    this.#update((state) => ({
      ...state,
      conversations: afterMessage(state.conversations, { message, me, isSeen, isCalled }),
      openId: isOpen ? message.conversation : state.openId,
      typing: withoutTyping(state.typing, message.conversation, message.from),
      outbox: isOwn ? afterOwnMessage(state.outbox, message) : state.outbox,
    }));
    if (isSeen && !isOwn) this.#options.client.markRead(message.conversation, message.sequence);
    if (!isOwn && isNews) this.#options.onArrival({ message, address, isSeen, isCalled });
  }

  #happened(event: ClientEvent): void {
    switch (event.ev) {
      case 'delivered':
      case 'read': {
        const { ev, conversation, sequence, by } = event;
        if (by !== this.#state.me) {
          this.#conversation(conversation, (known) => afterProgress(known, ev, sequence));
        }
        return;
      }
      case 'amended':
        if (this.#asked > 0) this.#amended = [...this.#amended.slice(1 - keptAmendments), event];
        this.#conversation(event.conversation, (known) => afterAmendment(known, event));
        return;
      case 'group':
        // Told once and not kept: the list has what counts.
        this.#update((state) => ({ ...state, groupNews: state.groupNews + 1 }));
        void this.list();
        return;
      case 'presence':
      case 'typing':
        return;
    }
  }

  /** The list may have given the open conversation its name, or taken it away. */
  #keepOpen(): void {
    const { openId, conversations } = this.#state;
    if (openId === null || conversations.has(openId)) return;
    const named = openId.startsWith('to:') ? byAddress(conversations, openId.slice(3)) : null;
    this.#update((state) => ({ ...state, openId: named?.id ?? null }));
  }

  async #preview(): Promise<void> {
    const bare = inOrder(this.#state.conversations)
      .slice(0, previewed)
      .filter(({ window, lastSequence }) => window.messages.length === 0 && lastSequence > 0);
    await Promise.all(
      bare.map(async (conversation) => {
        const messages = await this.#history(conversation, { limit: 1 });
        if (messages === null) return;
        this.#window(conversation.id, (window) =>
          window.messages.length === 0 ? windowOfNewest(messages, 1) : window,
        );
      }),
    );
  }

  async #loadFirst(conversation: Conversation): Promise<void> {
    const { id, marker, lastSequence } = conversation;
    this.#load('older', true);
    const place = this.#place;
    const isFar = marker !== null && lastSequence - marker >= pageMessages;
    const messages = isFar
      ? await this.#history(conversation, {
          after: Math.max(0, marker - aroundMessages / 2),
          limit: pageMessages,
        })
      : await this.#history(conversation, { limit: pageMessages });
    if (place !== this.#place) return;
    this.#load('older', false);
    if (messages === null) return;
    if (isFar) {
      this.#window(id, () => windowAround(messages, lastSequence));
      return;
    }
    // What was told while this was being answered goes on top.
    this.#window(id, (window) => window.messages.reduce(withLive, windowOfNewest(messages, pageMessages)));
  }

  /** By its id where it has no address: with somebody who is gone. */
  async #history(
    { id, name }: Pick<Conversation, 'id' | 'name'>,
    range: { readonly limit: number; readonly before?: number; readonly after?: number },
  ): Promise<readonly MessageEntry[] | null> {
    this.#asked += 1;
    const outcome = await this.#options.client.history(name === deletedAccountName ? id : name, range);
    const messages =
      outcome.kind === 'receipt' ? withAmendments(outcome.value.messages, this.#amended) : null;
    this.#asked -= 1;
    if (this.#asked === 0) this.#amended = [];
    return messages;
  }

  #load(which: 'older' | 'newer', isLoading: boolean): void {
    this.#update((state) => ({ ...state, loading: { ...state.loading, [which]: isLoading } }));
  }

  #window(id: string, change: (window: MessageWindow) => MessageWindow): void {
    this.#conversation(id, (known) => ({ ...known, window: change(known.window) }));
  }

  #conversation(id: string, change: (known: Conversation) => Conversation): void {
    this.#update((state) => {
      const known = state.conversations.get(id);
      if (known === undefined) return state;
      const next = change(known);
      return next === known ? state : { ...state, conversations: replaced(state.conversations, next) };
    });
  }

  #open(): Conversation | null {
    const { openId, conversations } = this.#state;
    return openId === null ? null : (conversations.get(openId) ?? null);
  }

  get #state(): AppState {
    return this.#options.store.state;
  }

  #update(change: (state: AppState) => AppState): void {
    this.#options.store.update(change);
  }
}
