/** All sessions, and which of them have to go: by idle time, by age and by number. Each entry looks at four list fronts, no more. */
import { assert } from '../../base/assert.ts';
import { limits } from '../../base/limits.ts';
import type { ChangeSet, Row } from '../rows/changes.ts';
import type { RecordedAnswer, SessionData } from '../rows/row-codec.ts';
import type { Moment } from '../vocabulary/moment.ts';
import type { TokenId } from '../vocabulary/token-types.ts';
import type { AccountId, SessionId } from '../vocabulary/types.ts';
import { LoginOrder } from './login-order.ts';
import { Session } from './session.ts';
import { UseOrder } from './use-order.ts';

/** The bounds that tests make smaller. In a cluster every node must have the same: they decide what `apply` answers. */
export interface SessionBounds {
  readonly sessions: number;
  readonly sessionIdleMs: number;
  readonly sessionAbsoluteMs: number;
  readonly anonymousSessionIdleMs: number;
  readonly inFlightPerSession: number;
  /** Of one account, without those derived from them; and those derived from one. */
  readonly sessionsPerAccount: number;
  readonly derivedSessions: number;
}

export const defaultSessionBounds: SessionBounds = {
  sessions: limits.sessions,
  sessionIdleMs: limits.sessionIdleMs,
  sessionAbsoluteMs: limits.sessionAbsoluteMs,
  anonymousSessionIdleMs: limits.anonymousSessionIdleMs,
  inFlightPerSession: limits.inFlightPerSession,
  sessionsPerAccount: limits.sessionsPerAccount,
  derivedSessions: limits.derivedSessions,
};

/** Use is noted once in so long: a busy session moves in its list, and its place is stored, once a minute. */
const useGrainMs = 60_000;
/** A tombstone answers retries for so long. */
const tombstoneMs = 10 * 60_000;
/** After a long pause thousands may be due at once: the rest waits for the next entries, and is refused until then. */
const expiriesPerEntry = 16;

export class Sessions {
  readonly bounds: SessionBounds;
  readonly #changes: ChangeSet;
  readonly #byId = new Map<SessionId, Session>();
  readonly #byAccount = new Map<AccountId, Set<Session>>();
  /** Those that live and were derived from another one, by that one. */
  readonly #derived = new Map<SessionId, Set<Session>>();
  readonly #ended = new UseOrder();
  readonly #anonymous = new UseOrder();
  readonly #loggedIn = new UseOrder();
  readonly #byLogin = new LoginOrder((session) => !session.ended && this.#byId.get(session.id) === session);

  constructor(changes: ChangeSet, bounds: SessionBounds) {
    this.#changes = changes;
    this.bounds = bounds;
  }

  /** Tombstones too. */
  byId(id: SessionId): Session | undefined {
    return this.#byId.get(id);
  }

  /** By id: the same order on a node that was restored, since they end in it when their account goes. */
  of(account: AccountId): readonly Session[] {
    return [...(this.#byAccount.get(account) ?? [])].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  open(id: SessionId, secretHash: string, moment: Moment, parent: SessionId | null = null): Session {
    const session = new Session({
      id,
      secretHash,
      ended: false,
      account: null,
      token: null,
      parent,
      usedIndex: moment.index,
      usedMs: moment.clusterMs,
      boundIndex: 0,
      boundMs: 0,
      floor: 1,
      highest: 0,
      answers: new Map(),
    });
    this.#insert(session);
    this.#changes.put(session);
    return session;
  }

  /** A session for the account of `parent`, as if it had logged in. */
  derive(id: SessionId, secretHash: string, parent: Session, moment: Moment): void {
    const { account } = parent;
    assert(account !== null && parent.parent === null, 'derived from a session that logged in itself');
    this.bind(this.open(id, secretHash, moment, parent.id), account, moment);
  }

  /** The least recently used of those derived from `parent`, if there must not be more of them. */
  oldestToMakeRoom(parent: Session): Session | null {
    const derived = this.#derived.get(parent.id);
    if (derived === undefined || derived.size < this.bounds.derivedSessions) return null;
    return leastRecent([...derived]);
  }

  /**
   * The least recently used of the account's own, if they are too many: of those that logged in, or of those that one token opened, so that a
   * program that forgets its sessions logs nobody out.
   */
  oldestTooMany(account: AccountId, token: TokenId | null = null): Session | null {
    const most = token === null ? this.bounds.sessionsPerAccount : limits.sessionsPerToken;
    const all = this.#byAccount.get(account);
    if (all === undefined || all.size <= most) return null;
    const own = [...all].filter((one) => one.parent === null && one.token === token);
    return own.length > most ? leastRecent(own) : null;
  }

  /** Notes a use, at most once a minute; of a derived session as one of its parent, too. */
  use(session: Session, moment: Moment): void {
    const parent = session.parent === null ? undefined : this.#byId.get(session.parent);
    if (parent !== undefined) this.use(parent, moment);
    if (moment.clusterMs - session.usedMs >= useGrainMs) this.#moveToBack(session, moment, () => undefined);
  }

  bind(session: Session, account: AccountId, moment: Moment): void {
    this.#moveToBack(session, moment, () => session.bind(account, moment.index, moment.clusterMs));
    this.#byLogin.append(session, this.#byId.size);
    this.#index(session);
  }

  /** Makes it a tombstone, and those that were derived from it: all that it ended, itself first. */
  end(session: Session, moment: Moment): readonly Session[] {
    const all = [session, ...this.#derivedFrom(session)];
    for (const one of all) {
      this.#forget(one);
      this.#moveToBack(one, moment, () => one.end());
    }
    return all;
  }

  /** Without a trace, with those that were derived from it. Those of them that were alive. */
  #remove(session: Session): readonly Session[] {
    const all = [session, ...this.#derivedFrom(session)];
    const alive = all.filter(({ ended }) => !ended);
    for (const one of all) {
      this.#forget(one);
      this.#orderOf(one).remove(one);
      this.#byId.delete(one.id);
      this.#changes.delete(one);
    }
    return alive;
  }

  record(session: Session, sequence: number, answer: RecordedAnswer): void {
    session.record(sequence, answer);
    this.#changes.put(session);
  }

  raiseFloor(session: Session, lowest: number): void {
    if (lowest <= session.floor) return;
    session.raiseFloor(lowest);
    this.#changes.put(session);
  }

  isDue(session: Session, clusterMs: number): boolean {
    return clusterMs >= session.usedMs + this.#idleMsOf(session) || this.#isTooOld(session, clusterMs);
  }

  /** Removes what is due or too many, at most `expiriesPerEntry` with what was derived from them; returns those that were alive. */
  expire(clusterMs: number): readonly Session[] {
    let gone: readonly Session[] | null = null;
    for (let budget = expiriesPerEntry; budget > 0; budget--) {
      const session = this.#nextToGo(clusterMs);
      if (session === null) break;
      const alive = this.#remove(session);
      if (alive.length > 0) gone = [...(gone ?? nobody), ...alive];
    }
    return gone ?? nobody;
  }

  restore(all: readonly SessionData[]): void {
    const inOrderOfUse = [...all].sort((a, b) => a.usedIndex - b.usedIndex || (a.id < b.id ? -1 : 1));
    const restored = inOrderOfUse.map((data) => new Session(data));
    for (const session of restored) this.#insert(session);
    restored.sort((a, b) => a.boundIndex - b.boundIndex || (a.id < b.id ? -1 : 1));
    for (const session of restored) {
      if (session.account !== null && !session.ended) this.#byLogin.append(session, this.#byId.size);
    }
  }

  rows(): Iterable<Row> {
    return this.#byId.values();
  }

  clear(): void {
    this.#byId.clear();
    this.#byAccount.clear();
    this.#derived.clear();
    for (const order of [this.#ended, this.#anonymous, this.#loggedIn, this.#byLogin]) order.clear();
  }

  #nextToGo(clusterMs: number): Session | null {
    const fronts = [this.#ended.front, this.#anonymous.front, this.#loggedIn.front];
    const tooMany = this.#byId.size > this.bounds.sessions;
    for (const front of fronts) {
      if (front !== null && (tooMany || this.isDue(front, clusterMs))) return front;
    }
    const oldest = this.#byLogin.front;
    return oldest !== null && this.#isTooOld(oldest, clusterMs) ? oldest : null;
  }

  #isTooOld(session: Session, clusterMs: number): boolean {
    if (session.account === null || session.ended) return false;
    return clusterMs >= session.boundMs + this.bounds.sessionAbsoluteMs;
  }

  #idleMsOf(session: Session): number {
    if (session.ended) return tombstoneMs;
    const idleMs = session.account === null ? this.bounds.anonymousSessionIdleMs : this.bounds.sessionIdleMs;
    return idleMs + useGrainMs;
  }

  #orderOf(session: Session): UseOrder {
    if (session.ended) return this.#ended;
    return session.account === null ? this.#anonymous : this.#loggedIn;
  }

  /** `change` may move it to another list. */
  #moveToBack(session: Session, moment: Moment, change: () => void): void {
    this.#orderOf(session).remove(session);
    change();
    session.markUsed(moment.index, moment.clusterMs);
    this.#orderOf(session).append(session);
    this.#changes.put(session);
  }

  #insert(session: Session): void {
    this.#byId.set(session.id, session);
    this.#orderOf(session).append(session);
    if (!session.ended) this.#index(session);
  }

  /** In an order that does not depend on whether this node was restored. */
  #derivedFrom(session: Session): readonly Session[] {
    return [...(this.#derived.get(session.id) ?? nobody)].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  #index(session: Session): void {
    if (session.account !== null) addTo(this.#byAccount, session.account, session);
    if (session.parent !== null) addTo(this.#derived, session.parent, session);
  }

  #forget(session: Session): void {
    if (session.account !== null) removeFrom(this.#byAccount, session.account, session);
    if (session.parent !== null) removeFrom(this.#derived, session.parent, session);
  }
}

const nobody: readonly Session[] = [];

function addTo<Key>(index: Map<Key, Set<Session>>, key: Key, session: Session): void {
  const own = index.get(key);
  if (own === undefined) index.set(key, new Set([session]));
  else own.add(session);
}

function removeFrom<Key>(index: Map<Key, Set<Session>>, key: Key, session: Session): void {
  const own = index.get(key);
  own?.delete(session);
  if (own?.size === 0) index.delete(key);
}

function leastRecent(sessions: readonly Session[]): Session | null {
  return sessions.reduce<Session | null>(
    (oldest, one) => (oldest === null || isEarlier(one, oldest) ? one : oldest),
    null,
  );
}

function isEarlier(a: Session, b: Session): boolean {
  return a.usedIndex === b.usedIndex ? a.id < b.id : a.usedIndex < b.usedIndex;
}
