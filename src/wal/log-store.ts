import type { Entry, HardState } from '../raft/types.ts';

/** Port: the stable log. One per node; written by the engine only. */
export interface LogStore {
  /** Found at opening. */
  readonly recovered: RecoveredLog;
  /**
   * Makes the write durable: resolves after its fsync (shared with all writes that waited for it). Entries replace any
   * from the first one's index on. Calls resolve in order. Rejects once, for good, with CodedError DISK_FAILED.
   */
  append(write: { readonly hardState: HardState | null; readonly entries: readonly Entry[] }): Promise<void>;
  /** Durable: the log now starts after `start.index`; everything in it is dropped when `keep` is false. */
  restart(start: LogStart, keep: boolean): Promise<void>;
  /** Clean stop: writes the seal (last index, term, chain value), closes. */
  seal(): Promise<void>;
  /** Closes without a seal (after a failure). */
  close(): Promise<void>;
  readonly bytes: number;
}

/** The point before the first entry: founding, or the newest compaction or snapshot. */
export interface LogStart {
  readonly index: number;
  readonly term: number;
  /** The driver's: configuration and members in force at `index`, or somewhat later. */
  readonly data: Uint8Array;
}

export interface RecoveredLog {
  /** Null when the log is new and empty: the node has never been founded. */
  readonly start: LogStart | null;
  readonly hardState: HardState;
  readonly entries: readonly Entry[];
  /** Whether the last stop sealed the log, and so all of it is known to be whole. */
  readonly sealed: boolean;
  /** Bytes of a torn, never acknowledged tail that were cut. */
  readonly tornBytes: number;
  /** What was wrong with the log, when it could begin anew because the state covered all of it. */
  readonly repaired: string | null;
}
