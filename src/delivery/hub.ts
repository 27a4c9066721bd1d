/**
 * Fan-out of applied events on one node. Events come in log order, after the entry was applied; each goes to the subscribers of
 * the accounts that it concerns, found by key: the cost of an entry does not grow with the number of connections.
 */
import { assert, unreachable } from '../base/assert.ts';
import type { AccountId, ChatEvent, CursorAdvance, SessionId } from '../chat/types.ts';
import type { DeliveryView, Push } from './ports.ts';

/** Whoever wants to hear of one account. No method may throw; each may end its own subscription. */
export interface Subscriber {
  readonly account: AccountId;
  message(push: Push): void;
  /** Another member of one of the account's conversations has got messages. A hint: not repeated after a reconnection. */
  delivered(advance: CursorAdvance): void;
  accountDeleted(): void;
  /** Events up to the hub's index were not told one by one. */
  reset(): void;
}

export class Hub {
  readonly #view: DeliveryView;
  readonly #byAccount = new Map<AccountId, Set<Subscriber>>();
  readonly #bySession = new Map<SessionId, Set<() => void>>();
  readonly #byCredential = new Map<AccountId, Set<CredentialWatch>>();
  #index: number;

  /** `index`: the entries up to it count as told. */
  constructor(view: DeliveryView, index: number) {
    this.#view = view;
    this.#index = index;
  }

  /** Log index up to which everything was told to subscribers. Never runs backwards. */
  get index(): number {
    return this.#index;
  }

  get subscribers(): number {
    let count = 0;
    for (const set of this.#byAccount.values()) count += set.size;
    return count;
  }

  subscribe(subscriber: Subscriber): () => void {
    return addTo(this.#byAccount, subscriber.account, subscriber);
  }

  /** `ended` is called once the session has ended, whoever ended it. */
  watchSession(session: SessionId, ended: () => void): () => void {
    return addTo(this.#bySession, session, ended);
  }

  /** For whoever has no session: `ended` is called once the account's password is another than now. */
  watchCredential(account: AccountId, ended: () => void): () => void {
    const credential = this.#view.accountById(account)?.credential;
    return addTo(this.#byCredential, account, { credential, ended });
  }

  publish(applied: { readonly index: number; readonly events: readonly ChatEvent[] }): void {
    assert(applied.index >= this.#index, 'applied entries are told in log order');
    this.#index = applied.index;
    for (const event of applied.events) this.#tell(event);
  }

  /** A snapshot replaced the state: every subscriber reads on from its own position. */
  reset(index: number): void {
    this.#index = Math.max(index, this.#index);
    for (const [session, watchers] of this.#bySession) {
      if (this.#view.session(session) === undefined) for (const ended of [...watchers]) ended();
    }
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
      case 'delivered':
        this.#tellDelivered(event.advance);
        return;
      case 'account-deleted':
        for (const subscriber of [...(this.#byAccount.get(event.account) ?? [])]) subscriber.accountDeleted();
        return;
      case 'session-ended':
        for (const ended of [...(this.#bySession.get(event.session) ?? [])]) ended();
        return;
      case 'credential-changed':
        this.#endOlder(event.account);
        return;
      case 'account-registered':
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

  #tellMessage(event: Extract<ChatEvent, { kind: 'message' }>): void {
    const { message, fromName, toName } = event;
    const senders = this.#byAccount.get(message.from);
    const receivers = message.to === message.from ? undefined : this.#byAccount.get(message.to);
    if (senders === undefined && receivers === undefined) return;
    const push: Push = { message, fromName, toName, forms: {} };
    if (senders !== undefined) for (const subscriber of senders) subscriber.message(push);
    if (receivers !== undefined) for (const subscriber of receivers) subscriber.message(push);
  }

  #tellDelivered(advance: CursorAdvance): void {
    for (const member of this.#view.conversation(advance.conversation)?.members ?? []) {
      if (member === advance.account) continue;
      for (const subscriber of this.#byAccount.get(member) ?? []) subscriber.delivered(advance);
    }
  }
}

interface CredentialWatch {
  readonly credential: number | undefined;
  readonly ended: () => void;
}

function addTo<Key, Value>(index: Map<Key, Set<Value>>, key: Key, value: Value): () => void {
  const set = index.get(key) ?? new Set();
  index.set(key, set.add(value));
  return () => {
    set.delete(value);
    if (set.size === 0 && index.get(key) === set) index.delete(key);
  };
}
