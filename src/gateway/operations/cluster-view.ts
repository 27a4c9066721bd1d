/** One node's share of the cluster view: what it knows of itself and of the others, for a page that asks all of them. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Clock } from '../../base/clock.ts';
import type { EngineStatus, MemberStatus, StorageStatus } from '../../replication/ports/engine.ts';
import type { Counters } from '../connections/counters.ts';
import type { ChronicleEvent, ClusterChronicle } from './cluster-chronicle.ts';

export interface NodeView {
  readonly cluster: string;
  /** `loopback-demo`: it may be asked to kill itself. */
  readonly profile: string;
  readonly id: number;
  /** This node's clock, for comparison with the times of its events. */
  readonly nowMs: number;
  readonly upMs: number;
  readonly role: EngineStatus['role'];
  readonly term: number;
  readonly leader: number | null;
  readonly lastIndex: number | null;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly members: readonly MemberStatus[];
  readonly alarms: readonly string[];
  readonly disk: StorageStatus['room'];
  readonly memoryBytes: number;
  /** The longest that the event loop was late, in the last seconds. */
  readonly loopDelayMs: number;
  readonly connections: { readonly native: number; readonly chat: number };
  /** Logged-in connections. */
  readonly subscribers: number;
  readonly accounts: number;
  readonly events: readonly ChronicleEvent[];
}

export interface ClusterViewOptions {
  readonly cluster: string;
  readonly profile: string;
  readonly clock: Clock;
  readonly status: () => EngineStatus;
  readonly counters: Pick<Counters, 'nativeConnections' | 'chatConnections'>;
  readonly subscribers: () => number;
  readonly accounts: () => number;
  readonly chronicle: ClusterChronicle;
}

/** The histogram's own interval, which each of its samples contains. */
const sampleMs = 20;
const windowMs = 5_000;

export class ClusterView {
  readonly #options: ClusterViewOptions;
  readonly #delay = monitorEventLoopDelay({ resolution: sampleMs });
  readonly #startedMs: number;
  /** Of the window before this one: a figure that is read right after a new one began is not empty. */
  #lateBeforeMs = 0;
  #windowBeganMs: number;

  constructor(options: ClusterViewOptions) {
    this.#options = options;
    this.#startedMs = options.clock.monotonicMs();
    this.#windowBeganMs = this.#startedMs;
    this.#delay.enable();
  }

  now(): NodeView {
    const { cluster, profile, clock, status, counters, subscribers, accounts, chronicle } = this.#options;
    const { id, role, term, leader, lastIndex, commitIndex, appliedIndex, members, alarms, storage } =
      status();
    return {
      cluster,
      profile,
      id,
      nowMs: chronicle.nowMs,
      upMs: Math.round(clock.monotonicMs() - this.#startedMs),
      role,
      term,
      leader,
      lastIndex: lastIndex ?? null,
      commitIndex,
      appliedIndex,
      members,
      alarms,
      disk: storage?.room ?? null,
      memoryBytes: process.memoryUsage.rss(),
      loopDelayMs: this.#loopDelayMs(),
      connections: { native: counters.nativeConnections, chat: counters.chatConnections },
      subscribers: subscribers(),
      accounts: accounts(),
      events: chronicle.events,
    };
  }

  stop(): void {
    this.#delay.disable();
    this.#options.chronicle.stop();
  }

  #loopDelayMs(): number {
    const lateMs = Math.max(0, this.#delay.max / 1e6 - sampleMs);
    const nowMs = this.#options.clock.monotonicMs();
    const ageMs = nowMs - this.#windowBeganMs;
    // Nobody has asked for so long that what was measured is no news.
    const isOld = ageMs > 2 * windowMs;
    const shownMs = isOld ? 0 : Math.max(lateMs, this.#lateBeforeMs);
    if (ageMs > windowMs) {
      this.#lateBeforeMs = isOld ? 0 : lateMs;
      this.#windowBeganMs = nowMs;
      this.#delay.reset();
    }
    return Math.round(shownMs * 10) / 10;
  }
}
