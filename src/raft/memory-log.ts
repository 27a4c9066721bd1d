import { assert } from '../base/assert.ts';
import { NO_BYTES } from './entries.ts';
import { EntryWindow } from './entry-window.ts';
import {
  type ConfState,
  type Entry,
  type HardState,
  NONE,
  type Snapshot,
  type Storage,
  StorageError,
} from './types.ts';

/** Nobody is a member. */
export const emptyConfState: ConfState = {
  voters: [],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
};

const emptySnapshot: Snapshot = { meta: { index: 0, term: 0, confState: emptyConfState }, data: NO_BYTES };

/**
 * The stable log held in memory: what the driver made durable, as the core reads it back. All access is by offset;
 * appending and compacting cost a constant time per entry.
 *
 * Invariant: `#start` is the point before the first entry: its term is known, its entry is gone.
 */
export class MemoryLog implements Storage {
  #hardState: HardState = { term: 0, vote: NONE, commit: 0 };
  #snapshot: Snapshot = emptySnapshot;
  #start = { index: 0, term: 0 };
  readonly #entries = new EntryWindow(1);

  /** What was set last, and the configuration of the newest snapshot. */
  initialState(): { readonly hardState: HardState; readonly confState: ConfState } {
    return { hardState: this.#hardState, confState: this.#snapshot.meta.confState };
  }

  /** Replaces the hard state. */
  setHardState(hardState: HardState): void {
    this.#hardState = hardState;
  }

  /** See `Storage.entries`. */
  entries(lo: number, hi: number, maxBytes: number): readonly Entry[] {
    if (lo <= this.#start.index) throw compacted();
    if (hi > this.#entries.next) throw unavailable();
    return this.#entries.slice(lo, hi, maxBytes);
  }

  /** See `Storage.term`. */
  term(index: number): number {
    if (index < this.#start.index) throw compacted();
    if (index === this.#start.index) return this.#start.term;
    if (index >= this.#entries.next) throw unavailable();
    return this.#entries.at(index).term;
  }

  /** Of the first entry that is here, or would be. */
  firstIndex(): number {
    return this.#entries.first;
  }

  /** Of the last entry, or of the start when there is none. */
  lastIndex(): number {
    return this.#entries.next - 1;
  }

  /** The newest one; empty, at index 0, when there never was any. */
  snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** Replaces the whole log. Throws `snapshot-out-of-date` when a newer snapshot is here. */
  applySnapshot(snapshot: Snapshot): void {
    if (this.#snapshot.meta.index >= snapshot.meta.index) throw outOfDate();
    this.#snapshot = snapshot;
    this.#start = { index: snapshot.meta.index, term: snapshot.meta.term };
    this.#entries.restart(snapshot.meta.index + 1);
  }

  /** Makes a snapshot at `index` the newest one, without cutting the log. `confState` null keeps the last one's. */
  createSnapshot(index: number, confState: ConfState | null, data: Uint8Array): Snapshot {
    if (index <= this.#snapshot.meta.index) throw outOfDate();
    assert(index <= this.lastIndex(), 'a snapshot covers only entries that are in the log');
    const meta = { index, term: this.term(index), confState: confState ?? this.#snapshot.meta.confState };
    this.#snapshot = { meta, data };
    return this.#snapshot;
  }

  /** Drops the entries up to and including `index`. Throws `compacted` when they are gone already. */
  compact(index: number): void {
    if (index <= this.#start.index) throw compacted();
    assert(index <= this.lastIndex(), 'a log is compacted within its bounds');
    this.#start = { index, term: this.term(index) };
    this.#entries.dropBefore(index + 1);
  }

  /** Entries replace any from the first one's index on; those already compacted are skipped. */
  append(entries: readonly Entry[]): void {
    const head = entries[0];
    if (head === undefined) return;
    const skipped = Math.max(0, this.firstIndex() - head.index);
    const first = entries[skipped];
    if (first === undefined) return;
    assert(first.index <= this.#entries.next, 'an append leaves no gap in the log');
    this.#entries.truncateFrom(first.index);
    this.#entries.push(entries, skipped);
  }
}

function compacted(): StorageError {
  return new StorageError('compacted', 'requested index is unavailable due to compaction');
}

function unavailable(): StorageError {
  return new StorageError('unavailable', 'requested entry at index is unavailable');
}

function outOfDate(): StorageError {
  return new StorageError('snapshot-out-of-date', 'requested index is older than the existing snapshot');
}
