import type { Clock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { ReadState } from '../../raft/index.ts';
import { ByteWriter } from '../formats/bytes.ts';

/** A round without an answer is asked again: a message was lost, or the leader changed. */
const ASK_AGAIN_MS = 200;
const MAX_WAITING = 65_536;

interface Waiter {
  readonly deadlineMs: number;
  readonly resolve: () => void;
  readonly reject: (error: CodedError) => void;
  /** Called with the read index as soon as it is known. */
  readonly learnt: ((index: number) => void) | null;
}

export interface ReadsOptions {
  readonly member: number;
  readonly life: number;
  readonly clock: Clock;
  /** Asks the core; the answer comes by `answered`, or never. */
  readonly ask: (context: Uint8Array) => void;
  readonly leaderKnown: () => boolean;
  readonly appliedIndex: () => number;
  readonly wake: () => void;
}

/**
 * Barriers: one read-index round (thesis §6.4) for all that wait. Who comes while a round is under way waits for the next one,
 * since the round's index may be older than the call.
 */
export class Reads {
  readonly #options: ReadsOptions;
  /** Not in a round yet. */
  #waiting: Waiter[] = [];
  #round: { readonly context: Buffer; readonly waiters: Waiter[]; askedMs: number } | null = null;
  /** Their index is known and not applied yet; indexes ascend. */
  #confirmed: { readonly index: number; readonly waiters: Waiter[] }[] = [];
  #rounds = 0;
  #count = 0;
  #closed = false;

  constructor(options: ReadsOptions) {
    this.#options = options;
  }

  barrier(): Promise<void> {
    return this.#wait(this.#options.clock.monotonicMs() + limits.operationMs, null);
  }

  /** The commit index of the cluster, as soon as there is a leader, however long that takes. */
  learnCommitIndex(learnt: (index: number) => void): void {
    // Rejected only when the engine stops: then nobody asks any more.
    this.#wait(Number.POSITIVE_INFINITY, learnt).catch(() => undefined);
  }

  #wait(deadlineMs: number, learnt: Waiter['learnt']): Promise<void> {
    if (this.#closed) return Promise.reject(unavailable());
    if (this.#count >= MAX_WAITING) return Promise.reject(new CodedError('BUSY'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ deadlineMs, resolve, reject, learnt });
      this.#count++;
      this.#options.wake();
    });
  }

  /** Starts a round if somebody waits and none is under way. */
  flush(): void {
    if (this.#round !== null || this.#waiting.length === 0 || !this.#options.leaderKnown()) return;
    this.#round = { context: this.#nextContext(), waiters: this.#waiting, askedMs: 0 };
    this.#waiting = [];
    this.#ask();
  }

  /** Unique within the cluster and over restarts, as the core demands. */
  #nextContext(): Buffer {
    const writer = new ByteWriter(20);
    writer.u64(this.#options.member);
    writer.u32(this.#options.life);
    writer.u64(++this.#rounds);
    return Buffer.from(writer.finish());
  }

  #ask(): void {
    if (this.#round === null) return;
    this.#round.askedMs = this.#options.clock.monotonicMs();
    this.#options.ask(this.#round.context);
  }

  /** What was asked of the leader before may never be answered. */
  leaderChanged(): void {
    if (this.#round === null || !this.#options.leaderKnown()) return;
    this.#ask();
  }

  answered(states: readonly ReadState[]): void {
    for (const { index, context } of states) {
      const round = this.#round;
      if (round === null || !round.context.equals(context)) continue;
      this.#round = null;
      for (const waiter of round.waiters) waiter.learnt?.(index);
      this.#confirmed.push({ index, waiters: round.waiters });
    }
    this.applied();
    if (this.#waiting.length > 0) this.#options.wake();
  }

  /** The applied index moved. */
  applied(): void {
    const appliedIndex = this.#options.appliedIndex();
    for (let head = this.#confirmed[0]; head !== undefined; head = this.#confirmed[0]) {
      if (head.index > appliedIndex) return;
      this.#confirmed.shift();
      this.#count -= head.waiters.length;
      for (const waiter of head.waiters) waiter.resolve();
    }
  }

  tick(nowMs: number): void {
    const round = this.#round;
    if (round !== null && nowMs - round.askedMs >= ASK_AGAIN_MS && this.#options.leaderKnown()) this.#ask();
    this.#waiting = this.#expire(this.#waiting, nowMs);
    if (round !== null) this.#round = { ...round, waiters: this.#expire(round.waiters, nowMs) };
    if (this.#round?.waiters.length === 0) this.#round = null;
    this.#confirmed = this.#confirmed
      .map(({ index, waiters }) => ({ index, waiters: this.#expire(waiters, nowMs) }))
      .filter(({ waiters }) => waiters.length > 0);
  }

  #expire(waiters: Waiter[], nowMs: number): Waiter[] {
    // Oldest first: most ticks look at one waiter only.
    if (waiters.every((waiter) => waiter.deadlineMs > nowMs)) return waiters;
    const left: Waiter[] = [];
    for (const waiter of waiters) {
      if (waiter.deadlineMs > nowMs) left.push(waiter);
      else waiter.reject(unavailable());
    }
    this.#count -= waiters.length - left.length;
    return left;
  }

  close(): void {
    this.#closed = true;
    const all = [...this.#waiting, ...(this.#round?.waiters ?? [])];
    for (const { waiters } of this.#confirmed) all.push(...waiters);
    this.#waiting = [];
    this.#round = null;
    this.#confirmed = [];
    this.#count = 0;
    for (const waiter of all) waiter.reject(unavailable());
  }
}

function unavailable(): CodedError {
  return new CodedError('UNAVAILABLE');
}
