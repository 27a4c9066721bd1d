import { assert } from '../../base/assert.ts';
import type { Outcome } from '../ports/engine.ts';

const NO_COMMAND = new Uint8Array(0);

/**
 * One proposal that its caller waits for.
 *
 * `unsent`: certainly in no log. `sent`: handed to the leader of `sentTerm`, perhaps appended; once an entry of a later term is applied
 * here and this one was not, it is certain that it never will be (thesis §3.6: an entry of term T is never behind one of a
 * later term).
 */
export interface Waiter<Result> {
  command: Uint8Array;
  readonly deadlineMs: number;
  readonly resolve: (outcome: Outcome<Result>) => void;
  state: 'unsent' | 'sent' | 'done';
  /** Names this sending; a new one each time, ascending, so that a leader can tell a repetition. 0 while unsent. */
  counter: number;
  sentTerm: number;
  /** How often under this counter: a refusal says something certain only about the first. */
  sendings: number;
  /** Neighbours in order of deadline. */
  before: Waiter<Result> | null;
  after: Waiter<Result> | null;
}

/**
 * All proposals of this node that wait, oldest first: found by counter, expired from the front, removed from anywhere in
 * constant time.
 */
export class Waiters<Result> {
  readonly #byCounter = new Map<number, Waiter<Result>>();
  #first: Waiter<Result> | null = null;
  #last: Waiter<Result> | null = null;
  #count = 0;
  #bytes = 0;

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get first(): Waiter<Result> | null {
    return this.#first;
  }

  add(command: Uint8Array, deadlineMs: number, resolve: (outcome: Outcome<Result>) => void): Waiter<Result> {
    assert(deadlineMs >= (this.#last?.deadlineMs ?? 0), 'proposals wait equally long');
    const waiter: Waiter<Result> = {
      command,
      deadlineMs,
      resolve,
      state: 'unsent',
      counter: 0,
      sentTerm: 0,
      sendings: 0,
      before: this.#last,
      after: null,
    };
    if (this.#last === null) this.#first = waiter;
    else this.#last.after = waiter;
    this.#last = waiter;
    this.#count++;
    this.#bytes += command.length;
    return waiter;
  }

  byCounter(counter: number): Waiter<Result> | undefined {
    return this.#byCounter.get(counter);
  }

  /** Counters ascend: the map stays in the order of sending. */
  markSent(waiter: Waiter<Result>, counter: number, term: number): void {
    waiter.state = 'sent';
    waiter.counter = counter;
    waiter.sentTerm = term;
    waiter.sendings = 1;
    this.#byCounter.set(counter, waiter);
  }

  markUnsent(waiter: Waiter<Result>): void {
    this.#byCounter.delete(waiter.counter);
    waiter.state = 'unsent';
    waiter.counter = 0;
    waiter.sendings = 0;
  }

  /** In the order of sending. */
  sent(): IterableIterator<Waiter<Result>> {
    return this.#byCounter.values();
  }

  resolve(waiter: Waiter<Result>, outcome: Outcome<Result>): void {
    if (waiter.state === 'done') return;
    this.#byCounter.delete(waiter.counter);
    waiter.state = 'done';
    const { before, after } = waiter;
    if (before === null) this.#first = after;
    else before.after = after;
    if (after === null) this.#last = before;
    else after.before = before;
    waiter.before = null;
    waiter.after = null;
    this.#count--;
    this.#bytes -= waiter.command.length;
    waiter.command = NO_COMMAND;
    waiter.resolve(outcome);
  }
}
