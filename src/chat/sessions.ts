/** All sessions, and which of them have to go: by idle time, by age and by number. Each entry looks at four list fronts, no more. */
import { limits } from '../base/limits.ts';
import type { ChangeSet, Row } from './changes.ts';
import { LoginOrder } from './login-order.ts';
import type { Moment } from './moment.ts';
import type { RecordedAnswer, SessionData } from './row-codec.ts';
import { Session } from './session.ts';
import type { AccountId, SessionId } from './types.ts';
import { UseOrder } from './use-order.ts';

/** The bounds that tests make smaller. In a cluster every node must have the same: they decide what `apply` answers. */
export interface SessionBounds {
  readonly sessions: number;
  readonly sessionIdleMs: number;
  readonly sessionAbsoluteMs: number;
  readonly anonymousSessionIdleMs: number;
  readonly inFlightPerSession: number;
}

export const defaultSessionBounds: SessionBounds = {
  sessions: limits.sessions,
  sessionIdleMs: limits.sessionIdleMs,
  sessionAbsoluteMs: limits.sessionAbsoluteMs,
  anonymousSessionIdleMs: limits.anonymousSessionIdleMs,
  inFlightPerSession: limits.inFlightPerSession,
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

  open(id: SessionId, secretHash: string, moment: Moment): Session {
    const session = new Session({
      id,
      secretHash,
      ended: false,
      account: null,
      token: null,
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

  /** Notes a use, at most once a minute. */
  use(session: Session, moment: Moment): void {
    if (moment.clusterMs - session.usedMs >= useGrainMs) this.#moveToBack(session, moment, () => undefined);
  }

  bind(session: Session, account: AccountId, moment: Moment): void {
    this.#moveToBack(session, moment, () => session.bind(account, moment.index, moment.clusterMs));
    this.#byLogin.append(session, this.#byId.size);
    this.#indexByAccount(session);
  }

  /** Makes it a tombstone. */
  end(session: Session, moment: Moment): void {
    this.#forgetAccountOf(session);
    this.#moveToBack(session, moment, () => session.end());
  }

  /** Without a trace. */
  remove(session: Session): void {
    this.#forgetAccountOf(session);
    this.#orderOf(session).remove(session);
    this.#byId.delete(session.id);
    this.#changes.delete(session);
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

  /** Removes what is due or too many, at most `expiriesPerEntry`; returns those that were alive. */
  expire(clusterMs: number): readonly Session[] {
    let gone: Session[] | null = null;
    for (let budget = expiriesPerEntry; budget > 0; budget--) {
      const session = this.#nextToGo(clusterMs);
      if (session === null) break;
      this.remove(session);
      if (!session.ended) {
        gone ??= [];
        gone.push(session);
      }
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
    if (!session.ended) this.#indexByAccount(session);
  }

  #indexByAccount(session: Session): void {
    if (session.account === null) return;
    const own = this.#byAccount.get(session.account);
    if (own === undefined) this.#byAccount.set(session.account, new Set([session]));
    else own.add(session);
  }

  #forgetAccountOf(session: Session): void {
    if (session.account === null) return;
    const own = this.#byAccount.get(session.account);
    own?.delete(session);
    if (own?.size === 0) this.#byAccount.delete(session.account);
  }
}

const nobody: readonly Session[] = [];
