import type { Clock } from '../../base/clock.ts';
import type { BasicStatus, Entry } from '../../raft/index.ts';
import { decodeTime } from '../formats/envelope.ts';
import type { EntryTime } from '../ports/state-machine.ts';

/** Position of the last entry of the own log. */
type LogEnd = Pick<BasicStatus, 'lastIndex' | 'lastTerm'>;

/**
 * The time that a leader writes on entries. Wall time is clamped so that it never runs backwards along the log; cluster time is
 * the last one seen plus what this node's monotonic clock counted since, so a jump of a wall clock moves no expiry.
 *
 * Invariant: what `stamp` returns is at least every time in the log that it is for.
 */
export class ClockStamps {
  readonly #clock: Clock;
  #wallMs = 0;
  #clusterMs = 0;
  #sinceMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sinceMs = clock.monotonicMs();
  }

  /** A time found in the log: at start, or in an entry that another leader sent. */
  observe(time: EntryTime): void {
    this.#wallMs = Math.max(this.#wallMs, time.wallMs);
    if (time.clusterMs < this.#clusterMs) return;
    this.#clusterMs = time.clusterMs;
    this.#sinceMs = this.#clock.monotonicMs();
  }

  /**
   * Times never fall along a log: the last entry that has one has the latest. When the own log ends with these (`end`), their cluster time
   * counts even when it is earlier than what was known: a leader that was cut off stamped what is in no log any more, and would, as the
   * leader of another day, let sessions end that were used under a clock that had missed something.
   */
  observeEntries(entries: readonly Entry[], end: LogEnd): void {
    const timed = entries.findLast(({ type, data }) => type === 'normal' && data.length > 0);
    const last = entries.at(-1);
    if (timed === undefined || last === undefined) return;
    const time = decodeTime(timed.data);
    // Equal positions are equal entries, and so are all before them (log matching).
    const isEnd = last.index === end.lastIndex && last.term === end.lastTerm;
    if (isEnd) this.#clusterMs = Math.min(this.#clusterMs, time.clusterMs);
    this.observe(time);
  }

  stamp(): EntryTime {
    const nowMs = this.#clock.monotonicMs();
    const elapsedMs = Math.max(0, Math.floor(nowMs - this.#sinceMs));
    this.#clusterMs += elapsedMs;
    // Only whole milliseconds are moved over, so that the fractions of many stamps are not lost.
    this.#sinceMs += elapsedMs;
    this.#wallMs = Math.max(this.#wallMs, Math.floor(this.#clock.wallMs()));
    return { wallMs: this.#wallMs, clusterMs: this.#clusterMs };
  }
}
