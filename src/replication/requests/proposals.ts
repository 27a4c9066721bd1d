import type { Clock, Timer } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import type { ProposalTag } from '../formats/envelope.ts';
import { type ForwardedProposal, FRAME_TARGET_BYTES } from '../formats/peer-frames.ts';
import type { Outcome, RefusalCode } from '../ports/engine.ts';
import type { AppliedProposal } from '../replica/applier.ts';
import { type Waiter, Waiters } from './waiters.ts';

/** Where a proposal goes now: into this node's own log, to the leader it knows, or nowhere. */
export type Route =
  | { readonly kind: 'own'; readonly term: number }
  | { readonly kind: 'peer'; readonly node: number; readonly term: number };

/** Proposals of one append or frame. */
const BATCH_PROPOSALS = 1_024;
/** After a refusal (a hand-over, a full log) nothing is sent for so long, unless the leader changes. */
const RETRY_MS = 5;

export interface ProposalsOptions {
  readonly member: number;
  readonly life: number;
  readonly clock: Clock;
  readonly route: () => Route | null;
  /** Appends to the own log. False: certainly not appended. */
  readonly append: (proposals: readonly { tag: ProposalTag; command: Uint8Array }[]) => boolean;
  /** Sends to the leader. False: certainly not sent. */
  readonly forward: (node: number, term: number, proposals: readonly ForwardedProposal[]) => boolean;
  /** Too many nodes have no room for anything new. */
  readonly lacksRoom: () => boolean;
  /** Asks for a call of `flush` soon. */
  readonly wake: () => void;
}

/**
 * The proposals of this node, from the call to the outcome. What is proposed within one turn leaves together.
 *
 * Invariant: a proposal is sent under a new counter only when it is certain that no earlier sending of it is in a log, or
 * ever will be. So it takes effect at most once, without any session of the caller.
 */
export class Proposals<Result> {
  readonly #options: ProposalsOptions;
  readonly #waiters = new Waiters<Result>();
  /** In order of proposing; may hold some that are done. */
  #unsent: Waiter<Result>[] = [];
  #counter = 0;
  /** Nodes whose link is new: frames may have been lost with the old one. */
  readonly #renewed = new Set<number>();
  #retry: Timer | null = null;
  #appliedTerm = 0;
  #closed = false;

  constructor(options: ProposalsOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiters.count;
  }

  propose(command: Uint8Array): Promise<Outcome<Result>> {
    const code = this.#refusal(command);
    if (code !== null) return Promise.resolve({ kind: 'refused', code });
    return new Promise((resolve) => {
      const deadlineMs = this.#options.clock.monotonicMs() + limits.operationMs;
      this.#unsent.push(this.#waiters.add(command, deadlineMs, resolve));
      this.#options.wake();
    });
  }

  #refusal(command: Uint8Array): RefusalCode | null {
    if (this.#closed) return 'UNAVAILABLE';
    if (this.#options.lacksRoom()) return 'LOW_SPACE';
    if (command.length > limits.commandBytes) return 'TOO_LONG';
    const { count, bytes } = this.#waiters;
    const full = count >= limits.proposalsInFlight || bytes + command.length > limits.proposalsInFlightBytes;
    return full ? 'BUSY' : null;
  }

  /** Sends whatever can go now. */
  flush(): void {
    if (this.#waiters.count === 0 || this.#retry !== null) return;
    const route = this.#options.route();
    if (route === null) return;
    // Before anything new is sent: the leader takes counters in ascending order only.
    if (route.kind === 'peer' && this.#renewed.has(route.node)) {
      if (!this.#sendAgain(route)) return;
      this.#renewed.delete(route.node);
    }
    while (this.#unsent.length > 0) {
      const batch = this.#nextBatch();
      if (batch.length > 0 && !this.#send(batch, route)) {
        this.#unsent = [...batch, ...this.#unsent];
        this.#retryLater();
        return;
      }
    }
  }

  #nextBatch(): Waiter<Result>[] {
    const batch: Waiter<Result>[] = [];
    let bytes = 0;
    let taken = 0;
    for (const waiter of this.#unsent) {
      if (batch.length >= BATCH_PROPOSALS || bytes >= FRAME_TARGET_BYTES) break;
      taken++;
      if (waiter.state === 'done') continue;
      batch.push(waiter);
      bytes += waiter.command.length;
    }
    this.#unsent = taken === this.#unsent.length ? [] : this.#unsent.slice(taken);
    return batch;
  }

  #send(batch: readonly Waiter<Result>[], route: Route): boolean {
    const first = this.#counter + 1;
    const taken = this.#handOver(batch, first, route);
    // A counter that was shown to nobody may be used again; one that was refused may not.
    if (taken || route.kind === 'own') this.#counter += batch.length;
    if (!taken) return false;
    for (const [i, waiter] of batch.entries()) this.#waiters.markSent(waiter, first + i, route.term);
    return true;
  }

  #handOver(batch: readonly Waiter<Result>[], first: number, route: Route): boolean {
    const { member, life, append, forward } = this.#options;
    if (route.kind === 'peer') {
      const proposals = batch.map(({ command }, i) => ({ counter: first + i, command }));
      return forward(route.node, route.term, proposals);
    }
    return append(batch.map(({ command }, i) => ({ tag: { member, life, counter: first + i }, command })));
  }

  /**
   * To the same leader in the same term, under the same counters: what it has already is recognised and left out. False when
   * the link takes no more now.
   */
  #sendAgain(route: Route & { readonly kind: 'peer' }): boolean {
    let batch: Waiter<Result>[] = [];
    let bytes = 0;
    const flush = (): boolean => {
      const proposals = batch.map(({ counter, command }) => ({ counter, command }));
      if (batch.length > 0 && !this.#options.forward(route.node, route.term, proposals)) return false;
      for (const waiter of batch) waiter.sendings++;
      batch = [];
      bytes = 0;
      return true;
    };
    for (const waiter of this.#waiters.sent()) {
      if (waiter.sentTerm !== route.term) continue;
      batch.push(waiter);
      bytes += waiter.command.length;
      if ((batch.length >= BATCH_PROPOSALS || bytes >= FRAME_TARGET_BYTES) && !flush()) return false;
    }
    return flush();
  }

  /** What one leader refuses, another may take. */
  leaderChanged(): void {
    this.#retry?.cancel();
    this.#retry = null;
    this.#options.wake();
  }

  linkRenewed(node: number): void {
    this.#renewed.add(node);
    this.#options.wake();
  }

  /** The leader did not append these. */
  refused(counters: readonly number[]): void {
    const again: Waiter<Result>[] = [];
    for (const counter of counters) {
      const waiter = this.#waiters.byCounter(counter);
      // Sent twice, the first sending may have been appended: then only a later term tells.
      if (waiter === undefined || waiter.sendings !== 1) continue;
      this.#waiters.markUnsent(waiter);
      again.push(waiter);
    }
    if (again.length === 0) return;
    this.#unsent = [...again, ...this.#unsent];
    this.#retryLater();
  }

  /** Entries were applied on this node, up to one of `term`. */
  applied(proposals: readonly AppliedProposal<Result>[], term: number): void {
    for (const { tag, index, result } of proposals) {
      const waiter = this.#waiters.byCounter(tag.counter);
      if (waiter !== undefined) this.#waiters.resolve(waiter, { kind: 'applied', index, result });
    }
    if (term <= this.#appliedTerm) return;
    this.#appliedTerm = term;
    this.#proposeOvertaken(term);
  }

  isOwn(tag: ProposalTag): boolean {
    const { member, life } = this.#options;
    return tag.member === member && tag.life === life && this.#waiters.byCounter(tag.counter) !== undefined;
  }

  #proposeOvertaken(term: number): void {
    const overtaken: Waiter<Result>[] = [];
    for (const waiter of this.#waiters.sent()) if (waiter.sentTerm < term) overtaken.push(waiter);
    if (overtaken.length === 0) return;
    for (const waiter of overtaken) this.#waiters.markUnsent(waiter);
    this.#unsent = [...overtaken, ...this.#unsent];
    this.#options.wake();
  }

  /** A snapshot that ends in an entry of `term` replaced the state: what it covers was not seen entry by entry. */
  snapshotInstalled(term: number): void {
    for (const waiter of [...this.#waiters.sent()]) {
      if (waiter.sentTerm <= term) this.#waiters.resolve(waiter, { kind: 'unknown' });
    }
  }

  expire(nowMs: number): void {
    for (let first = this.#waiters.first; first !== null; first = this.#waiters.first) {
      if (first.deadlineMs > nowMs) return;
      this.#end(first);
    }
  }

  /** Takes nothing more; what waits is answered. */
  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
    for (let first = this.#waiters.first; first !== null; first = this.#waiters.first) this.#end(first);
    this.#unsent = [];
  }

  /** Takes nothing more; what waits goes on. */
  refuseNew(): void {
    this.#closed = true;
  }

  #end(waiter: Waiter<Result>): void {
    const outcome: Outcome<Result> =
      waiter.state === 'unsent' ? { kind: 'refused', code: 'UNAVAILABLE' } : { kind: 'unknown' };
    this.#waiters.resolve(waiter, outcome);
  }

  #retryLater(): void {
    this.#retry ??= this.#options.clock.after(RETRY_MS, () => {
      this.#retry = null;
      this.#options.wake();
    });
  }
}
