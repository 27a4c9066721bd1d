/**
 * The connection in reserve: open to another node than the one in use, and silent, so that a failover begins with hello and not with a
 * handshake. It is never in a hurry, and its failures end nothing.
 */
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/prng.ts';
import type { Link } from './link.ts';
import type { Server, ServerPool } from './server-pool.ts';
import { timings } from './timings.ts';

export interface StandbyOptions {
  readonly pool: ServerPool;
  readonly clock: Clock;
  readonly random: Random;
  readonly dial: (server: Server) => Link;
  /** Call `work` at this time or before. */
  readonly wake: (atMs: number) => void;
}

export class Standby {
  readonly #options: StandbyOptions;
  #link: Link | null = null;
  #openAtMs: number | null = null;

  constructor(options: StandbyOptions) {
    this.#options = options;
  }

  get server(): Server | null {
    return this.#link?.server ?? null;
  }

  isLink(link: Link): boolean {
    return link === this.#link;
  }

  /** Opens one before long, unless there is one. */
  plan(leastMs: number = timings.standbyMs.least): void {
    if (this.#openAtMs !== null) return;
    const { clock, random, wake } = this.#options;
    this.#openAtMs = clock.monotonicMs() + leastMs + random.below(timings.standbyMs.spread);
    wake(this.#openAtMs);
  }

  /** Nothing is in use that it could stand by for. */
  unplan(): void {
    this.#openAtMs = null;
  }

  /** Hands it over for use; open, or about to be. */
  take(): Link | null {
    const link = this.#link;
    this.#link = null;
    return link;
  }

  lost(link: Link): void {
    const { pool, clock } = this.#options;
    this.#link = null;
    if (!link.leaving) pool.failed(link.server, clock.monotonicMs());
    this.plan(timings.standbyRetryMs);
  }

  close(): void {
    this.#link?.close();
    this.#link = null;
    this.#openAtMs = null;
  }

  /** `inUse`: the node that it stands by for. `isMoving`: another connection is being tried, which may take this one's place. */
  work(inUse: Server | null, isMoving: boolean): void {
    const { pool, clock, dial } = this.#options;
    const now = clock.monotonicMs();
    const link = this.#link;
    if (link !== null && !link.isOpen && now >= link.openByMs) {
      link.close();
      this.lost(link);
    }
    if (this.#openAtMs === null || this.#openAtMs > now) return;
    this.#openAtMs = null;
    if (inUse === null) return;
    if (this.#link?.server === inUse) this.close();
    if (this.#link !== null) return;
    if (isMoving) {
      this.plan(timings.standbyRetryMs);
      return;
    }
    const choice = pool.choose(now, [inUse]);
    if (choice === undefined || choice.server === inUse) return;
    if (choice.delayMs > 0) this.plan(choice.delayMs);
    else this.#link = dial(choice.server);
  }

  /** When `work` may have something to do; null: nothing is planned. */
  dueMs(): number | null {
    const link = this.#link;
    const openMs = link === null || link.isOpen ? null : link.openByMs;
    if (openMs === null || this.#openAtMs === null) return openMs ?? this.#openAtMs;
    return Math.min(openMs, this.#openAtMs);
  }
}
