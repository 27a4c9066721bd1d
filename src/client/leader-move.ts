/** When to leave a connection that serves well enough for one to the leader: one hop less. */
import type { Random } from '../base/prng.ts';
import type { Link } from './link.ts';
import type { Server, ServerPool } from './server-pool.ts';
import { timings } from './timings.ts';

export interface LeaderMoveOptions {
  readonly pool: ServerPool;
  readonly random: Random;
  readonly wake: (atMs: number) => void;
}

export class LeaderMove {
  readonly #options: LeaderMoveOptions;
  #dueMs: number | null = null;

  constructor(options: LeaderMoveOptions) {
    this.#options = options;
  }

  /** Null: not planned. */
  get dueMs(): number | null {
    return this.#dueMs;
  }

  isDue(now: number): boolean {
    return this.#dueMs !== null && this.#dueMs <= now;
  }

  unplan(): void {
    this.#dueMs = null;
  }

  /** Not before `leastMs`, and not with all others at once; not at all when there is nowhere better to be. */
  plan(active: Link | null, leastMs: number): void {
    this.#dueMs = null;
    if (leaderElsewhere(active) === null) return;
    const { least, spread } = timings.moveMs;
    this.#planAt(leastMs + least + this.#options.random.below(spread));
  }

  /** The server to connect to now; null: there is none, or it has to wait. Until it has succeeded it is tried again. */
  begin(active: Link | null, now: number): Server | null {
    this.#dueMs = null;
    const leader = leaderElsewhere(active);
    const server = leader === null ? undefined : this.#options.pool.byId(leader);
    if (server === undefined) return null;
    this.#planAt(Math.max(now + timings.moveRetryMs, server.notBeforeMs));
    return server.notBeforeMs > now ? null : server;
  }

  #planAt(atMs: number): void {
    this.#dueMs = atMs;
    this.#options.wake(atMs);
  }
}

function leaderElsewhere(active: Link | null): number | null {
  return active === null || active.leader === active.node ? null : active.leader;
}
