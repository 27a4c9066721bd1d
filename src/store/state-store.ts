import type { Changes } from '../base/changes.ts';
import type { CodedError } from '../base/errors.ts';
import type { StateDamage } from './damage.ts';

/** Position and driver's data that travel with each batch of applied state. */
export interface AppliedMark {
  readonly index: number;
  readonly term: number;
  readonly wallMs: number;
  readonly clusterMs: number;
  /** The engine's own replicated data (members), opaque to the store. */
  readonly engine: Uint8Array;
}

export interface StreamRecord {
  readonly sequence: number;
  readonly record: Uint8Array;
}

/** Port: the applied state on disk. Writes are staged at once (and seen by reads) and flushed as one batch for many entries. */
export interface StateStore {
  /** Of the newest staged group; null when the store is empty. */
  readonly mark: AppliedMark | null;
  /** Index covered by a batch that was synced: the log may be cut up to it. */
  readonly syncedIndex: number;
  /**
   * Takes a group in log order. Schedules a flush by itself; bounded: see `pendingBytes`. At a `checkpoint` the watcher is told the
   * digest of all rows and streams up to here, once written.
   */
  stage(mark: AppliedMark, changes: Changes, checkpoint?: boolean): void;
  /** Bytes staged and not yet written. The engine stops applying above its own high-water mark until a flush. */
  readonly pendingBytes: number;
  /** Resolves when all that is staged now is written (and synced, if asked). Rejects with the error of a failed write. */
  flush(sync: boolean): Promise<void>;
  /** All rows in key order, as of the newest batch. Used at start and after an install. */
  rows(): AsyncIterable<readonly [key: string, value: Uint8Array]>;
  /** Records of a stream with from ≤ sequence ≤ to, ascending, at most `limit` (the first ones, or the last with `fromEnd`). */
  readStream(
    stream: string,
    range: { readonly from: number; readonly to: number; readonly limit: number; readonly fromEnd?: boolean },
  ): Promise<readonly StreamRecord[]>;
  /** A consistent copy of state and history at one index, as bounded chunks; it flushes first. */
  exportSnapshot(): Promise<{ readonly mark: AppliedMark; readonly chunks: AsyncIterable<Uint8Array> }>;
  /** Stages a received copy beside the current state. Nothing is visible before `commit`, which is atomic and durable. */
  beginInstall(): Promise<SnapshotInstall>;
  /** From now on all that is stored is read again and again, slowly, and what a read finds to be wrong is told. */
  watch(watcher: StateWatcher): void;
  close(): Promise<void>;
}

export interface StateWatcher {
  /** Something that was written is missing or changed. Told each time; the read itself fails as well. */
  damaged(damage: StateDamage): void;
  /** Nothing can be written any more, DISK_FAILED. Told once, whoever asked for the writing, and also when nobody did. */
  failed(error: CodedError): void;
  /** Equal on all nodes at equal indexes, however often they wrote. */
  digest(index: number, digest: string): void;
}

export interface SnapshotInstall {
  /** All of the copy was written here, and it is what its sender says that it is. */
  readonly complete: boolean;
  /** Rejects with DATA_DAMAGED when a chunk's checksum or order is wrong. */
  write(chunk: Uint8Array): Promise<void>;
  /** Verifies completeness, swaps the state in, returns its mark. */
  commit(): Promise<AppliedMark>;
  abort(): Promise<void>;
}
