/** One client's place in the state: who it is, and the window of its requests with their answers. */
import { assert } from '../../base/assert.ts';
import type { Row } from '../rows/changes.ts';
import { encodeSession, type RecordedAnswer, rowPrefix, type SessionData } from '../rows/row-codec.ts';
import type { TokenId } from '../vocabulary/token-types.ts';
import type { AccountId, SessionId } from '../vocabulary/types.ts';
import type { SessionView } from '../vocabulary/view.ts';

export class Session implements SessionView, SessionData, Row {
  readonly id: SessionId;
  readonly secretHash: string;
  readonly key: string;
  readonly parent: SessionId | null;
  noted = false;
  /** Neighbours in the list it stands in; written by `UseOrder` only. */
  earlier: Session | null = null;
  later: Session | null = null;
  #ended: boolean;
  #account: AccountId | null;
  #token: TokenId | null;
  #usedIndex: number;
  #usedMs: number;
  #boundIndex: number;
  #boundMs: number;
  #floor: number;
  #highest: number;
  /** Answers of requests from `floor` on; at most as many as the window is wide. */
  readonly #answers: Map<number, RecordedAnswer>;

  constructor(data: SessionData) {
    this.id = data.id;
    this.secretHash = data.secretHash;
    this.key = rowPrefix.session + data.id;
    this.parent = data.parent;
    this.#ended = data.ended;
    this.#account = data.account;
    this.#token = data.token;
    this.#usedIndex = data.usedIndex;
    this.#usedMs = data.usedMs;
    this.#boundIndex = data.boundIndex;
    this.#boundMs = data.boundMs;
    this.#floor = data.floor;
    this.#highest = data.highest;
    this.#answers = new Map(data.answers);
  }

  /** A tombstone: answers retries, takes nothing new. */
  get ended(): boolean {
    return this.#ended;
  }

  get account(): AccountId | null {
    return this.#account;
  }

  /** The access token that opened it and bounds what it may do; null: a login did. */
  get token(): TokenId | null {
    return this.#token;
  }

  /** Log index at which it went to the end of its list; with the id, for those that one entry ended together, its place in it. */
  get usedIndex(): number {
    return this.#usedIndex;
  }

  /** Cluster time of `usedIndex`; the true last use is up to a minute later. */
  get usedMs(): number {
    return this.#usedMs;
  }

  /** Log index of its login; 0 before. */
  get boundIndex(): number {
    return this.#boundIndex;
  }

  /** Cluster time of its login; 0 before. */
  get boundMs(): number {
    return this.#boundMs;
  }

  /** Lowest sequence that the client still waits for. Never falls; no answer below it is kept. */
  get floor(): number {
    return this.#floor;
  }

  get highest(): number {
    return this.#highest;
  }

  get answers(): ReadonlyMap<number, RecordedAnswer> {
    return this.#answers;
  }

  answered(sequence: number): boolean {
    return this.#answers.has(sequence);
  }

  encode(): Uint8Array {
    return encodeSession(this);
  }

  markUsed(index: number, clusterMs: number): void {
    this.#usedIndex = index;
    this.#usedMs = clusterMs;
  }

  bind(account: AccountId, index: number, clusterMs: number): void {
    assert(this.#account === null && !this.#ended, 'a session is bound once');
    this.#account = account;
    this.#boundIndex = index;
    this.#boundMs = clusterMs;
  }

  /** Before it is bound. */
  restrictTo(token: TokenId): void {
    assert(this.#account === null && this.#token === null, 'a session is opened by one token');
    this.#token = token;
  }

  end(): void {
    this.#ended = true;
  }

  record(sequence: number, answer: RecordedAnswer): void {
    assert(sequence >= this.#floor && !this.#answers.has(sequence), 'an answer is recorded once');
    this.#answers.set(sequence, answer);
    if (sequence > this.#highest) this.#highest = sequence;
  }

  /** Drops the answers below: in steps of the shorter of the gap and the window. */
  raiseFloor(lowest: number): void {
    if (lowest <= this.#floor) return;
    if (lowest - this.#floor < this.#answers.size) {
      for (let sequence = this.#floor; sequence < lowest; sequence++) this.#answers.delete(sequence);
    } else {
      for (const sequence of this.#answers.keys()) if (sequence < lowest) this.#answers.delete(sequence);
    }
    this.#floor = lowest;
  }
}
