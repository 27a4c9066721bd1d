import type { Clock } from '../base/clock.ts';

/**
 * Cluster time as this node can tell it: that of the newest applied entry, and what the own monotonic clock counted since. For what a
 * gateway says ("try again in 20 s"); what expires is decided by the entries alone.
 */
export class ClusterClock {
  readonly #clock: Clock;
  readonly #view: { readonly clusterMs: number };
  #seenMs: number;
  #atMs: number;

  constructor(clock: Clock, view: { readonly clusterMs: number }) {
    this.#clock = clock;
    this.#view = view;
    this.#seenMs = view.clusterMs;
    this.#atMs = clock.monotonicMs();
  }

  /** Call it whenever entries were applied: between two calls time goes on from the first one. */
  observe(): void {
    if (this.#view.clusterMs === this.#seenMs) return;
    this.#seenMs = this.#view.clusterMs;
    this.#atMs = this.#clock.monotonicMs();
  }

  nowMs(): number {
    this.observe();
    return this.#seenMs + this.#clock.monotonicMs() - this.#atMs;
  }
}
