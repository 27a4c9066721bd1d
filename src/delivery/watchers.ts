/**
 * What is of the moment and told to those who asked for it: who comes online and goes, who is typing. Soft state like presence: never in the log,
 * told once, and not to readers that lag. What one change tells is made once for all of them.
 */
import type { Clock, Timer } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { AccountId, ConversationId } from '../chat/vocabulary/types.ts';
import type { ChatView } from '../chat/vocabulary/view.ts';
import { MemberSelection } from './member-selection.ts';
import type { Presence } from './presence.ts';

/** Changes of this time are told together: a node that is restarted takes thousands offline and brings them back. */
const gatherMs = 250;
/** Of one account in one conversation that is typing, at most one notice in this time; a reader shows it for a little longer. */
export const typingGapMs = 2_000;
/** Accounts that are typing, remembered for that; beyond it the oldest is forgotten. */
const largestTyping = 10_000;
/** Accounts in one notice. */
const noticeAccounts = 500;

export interface PresenceNotice {
  readonly users: readonly { readonly name: string; readonly online: boolean }[];
  /** All who are online, or the first part of them: whatever was known before is forgotten. */
  readonly complete: boolean;
}

export interface TypingNotice {
  readonly conversation: ConversationId;
  readonly account: AccountId;
  readonly user: string;
}

/** One connection that asked for it. No method may throw. */
export interface Watcher {
  readonly account: AccountId;
  /** `forms`: as in `Push`. */
  presence(notice: PresenceNotice, forms: Partial<Record<string, string>>): void;
  typing(notice: TypingNotice, forms: Partial<Record<string, string>>): void;
}

export interface WatchersOptions {
  readonly clock: Clock;
  readonly presence: Presence;
  readonly view: Pick<ChatView, 'accountById' | 'conversation'>;
}

export class Watchers {
  readonly #options: WatchersOptions;
  readonly #byAccount = new Map<AccountId, Set<Watcher>>();
  readonly #selection = new MemberSelection(this.#byAccount);
  readonly #unsubscribe: readonly (() => void)[];
  /** Who was online when the watchers were told for the last time. */
  #told: ReadonlySet<AccountId> = new Set();
  #gathering: Timer | null = null;
  /** When that account was last said to be typing there, oldest first. */
  readonly #typing = new Map<string, number>();

  constructor(options: WatchersOptions) {
    this.#options = options;
    const { presence } = options;
    this.#unsubscribe = [
      presence.onChange(() => this.#changed()),
      presence.onTyping((account, conversation) => this.#tellTyping(account, conversation)),
    ];
  }

  /** Tells at once who is online. */
  watch(watcher: Watcher): () => void {
    if (this.#byAccount.size === 0) this.#told = this.#online();
    const own = this.#byAccount.get(watcher.account) ?? new Set();
    this.#byAccount.set(watcher.account, own.add(watcher));
    this.tellAll(watcher);
    return () => {
      own.delete(watcher);
      if (own.size === 0 && this.#byAccount.get(watcher.account) === own)
        this.#byAccount.delete(watcher.account);
    };
  }

  /** As of the last notice to all: what follows continues it. */
  tellAll(watcher: Watcher): void {
    for (const [at, users] of this.#parts([...this.#told], true).entries()) {
      watcher.presence({ users, complete: at === 0 }, {});
    }
  }

  /** Of an account that is in the conversation. */
  typing(account: AccountId, conversation: ConversationId): void {
    const key = `${account} ${conversation}`;
    const now = this.#options.clock.monotonicMs();
    if (now - (this.#typing.get(key) ?? Number.NEGATIVE_INFINITY) < typingGapMs) return;
    this.#typing.delete(key);
    this.#typing.set(key, now);
    const [oldest] = this.#typing.keys();
    if (this.#typing.size > largestTyping && oldest !== undefined) this.#typing.delete(oldest);
    this.#options.presence.tellTyping(account, conversation);
    this.#tellTyping(account, conversation);
  }

  stop(): void {
    this.#gathering?.cancel();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#byAccount.clear();
  }

  #changed(): void {
    if (this.#byAccount.size === 0 || this.#gathering !== null) return;
    this.#gathering = this.#options.clock.after(gatherMs, () => {
      this.#gathering = null;
      this.#tellChanges();
    });
  }

  #tellChanges(): void {
    const online = this.#online();
    const before = this.#told;
    this.#told = online;
    const come = [...online].filter((account) => !before.has(account));
    const gone = [...before].filter((account) => !online.has(account));
    const parts = [...this.#parts(come, true), ...this.#parts(gone, false)];
    for (const users of parts) {
      if (users.length === 0) continue;
      const forms = {};
      for (const watcher of this.#selection.all()) watcher.presence({ users, complete: false }, forms);
    }
  }

  /** In a crowd, the lobby's too, nobody is told who is typing. */
  #tellTyping(account: AccountId, id: ConversationId): void {
    const conversation = this.#options.view.conversation(id);
    const user = this.#options.view.accountById(account)?.name;
    if (user === undefined || conversation?.includes(account) !== true) return;
    const readers = this.#readersOf(conversation);
    if (readers.length > limits.noticeMembers) return;
    const forms = {};
    for (const reader of readers) {
      if (reader.account !== account) reader.typing({ conversation: id, account, user }, forms);
    }
  }

  #readersOf(conversation: NonNullable<ReturnType<ChatView['conversation']>>): readonly Watcher[] {
    switch (conversation.kind) {
      case 'direct':
        return this.#selection.among(conversation.members);
      case 'lobby':
        return this.#selection.all();
      case 'group':
        return conversation.memberCount > limits.noticeMembers
          ? []
          : this.#selection.ofGroup(conversation, () => true);
    }
  }

  #online(): ReadonlySet<AccountId> {
    return new Set(this.#options.presence.online().map(({ account }) => account));
  }

  /** At least one, be it empty. */
  #parts(accounts: readonly AccountId[], online: boolean): readonly PresenceNotice['users'][] {
    const parts: PresenceNotice['users'][] = [];
    for (let from = 0; from === 0 || from < accounts.length; from += noticeAccounts) {
      const some = accounts.slice(from, from + noticeAccounts);
      const names = some.map((account) => this.#options.view.accountById(account)?.name);
      parts.push(names.filter((name) => name !== undefined).map((name) => ({ name, online })));
    }
    return parts;
  }
}
