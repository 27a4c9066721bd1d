import { EntryWindow } from './entry-window.ts';
import type { Entry, RaftLogger, Snapshot } from './types.ts';

/**
 * The part of the log that is not yet known to be on disk: at most one snapshot, and the entries from `offset` on.
 * Both may be "in progress": handed to the driver, not yet acknowledged. With asynchronous writes several batches are
 * in progress at once, and an entry may be replaced while its older version is still being written; so an
 * acknowledgement counts only when index *and* term are those of the entry held here now.
 *
 * Invariants: `offset` ≤ `offsetInProgress` ≤ index after the last entry; entries before `offset` are in `Storage`.
 */
export class Unstable {
  snapshot: Snapshot | null = null;
  snapshotInProgress = false;
  /** Entries before it were handed out to be written. */
  offsetInProgress: number;
  readonly #entries: EntryWindow;
  readonly #logger: RaftLogger;

  constructor(offset: number, logger: RaftLogger) {
    this.#entries = new EntryWindow(offset);
    this.offsetInProgress = offset;
    this.#logger = logger;
  }

  get offset(): number {
    return this.#entries.first;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** Index of the last entry or of the snapshot; null when neither is here. */
  lastIndex(): number | null {
    if (this.#entries.length > 0) return this.#entries.next - 1;
    return this.snapshot === null ? null : this.snapshot.meta.index;
  }

  term(index: number): number | null {
    if (index < this.offset) {
      return this.snapshot !== null && this.snapshot.meta.index === index ? this.snapshot.meta.term : null;
    }
    return index < this.#entries.next ? this.#entries.at(index).term : null;
  }

  slice(lo: number, hi: number, maxBytes?: number): readonly Entry[] {
    return this.#entries.slice(lo, hi, maxBytes);
  }

  hasNextEntries(): boolean {
    return this.offsetInProgress < this.#entries.next;
  }

  nextEntries(): readonly Entry[] {
    return this.#entries.slice(this.offsetInProgress, this.#entries.next);
  }

  nextSnapshot(): Snapshot | null {
    return this.snapshotInProgress ? null : this.snapshot;
  }

  /** All that is here was handed to the driver. */
  acceptInProgress(): void {
    this.offsetInProgress = this.#entries.next;
    if (this.snapshot !== null) this.snapshotInProgress = true;
  }

  /** The driver wrote the log up to this entry. */
  stableTo(index: number, term: number): void {
    const held = this.term(index);
    if (held === null) {
      this.#logger.info(`entry at index ${index} missing from unstable log; ignoring`);
      return;
    }
    if (index < this.offset) {
      this.#logger.info(`entry at index ${index} matched unstable snapshot; ignoring`);
      return;
    }
    if (held !== term) {
      this.#logger.info(
        `entry at (index,term)=(${index},${term}) mismatched with entry at (${index},${held}) in unstable log; ignoring`,
      );
      return;
    }
    this.#entries.dropBefore(index + 1);
    this.offsetInProgress = Math.max(this.offsetInProgress, this.offset);
  }

  stableSnapshotTo(index: number): void {
    if (this.snapshot === null || this.snapshot.meta.index !== index) return;
    this.snapshot = null;
    this.snapshotInProgress = false;
  }

  restore(snapshot: Snapshot): void {
    this.#entries.restart(snapshot.meta.index + 1);
    this.offsetInProgress = this.offset;
    this.snapshot = snapshot;
    this.snapshotInProgress = false;
  }

  /** Appends `entries[from…]`, replacing what is held from the first one's index on. */
  truncateAndAppend(entries: readonly Entry[], from: number): void {
    const first = entries[from];
    if (first === undefined) return;
    if (first.index < this.#entries.next) {
      if (first.index <= this.offset) {
        this.#logger.info(`replace the unstable entries from index ${first.index}`);
        this.#entries.restart(first.index);
        this.offsetInProgress = first.index;
      } else {
        this.#logger.info(`truncate the unstable entries before index ${first.index}`);
        this.#entries.truncateFrom(first.index);
        // What was handed out from here on is replaced and must be written anew.
        this.offsetInProgress = Math.min(this.offsetInProgress, first.index);
      }
    }
    this.#entries.push(entries, from);
  }
}
