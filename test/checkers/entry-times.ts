import type { Violation } from './history.ts';

export interface EntryTimes {
  readonly wallMs: number;
  readonly clusterMs: number;
}

/** No clock of a cluster is wrong by more than this part, and whole milliseconds are stamped. */
const FASTEST = 1.03;

/** The times that leaders write on entries: neither runs backwards along the log, and the cluster's counts no more than has passed. */
export class EntryClock {
  #last: EntryTimes = { wallMs: 0, clusterMs: 0 };

  /** Of every entry once, in the order of the log. `passedMs`: since the cluster was founded, at least. */
  applies(index: number, time: EntryTimes, passedMs: number): Violation | null {
    const last = this.#last;
    this.#last = time;
    if (time.wallMs < last.wallMs || time.clusterMs < last.clusterMs) {
      const [now, before] = [describe(time), describe(last)];
      return { kind: 'time-wrong', text: `entry ${index} was written ${now}, the one before it ${before}` };
    }
    if (time.clusterMs <= passedMs * FASTEST) return null;
    const text = `entry ${index} says that the cluster has run for ${time.clusterMs} ms, and it has for ${Math.floor(passedMs)}`;
    return { kind: 'time-wrong', text };
  }
}

function describe({ wallMs, clusterMs }: EntryTimes): string {
  return `at ${wallMs} (cluster time ${clusterMs})`;
}
