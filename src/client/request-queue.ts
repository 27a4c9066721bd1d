/**
 * The requests of one client from being made to being answered. Pure: knows neither sockets nor timers; the caller brings the time.
 *
 * A change gets its number when it first leaves and keeps it over every repetition, so that the cluster recognises it (exactly-once
 * sessions, Raft thesis 6.3). Three things can come back that are no answer: `UNAVAILABLE`, `BUSY` and `TOO_MANY_IN_FLIGHT` were not
 * recorded and `unknown` may have been, so the same number is sent again after a back-off. What a node refuses without asking the log is
 * an answer only while no earlier attempt may be in the log.
 */
import { assert } from '../base/assert.ts';
import { type ErrorCode, errorTable } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Random } from '../base/prng.ts';
import type { NativeReply } from '../protocol/native.ts';
import { type ChangeRequest, type ClientRequest, isRead, type Reply } from '../protocol/requests.ts';
import { isCertainlyUndone, joined, outcomeWhenGivenUp, type Pending, pendingOf } from './pending.ts';
import { backOffMs } from './server-pool.ts';
import type { RequestTrace } from './types.ts';

/** Requests made and not yet sent. A program that goes on beyond them is told `BUSY`. */
export const largestQueue = 16_384;
/** A node answers within `limits.operationMs`, if only to refuse; one that says nothing for longer has lost the request. */
const repeatMs = limits.operationMs + 2_000;
/** More than a program numbers in a millisecond. */
const numbersOfOneMs = 2 ** 11;
/** More than a life of a program can have numbered without one of them being carried out. */
const numbersOfOneLife = 2 ** 20;
/** To choose from by chance, where the date is of no use. */
const placesOfLives = 2 ** 10;
/** In the year 2109. */
const lastWallMs = 2 ** 42;

export interface QueueOptions {
  readonly random: Random;
  /** A change that has no answer after this time is given up. Infinity: repeated as long as the client lives. */
  readonly giveUpMs: number;
  readonly readGiveUpMs: number;
}

/** `unserved`: the node could not say; another one may. `busy`: it will be repeated, here. `expired`: see `loseSession`. */
export type ReplyEffect = 'settled' | 'partial' | 'unserved' | 'busy' | 'expired' | 'ignored';

const repeatable: ReadonlySet<ErrorCode> = new Set(['UNAVAILABLE', 'BUSY', 'TOO_MANY_IN_FLIGHT']);
/** Never recorded either: of this attempt they say that it was not executed, and nothing of those before. */
const saidOfOneAttempt: ReadonlySet<ErrorCode> = new Set(['LOW_SPACE', 'RATE_LIMITED']);

export class RequestQueue {
  readonly #options: QueueOptions;
  /** Made, never sent in this session. First in, first out. */
  #fresh: Pending[] = [];
  #freshHead = 0;
  /** Sent at least once in this session, by number: ascending, since a number is given as the entry is made. */
  readonly #changes = new Map<number, Pending>();
  readonly #reads = new Map<number, Pending>();
  /** Members of the two maps that must be sent (again). Empty on the hot path. */
  readonly #again = new Set<Pending>();
  #nextNumber = 1;
  #nextRead = 1;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  /**
   * `settle` is called exactly once. With a number of an earlier life it is a change that may have been executed; such ones are added in
   * the order of their numbers, before any other.
   */
  add(
    request: ClientRequest,
    nowMs: number,
    settle: (reply: Reply) => void,
    { number, numbered: onNumber }: RequestTrace = {},
  ): void {
    const numbered = !isRead(request);
    const refusal = this.#refusalOf(request);
    if (refusal !== null) {
      settle({ kind: 'rejection', code: refusal, text: errorTable[refusal].text });
      return;
    }
    const patienceMs = numbered ? this.#options.giveUpMs : this.#options.readGiveUpMs;
    const pending = pendingOf(request, nowMs, nowMs + patienceMs, settle, onNumber);
    if (number === undefined) this.#fresh.push(pending);
    else this.#restore(pending, number, nowMs);
  }

  #restore(pending: Pending, number: number, nowMs: number): void {
    assert(pending.numbered && number >= this.#nextNumber, 'what is repeated was numbered before all else');
    Object.assign(pending, { number, state: 'waiting', atMs: nowMs, uncertain: true });
    this.#changes.set(number, pending);
    this.#again.add(pending);
    this.#nextNumber = number + 1;
  }

  /** Before all that has not left: by it the node learns who asks the rest. Never given up. */
  addFirst(request: ChangeRequest, nowMs: number, settle: (reply: Reply) => void): void {
    const first = pendingOf(request, nowMs, Number.POSITIVE_INFINITY, settle);
    this.#fresh = [first, ...this.#fresh.slice(this.#freshHead)];
    this.#freshHead = 0;
  }

  /** Requests that are made and unanswered. */
  get size(): number {
    return this.#unsent + this.#changes.size + this.#reads.size;
  }

  /** Whether a change has a number: one of a former life, before anything was sent. */
  get hasNumbered(): boolean {
    return this.#changes.size > 0;
  }

  /** Whether an unanswered request would end the session: its answer can still be had when the session is gone. */
  get isEnding(): boolean {
    const op = this.#firstChange()?.request.op;
    return op === 'logout' || op === 'delete';
  }

  /** Since when the oldest sent request waits for its answer; null when none does. */
  oldestSentMs(): number | null {
    let oldest: number | null = null;
    for (const pending of this.#inFlight()) {
      if (pending.state === 'sent' && (oldest === null || pending.atMs < oldest)) oldest = pending.atMs;
    }
    return oldest;
  }

  /** What may leave now, encoded, in order: first what is due again, then what is new and fits the window. */
  take(nowMs: number): string[] {
    const parts: string[] = [];
    if (this.#again.size > 0) this.#takeAgain(nowMs, parts);
    while (this.#unsent > 0) {
      const pending = this.#fresh[this.#freshHead];
      if (pending === undefined || !this.#mayLeave(pending)) break;
      this.#dropHead();
      if (pending.numbered) {
        pending.number = this.#nextNumber++;
        this.#changes.set(pending.number, pending);
        pending.onNumber(pending.number);
      } else {
        pending.number = this.#nextRead++;
        this.#reads.set(pending.number, pending);
      }
      parts.push(this.#depart(pending, nowMs));
    }
    return parts;
  }

  reply(reply: NativeReply, nowMs: number): ReplyEffect {
    const [map, number] = 'n' in reply ? [this.#changes, reply.n] : [this.#reads, reply.q];
    const pending = map.get(number);
    if (pending === undefined) return 'ignored';
    if ('unknown' in reply) {
      if (pending.numbered) pending.uncertain = true;
      this.#wait(pending, nowMs);
      return 'unserved';
    }
    if (reply.ok) {
      const value = joined(pending.parts, reply.value);
      if (reply.more === true) {
        pending.parts = value;
        return 'partial';
      }
      this.#settle(
        pending,
        reply.stale === true ? { kind: 'receipt', value, stale: true } : { kind: 'receipt', value },
      );
      return 'settled';
    }
    const isPassing = pending.insists || pending.uncertain;
    if (repeatable.has(reply.code) || (isPassing && saidOfOneAttempt.has(reply.code))) {
      pending.refusal = { code: reply.code, text: reply.text };
      this.#wait(pending, nowMs, reply.retryAfterMs);
      return reply.code === 'UNAVAILABLE' ? 'unserved' : 'busy';
    }
    if (reply.code === 'SESSION_EXPIRED') {
      // This attempt certainly had no effect. `loseSession`, which the caller calls next, ends it with all others of the session.
      pending.state = 'waiting';
      return 'expired';
    }
    const { code, text, retryAfterMs } = reply;
    const when = retryAfterMs === undefined ? {} : { retryAfterMs };
    this.#settle(pending, { kind: 'rejection', code, text, ...when });
    return 'settled';
  }

  /** The connection is gone: all that was sent on it must be sent again, in order, at once. */
  disconnected(nowMs: number): void {
    for (const pending of this.#inFlight()) {
      if (pending.state === 'sent') {
        if (pending.numbered) pending.uncertain = true;
        pending.state = 'waiting';
        pending.atMs = nowMs;
      }
      this.#again.add(pending);
    }
  }

  /**
   * The session was resumed from outside this program: its numbers up to `highest` are used, and requests of former lives with numbers above
   * may still be on their way. None of those is given again; and when the first one from here reaches the log, its `low` keeps out what
   * comes later. Two lives may be told the same highest number, if nothing of the first was carried out by then: so the place where a
   * life begins goes by the date, which is another one for each. Where that is behind (a clock was set back) chance has to do.
   */
  skipNumbers(highest: number, wallMs: number): void {
    const byDate = Math.floor(wallMs < lastWallMs ? wallMs : 0) * numbersOfOneMs;
    const byChance = highest + numbersOfOneLife * (1 + this.#options.random.below(placesOfLives));
    this.#nextNumber = Math.max(this.#nextNumber, byDate > highest ? byDate : byChance);
  }

  /**
   * The session is gone: numbers begin at 1 again. A logout got what it wanted; a login, and a registration that was certainly not
   * executed, are made again in the next session, once; any other change ends as unknown; reads are asked again.
   */
  loseSession(): void {
    const requeued: Pending[] = [];
    for (const pending of this.#changes.values()) {
      const { op } = pending.request;
      if (op === 'logout') pending.settle({ kind: 'receipt', value: { op } });
      else if (!pending.restarted && (op === 'login' || (op === 'register' && isCertainlyUndone(pending)))) {
        pending.restarted = true;
        requeued.push(pending);
      } else pending.settle({ kind: 'unknown', text: errorTable.SESSION_EXPIRED.text });
    }
    requeued.push(...this.#reads.values());
    for (const pending of requeued) Object.assign(pending, { number: 0, state: 'queued', attempts: 0 });
    this.#fresh = [...requeued, ...this.#fresh.slice(this.#freshHead)];
    this.#freshHead = 0;
    this.#forgetSent();
    this.#nextNumber = 1;
  }

  /** Gives up what has waited too long, and repeats what a live connection left unanswered for too long. */
  expire(nowMs: number): void {
    for (const pending of [...this.#inFlight()]) {
      if (pending.giveUpAtMs <= nowMs) this.#settle(pending, outcomeWhenGivenUp(pending));
      else if (pending.state === 'sent' && pending.atMs + repeatMs <= nowMs) {
        if (pending.numbered) pending.uncertain = true;
        pending.state = 'waiting';
        pending.atMs = nowMs;
        this.#again.add(pending);
      }
    }
    const late = this.#fresh.slice(this.#freshHead).filter((pending) => pending.giveUpAtMs <= nowMs);
    if (late.length === 0) return;
    this.#fresh = this.#fresh.slice(this.#freshHead).filter((pending) => pending.giveUpAtMs > nowMs);
    this.#freshHead = 0;
    for (const pending of late) pending.settle(outcomeWhenGivenUp(pending));
  }

  /** When a waiting request may next be sent again; null when none waits. */
  nextAgainMs(): number | null {
    let next: number | null = null;
    for (const pending of this.#again) if (next === null || pending.atMs < next) next = pending.atMs;
    return next;
  }

  /** The client is closed: ends everything. */
  closeAll(): void {
    const all = [...this.#inFlight(), ...this.#fresh.slice(this.#freshHead)];
    this.#forgetSent();
    this.#fresh = [];
    this.#freshHead = 0;
    for (const pending of all) pending.settle(outcomeWhenGivenUp(pending));
  }

  get #unsent(): number {
    return this.#fresh.length - this.#freshHead;
  }

  *#inFlight(): Generator<Pending> {
    yield* this.#changes.values();
    yield* this.#reads.values();
  }

  #refusalOf(request: ClientRequest): ErrorCode | null {
    if (this.#unsent >= largestQueue) return 'BUSY';
    return fitsFrame(request) ? null : 'TOO_LONG';
  }

  /**
   * What changes who asks travels alone: a node reads off the connection who sends a request, so a send must not overtake its login.
   * The window is one of numbers, as the cluster counts it: from the lowest unanswered one.
   */
  #mayLeave(pending: Pending): boolean {
    const sent = this.#changes.size + this.#reads.size;
    if (sent >= limits.inFlightPerSession) return false;
    if (pending.alone) return sent === 0;
    if (sent === 1 && this.#firstChange()?.alone === true) return false;
    return !pending.numbered || this.#nextNumber - this.#low() < limits.inFlightPerSession;
  }

  #firstChange(): Pending | undefined {
    return this.#changes.values().next().value;
  }

  #low(): number {
    return this.#firstChange()?.number ?? this.#nextNumber;
  }

  #takeAgain(nowMs: number, parts: string[]): void {
    const due = [...this.#again].filter((pending) => pending.atMs <= nowMs);
    due.sort((a, b) => Number(b.numbered) - Number(a.numbered) || a.number - b.number);
    for (const pending of due) parts.push(this.#depart(pending, nowMs));
  }

  #depart(pending: Pending, nowMs: number): string {
    this.#again.delete(pending);
    pending.state = 'sent';
    pending.atMs = nowMs;
    pending.attempts += 1;
    pending.parts = null;
    const numbers = pending.numbered ? `"n":${pending.number},"low":${this.#low()}` : `"q":${pending.number}`;
    // Onto the end of the object's text: copying the request to add two numbers cost more than writing it.
    return `${JSON.stringify(pending.request).slice(0, -1)},${numbers}}`;
  }

  #wait(pending: Pending, nowMs: number, leastMs = 0): void {
    pending.state = 'waiting';
    pending.atMs = nowMs + Math.max(leastMs, backOffMs(pending.attempts, this.#options.random));
    this.#again.add(pending);
  }

  #settle(pending: Pending, reply: Reply): void {
    (pending.numbered ? this.#changes : this.#reads).delete(pending.number);
    this.#again.delete(pending);
    pending.settle(reply);
  }

  #forgetSent(): void {
    this.#changes.clear();
    this.#reads.clear();
    this.#again.clear();
  }

  /** Shifts without moving the rest each time. */
  #dropHead(): void {
    this.#freshHead += 1;
    if (this.#freshHead < 1_024 && this.#freshHead < this.#fresh.length) return;
    this.#fresh = this.#fresh.slice(this.#freshHead);
    this.#freshHead = 0;
  }
}

/** A larger frame would end the connection, and be sent again on the next one. The margin is for the numbers. */
function fitsFrame(request: ClientRequest): boolean {
  const largest = limits.frameBytes - 128;
  let characters = 0;
  for (const value of Object.values(request)) if (typeof value === 'string') characters += value.length;
  // JSON writes one UTF-16 unit in at most six bytes.
  if (characters * 6 + 128 <= largest) return true;
  return new TextEncoder().encode(JSON.stringify(request)).length <= largest;
}
