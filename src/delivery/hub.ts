/**
 * Fan-out of applied events on one node. Events come in log order, after the entry was applied; each goes to the subscribers of
 * the accounts that it concerns. The cost of an entry does not grow with the number of connections, unless they are its readers; those of a
 * large group are told in slices, between which the node does its other work.
 */
import { assert, unreachable } from '../base/assert.ts';
import { limits } from '../base/limits.ts';
import type { AmendmentEvent } from '../chat/vocabulary/amendment-types.ts';
import type { GroupEvent } from '../chat/vocabulary/group-types.ts';
import type { TokenId } from '../chat/vocabulary/token-types.ts';
import type {
  AccountId,
  ChatEvent,
  ConversationId,
  CursorAdvance,
  DeliveryReceipt,
  Message,
  SessionId,
} from '../chat/vocabulary/types.ts';
import { MemberSelection } from './member-selection.ts';
import type { AmendmentPush, DeliveryView, Push } from './ports.ts';
import { amendmentPushOf } from './present-form.ts';

/** Whoever wants to hear of one account. No method may throw; each may end its own subscription. */
export interface Subscriber {
  readonly account: AccountId;
  message(push: Push): void;
  amended(push: AmendmentPush): void;
  /**
   * What follows are hints: they come once, and not again after a reconnection. Another member of one of the account's direct conversations
   * has got or read messages.
   */
  advanced(advance: CursorAdvance): void;
  /** A message of this account was delivered, of which it wanted to know. The view keeps it until it is confirmed. */
  receipt(receipt: DeliveryReceipt): void;
  group(event: GroupEvent): void;
  accountDeleted(): void;
  /** Events up to the hub's index were not told one by one. */
  reset(): void;
}

/** Readers that are told before the node does something else: a few milliseconds of it. */
export const sliceReaders = 256;
/** Messages of one conversation that a slice tells together: then they leave together, too. */
const runMessages = 64;
/** Events that wait behind a large one. When there are more, every reader reads on from the store by itself. */
export const waitingEvents = 10_000;

type MessageEvent = Extract<ChatEvent, { kind: 'message' }>;
type Action = (subscriber: Subscriber) => void;

export class Hub {
  readonly #view: DeliveryView;
  readonly #turn: (action: () => void) => void;
  readonly #byAccount = new Map<AccountId, Set<Subscriber>>();
  readonly #bySession = new Map<SessionId, Set<() => void>>();
  readonly #byToken = new Map<TokenId, Set<() => void>>();
  readonly #byCredential = new Map<AccountId, Set<CredentialWatch>>();
  readonly #selection: MemberSelection<Subscriber>;
  #index: number;
  #subscribers = 0;
  /** Events behind the one that is being told in slices, in log order. */
  #waiting: ChatEvent[] = [];
  #slicing = false;
  #overflows = 0;

  /** `index`: the entries up to it count as told. `turn` runs the action once, soon: after whatever else is ready. */
  constructor(view: DeliveryView, index: number, turn: (action: () => void) => void) {
    this.#view = view;
    this.#index = index;
    this.#turn = turn;
    this.#selection = new MemberSelection(this.#byAccount);
  }

  /** Events that wait behind one that is being told in slices. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Times that a reader was too slow for its outbox, and reads on from the store. */
  get overflows(): number {
    return this.#overflows;
  }

  noteOverflow(): void {
    this.#overflows += 1;
  }

  /**
   * Log index up to which everything was told to those who were subscribed then; a large event may still be on its way to some of
   * them. Never runs backwards.
   */
  get index(): number {
    return this.#index;
  }

  get subscribers(): number {
    return this.#subscribers;
  }

  subscribe(subscriber: Subscriber): () => void {
    this.#subscribers += 1;
    const leave = addTo(this.#byAccount, subscriber.account, subscriber);
    return () => {
      if (this.#isSubscribed(subscriber)) this.#subscribers -= 1;
      leave();
    };
  }

  /** `ended` is called once the session has ended, whoever ended it. */
  watchSession(session: SessionId, ended: () => void): () => void {
    return addTo(this.#bySession, session, ended);
  }

  /** For whoever showed an access token and has no session. */
  watchToken(token: TokenId, ended: () => void): () => void {
    return addTo(this.#byToken, token, ended);
  }

  /** For whoever has neither: `ended` is called once the account's password is another than now. */
  watchCredential(account: AccountId, ended: () => void): () => void {
    const credential = this.#view.accountById(account)?.credential;
    return addTo(this.#byCredential, account, { credential, ended });
  }

  publish(applied: { readonly index: number; readonly events: readonly ChatEvent[] }): void {
    assert(applied.index >= this.#index, 'applied entries are told in log order');
    this.#index = applied.index;
    for (const event of applied.events) {
      // Nobody may go on in a session that is over, whatever else waits.
      if (event.kind === 'session-ended') this.#endSession(event.session);
      else if (event.kind === 'token-ended') this.#endToken(event.token);
      else if (event.kind === 'credential-changed') this.#endOlder(event.account);
      else if (this.#slicing || this.#isLarge(event)) this.#queue(event);
      else this.#tell(event);
    }
  }

  /** A snapshot replaced the state: every subscriber reads on from its own position. */
  reset(index: number): void {
    this.#index = Math.max(index, this.#index);
    for (const [session, watchers] of this.#bySession) {
      if (this.#view.session(session) === undefined) for (const ended of [...watchers]) ended();
    }
    for (const token of this.#byToken.keys())
      if (this.#view.token(token) === undefined) this.#endToken(token);
    for (const account of this.#byCredential.keys()) this.#endOlder(account);
    for (const [account, subscribers] of this.#byAccount) {
      const gone = this.#view.accountById(account) === undefined;
      for (const subscriber of [...subscribers]) {
        if (gone) subscriber.accountDeleted();
        else subscriber.reset();
      }
    }
  }

  #tell(event: ChatEvent): void {
    switch (event.kind) {
      case 'message':
        this.#tellMessage(event);
        return;
      case 'amended':
        this.#tellAmended(event, (readers, tell) => {
          for (const reader of readers) tell(reader);
        });
        return;
      case 'cursor-advanced':
        this.#tellAdvanced(event.advance);
        return;
      case 'receipt':
        this.#tellAccount(event.receipt.from, (subscriber) => subscriber.receipt(event.receipt));
        return;
      case 'account-deleted':
        this.#tellAccount(event.account, (subscriber) => subscriber.accountDeleted());
        return;
      case 'session-ended':
        this.#endSession(event.session);
        return;
      case 'token-ended':
        this.#endToken(event.token);
        return;
      case 'credential-changed':
        this.#endOlder(event.account);
        return;
      // Whoever asks again sees where a conversation begins.
      case 'trimmed':
      case 'account-registered':
        return;
      case 'group-created':
      case 'group-renamed':
      case 'group-deleted':
      case 'member-joined':
      case 'member-left':
      case 'member-entered':
      case 'member-exited':
      case 'owner-changed':
        for (const reader of this.#groupAudience(event)) reader.group(event);
        return;
      default:
        unreachable(event);
    }
  }

  /** A group of entries is told after all of it was applied: what counts is the credential of now. */
  #endOlder(account: AccountId): void {
    const current = this.#view.accountById(account)?.credential;
    for (const { credential, ended } of [...(this.#byCredential.get(account) ?? [])]) {
      if (credential !== current) ended();
    }
  }

  #tellMessage({ message, fromName, toName }: MessageEvent): void {
    const tell = telling(pushOf({ message, fromName, toName }));
    if (message.to === null) {
      for (const reader of this.#readersOf(message)) tell(reader);
      return;
    }
    this.#tellAccount(message.from, tell);
    if (message.to !== message.from) this.#tellAccount(message.to, tell);
  }

  /** To all who are in the conversation: each of them may have read the message, whenever they came. */
  #tellAmended(
    { amendment }: AmendmentEvent,
    tellAll: (readers: readonly Subscriber[], tell: Action) => void,
  ): void {
    const push = amendmentPushOf(this.#view, amendment);
    if (push !== null) tellAll(this.#membersOf(amendment.conversation, everyone), (r) => r.amended(push));
  }

  #isLarge(event: ChatEvent): boolean {
    return this.#subscribers > sliceReaders && this.#audienceOf(event).length > sliceReaders;
  }

  /** Those in a group or in the lobby who are to be told; nobody for an event that concerns single accounts. */
  #audienceOf(event: ChatEvent): readonly Subscriber[] {
    if (event.kind === 'message') return event.message.to === null ? this.#readersOf(event.message) : [];
    if (event.kind === 'amended') return this.#membersOf(event.amendment.conversation, everyone);
    return 'group' in event ? this.#groupAudience(event) : [];
  }

  #groupAudience(event: GroupEvent): readonly Subscriber[] {
    if (event.kind === 'group-deleted') return this.#selection.among(event.members);
    const conversation = this.#view.conversation(event.group);
    const group = conversation?.kind === 'group' ? conversation : undefined;
    // In a crowd everyone's coming and going is nobody's news.
    const isNews = !('account' in event) || (group?.memberCount ?? 0) <= limits.noticeMembers;
    const members = group === undefined || !isNews ? [] : this.#selection.ofGroup(group, everyone);
    if (!('account' in event) || (isNews && group?.includes(event.account) === true)) return members;
    // Who has left is in the group no more, and the one who most needs to know.
    return [...this.#selection.among([event.account]), ...members];
  }

  /** The view may be ahead of what is told: who joined behind the message is none of its readers. */
  #readersOf({ conversation: id, sequence }: Message): readonly Subscriber[] {
    const conversation = this.#view.conversation(id);
    return this.#membersOf(id, (account) => (conversation?.joinedBehind(account) ?? 0) < sequence);
  }

  /** Of a group those whom `admits` lets through. */
  #membersOf(id: ConversationId, admits: (account: AccountId) => boolean): readonly Subscriber[] {
    const conversation = this.#view.conversation(id);
    if (conversation === undefined) return [];
    switch (conversation.kind) {
      case 'direct':
        return this.#selection.among(conversation.members);
      case 'lobby':
        return this.#selection.all();
      case 'group':
        return this.#selection.ofGroup(conversation, admits);
      default:
        unreachable(conversation);
    }
  }

  #tellAdvanced(advance: CursorAdvance): void {
    const conversation = this.#view.conversation(advance.conversation);
    // In a group of thousands everyone's progress is nobody's news; who wants to know asks.
    if (conversation?.kind !== 'direct') return;
    for (const member of conversation.members) {
      if (member === advance.account) continue;
      this.#tellAccount(member, (subscriber) => subscriber.advanced(advance));
    }
  }

  #tellAccount(account: AccountId, tell: Action): void {
    const subscribers = this.#byAccount.get(account);
    if (subscribers !== undefined) for (const subscriber of [...subscribers]) tell(subscriber);
  }

  #endSession(session: SessionId): void {
    for (const ended of [...(this.#bySession.get(session) ?? [])]) ended();
  }

  #endToken(token: TokenId): void {
    for (const ended of [...(this.#byToken.get(token) ?? [])]) ended();
  }

  #queue(event: ChatEvent): void {
    this.#waiting.push(event);
    if (this.#waiting.length > waitingEvents) {
      this.#waiting = [];
      this.reset(this.#index);
    } else if (!this.#slicing) {
      // What is applied together is then told together.
      this.#slicing = true;
      this.#turn(() => this.#drain());
    }
  }

  /** Tells what waits, up to and with the first slice of the next large event. */
  #drain(): void {
    this.#slicing = false;
    let told = 0;
    while (!this.#slicing) {
      const event = this.#waiting[told];
      if (event === undefined) break;
      const run = this.#isLarge(event) ? this.#runFrom(told) : [];
      told += Math.max(1, run.length);
      if (run.length > 0) this.#tellRun(run);
      else if (event.kind === 'amended')
        this.#tellAmended(event, (readers, tell) => this.#tellSlice(readers, tell, 0));
      else if ('group' in event)
        this.#tellSlice(this.#groupAudience(event), (reader) => reader.group(event), 0);
      else this.#tell(event);
    }
    this.#waiting.splice(0, told);
  }

  /** The message in that place and those of its conversation that follow it; none when there is no message. */
  #runFrom(start: number): readonly Push[] {
    const run: Push[] = [];
    while (run.length < runMessages) {
      const event = this.#waiting[start + run.length];
      if (event?.kind !== 'message') break;
      const { message, fromName, toName } = event;
      if (run[0] !== undefined && run[0].message.conversation !== message.conversation) break;
      run.push(pushOf({ message, fromName, toName }));
    }
    return run;
  }

  #tellRun(run: readonly Push[]): void {
    const [first, last] = [run[0], run.at(-1)];
    if (first === undefined || last === undefined) return;
    const conversation = this.#view.conversation(first.message.conversation);
    const tell: Action = (reader) => {
      const behind = conversation?.joinedBehind(reader.account) ?? 0;
      for (const push of run) if (push.message.sequence > behind) reader.message(push);
    };
    this.#tellSlice(this.#readersOf(last.message), tell, 0);
  }

  #tellSlice(readers: readonly Subscriber[], tell: Action, from: number): void {
    const to = Math.min(readers.length, from + sliceReaders);
    for (let at = from; at < to; at++) {
      const reader = readers[at];
      // Some may have left while others were told.
      if (reader !== undefined && this.#isSubscribed(reader)) tell(reader);
    }
    if (to === readers.length) return;
    this.#slicing = true;
    this.#turn(() => {
      this.#tellSlice(readers, tell, to);
      if (to + sliceReaders >= readers.length) this.#drain();
    });
  }

  #isSubscribed(subscriber: Subscriber): boolean {
    return this.#byAccount.get(subscriber.account)?.has(subscriber) === true;
  }
}

interface CredentialWatch {
  readonly credential: number | undefined;
  readonly ended: () => void;
}

/** Just sent: nothing has become of it yet. */
function pushOf({ message, fromName, toName }: Pick<Push, 'message' | 'fromName' | 'toName'>): Push {
  return { kind: 'message', message, fromName, toName, state: {}, forms: {} };
}

function telling(push: Push): Action {
  return (subscriber) => subscriber.message(push);
}

const everyone = (): boolean => true;

function addTo<Key, Value>(index: Map<Key, Set<Value>>, key: Key, value: Value): () => void {
  const set = index.get(key) ?? new Set();
  index.set(key, set.add(value));
  return () => {
    set.delete(value);
    if (set.size === 0 && index.get(key) === set) index.delete(key);
  };
}
