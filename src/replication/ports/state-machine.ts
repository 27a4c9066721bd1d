import type { Changes } from '../../base/changes.ts';

/** Cluster time of an entry, stamped by the leader that appended it and the same on every node. */
export interface EntryTime {
  /** For display. Never runs backwards along the log. */
  readonly wallMs: number;
  /** Elapsed time of the cluster, advanced by leaders' monotonic clocks: for every expiry. */
  readonly clusterMs: number;
}

export interface CommittedCommand {
  readonly index: number;
  readonly time: EntryTime;
  readonly command: Uint8Array;
}

export interface Applied<Result, Event> {
  readonly result: Result;
  readonly events: readonly Event[];
}

/**
 * Port: the deterministic program that every node executes. The engine calls it in log order, once per entry and life.
 * `apply` is total: bad commands are answered with a rejection in `result`. If it throws, the node stops.
 */
export interface StateMachine<Result, Event> {
  apply(entry: CommittedCommand): Applied<Result, Event>;
  /** Everything changed since the last call. The store writes it together with the applied index. */
  takeChanges(): Changes;
  /**
   * Forgets everything and restores from stored rows (in key order), at start and after a snapshot. `clusterMs`: of the newest entry
   * that they hold the effect of.
   */
  load(rows: AsyncIterable<readonly [key: string, value: Uint8Array]>, clusterMs: number): Promise<void>;
}
