import { assert } from '../base/assert.ts';
import { entriesSize, entrySize, NO_ENTRIES } from './entries.ts';
import { type Entry, type RaftLogger, type Snapshot, type Storage, StorageError } from './types.ts';
import { Unstable } from './unstable.ts';

/**
 * The whole log as the state machine sees it: `Storage` (on disk) followed by `Unstable` (not yet).
 *
 * Invariants: applied ≤ applying ≤ committed ≤ lastIndex. `committed` entries are on a majority's disks and never
 * change; `applying` ones were handed to the driver; `applied` ones it has executed.
 */
export class RaftLog {
  committed: number;
  applying: number;
  applied: number;
  readonly unstable: Unstable;
  readonly #storage: Storage;
  readonly #logger: RaftLogger;
  readonly #maxApplyingBytes: number;
  /** Bytes handed out to be applied and not yet acknowledged; above the bound nothing more is handed out. */
  #applyingBytes = 0;
  #applyingPaused = false;

  constructor(storage: Storage, logger: RaftLogger, maxApplyingBytes: number) {
    const beforeFirst = storage.firstIndex() - 1;
    this.#storage = storage;
    this.#logger = logger;
    this.#maxApplyingBytes = maxApplyingBytes;
    this.unstable = new Unstable(storage.lastIndex() + 1, logger);
    this.committed = beforeFirst;
    this.applying = beforeFirst;
    this.applied = beforeFirst;
  }

  describe(): string {
    const { unstable } = this;
    return (
      `committed=${this.committed}, applied=${this.applied}, applying=${this.applying}, ` +
      `unstable.offset=${unstable.offset}, unstable.offsetInProgress=${unstable.offsetInProgress}, ` +
      `len(unstable.Entries)=${unstable.length}`
    );
  }

  firstIndex(): number {
    const { snapshot } = this.unstable;
    return snapshot === null ? this.#storage.firstIndex() : snapshot.meta.index + 1;
  }

  lastIndex(): number {
    return this.unstable.lastIndex() ?? this.#storage.lastIndex();
  }

  lastTerm(): number {
    const term = this.term(this.lastIndex());
    assert(term !== null, 'the term of the last entry is known');
    return term;
  }

  /** Null when the entry is not in the log (any more). */
  term(index: number): number | null {
    const unstableTerm = this.unstable.term(index);
    if (unstableTerm !== null) return unstableTerm;
    if (index + 1 < this.firstIndex() || index > this.lastIndex()) return null;
    return this.#storage.term(index);
  }

  matches(index: number, term: number): boolean {
    return this.term(index) === term;
  }

  /** The voting rule (thesis §3.6.1): whether a log that ends in (term, index) is at least as complete as this one. */
  isUpToDate(index: number, term: number): boolean {
    const lastTerm = this.lastTerm();
    return term > lastTerm || (term === lastTerm && index >= this.lastIndex());
  }

  /**
   * Takes a leader's entries after (prevIndex, prevTerm). Returns the last index known to match the leader's log, or
   * null when the previous entry does not match. Entries that match already are skipped, never truncated: a delayed
   * append must not undo what a later one was acknowledged for (thesis §3.5).
   */
  maybeAppend(prevIndex: number, prevTerm: number, entries: readonly Entry[], commit: number): number | null {
    if (!this.matches(prevIndex, prevTerm)) return null;
    const lastMatching = prevIndex + entries.length;
    const position = this.#firstNew(entries);
    if (position < entries.length) this.append(entries, position);
    this.commitTo(Math.min(commit, lastMatching));
    return lastMatching;
  }

  /** Position of the first entry that is not in the log with the same term; `entries.length` when all are. */
  #firstNew(entries: readonly Entry[]): number {
    for (let position = 0; position < entries.length; position++) {
      const entry = entries[position];
      if (entry === undefined || this.matches(entry.index, entry.term)) continue;
      if (entry.index <= this.lastIndex()) {
        this.#logger.info(
          `found conflict at index ${entry.index} [existing term: ${this.term(entry.index) ?? 0}, ` +
            `conflicting term: ${entry.term}]`,
        );
      }
      return position;
    }
    return entries.length;
  }

  /** Appends `entries[from…]`, replacing what follows the first one's index. */
  append(entries: readonly Entry[], from = 0): void {
    const first = entries[from];
    if (first === undefined) return;
    assert(first.index > this.committed, 'a committed entry is never replaced');
    this.unstable.truncateAndAppend(entries, from);
  }

  /**
   * The highest index ≤ `index` whose term is ≤ `term`, with that term: the best guess where two logs may agree, which
   * skips whole terms of a conflicting tail (thesis §3.5, the optimisation of its last paragraph). Terms never decrease
   * along a log, so a binary search finds it. Term 0 means that the entry is compacted and its term unknown.
   */
  findConflictByTerm(index: number, term: number): { readonly index: number; readonly term: number } {
    const oldest = this.firstIndex() - 1;
    if (index > this.lastIndex() || index < oldest) return { index, term: 0 };
    let low = oldest;
    let high = index;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.term(middle) ?? 0) <= term) low = middle;
      else high = middle - 1;
    }
    const found = this.term(low) ?? 0;
    if (found <= term) return { index: low, term: found };
    // Even the point of compaction is newer: what lies before it is unknown, save that index 0 matches everywhere.
    return oldest > 0 ? { index: oldest - 1, term: 0 } : { index: 0, term: 0 };
  }

  commitTo(index: number): void {
    if (index <= this.committed) return;
    assert(
      index <= this.lastIndex(),
      'the commit index lies within the log (it was truncated, damaged or lost)',
    );
    this.committed = index;
  }

  /** Thesis §3.6.2: only an entry of the leader's own term is committed by counting. */
  maybeCommit(index: number, term: number): boolean {
    if (term === 0 || index <= this.committed || !this.matches(index, term)) return false;
    this.commitTo(index);
    return true;
  }

  /** Entries from `lo` to the end of the log, bounded by `maxBytes`; null when they are compacted. */
  entriesFrom(lo: number, maxBytes: number): readonly Entry[] | null {
    if (lo > this.lastIndex()) return NO_ENTRIES;
    if (lo < this.firstIndex()) return null;
    return this.slice(lo, this.lastIndex() + 1, maxBytes);
  }

  /** Entries [lo, hi), at least one, cut at `maxBytes`. */
  slice(lo: number, hi: number, maxBytes: number): readonly Entry[] {
    assert(lo >= this.firstIndex() && hi <= this.lastIndex() + 1, 'a slice lies within the log');
    if (lo >= hi) return NO_ENTRIES;
    const { offset } = this.unstable;
    if (lo >= offset) return this.unstable.slice(lo, hi, maxBytes);
    const cut = Math.min(hi, offset);
    const stable = this.#storage.entries(lo, cut, maxBytes);
    if (hi <= offset || stable.length < cut - lo) return stable;
    const room = maxBytes - (maxBytes === Number.POSITIVE_INFINITY ? 0 : entriesSize(stable));
    if (room <= 0) return stable;
    const rest = this.unstable.slice(offset, hi, room);
    const only = rest[0];
    if (rest.length === 1 && only !== undefined && entrySize(only) > room) return stable;
    return stable.concat(rest);
  }

  nextUnstableEntries(): readonly Entry[] {
    return this.unstable.nextEntries();
  }

  hasNextCommitted(allowUnstable: boolean): boolean {
    // A snapshot goes first: the entries after it apply to the state that it brings.
    if (this.#applyingPaused || this.unstable.snapshot !== null) return false;
    return this.applying < this.#maxAppliable(allowUnstable);
  }

  /** Committed entries that the driver has not been handed. Asynchronous writers get only those already on disk. */
  nextCommitted(allowUnstable: boolean): readonly Entry[] {
    if (!this.hasNextCommitted(allowUnstable)) return NO_ENTRIES;
    const room = this.#maxApplyingBytes - this.#applyingBytes;
    assert(room > 0, 'entries are handed out only while there is room for them');
    return this.slice(this.applying + 1, this.#maxAppliable(allowUnstable) + 1, room);
  }

  acceptApplying(index: number, bytes: number, allowUnstable: boolean): void {
    assert(index <= this.committed, 'only committed entries are applied');
    this.applying = index;
    this.#applyingBytes += bytes;
    // Paused also when the next entry was held back for its size: it comes once some of these are acknowledged.
    this.#applyingPaused =
      this.#applyingBytes >= this.#maxApplyingBytes || index < this.#maxAppliable(allowUnstable);
  }

  appliedTo(index: number, bytes: number): void {
    assert(
      index <= this.committed && index >= this.applied,
      'the applied index grows up to the commit index',
    );
    this.applied = index;
    this.applying = Math.max(this.applying, index);
    this.#applyingBytes = Math.max(0, this.#applyingBytes - bytes);
    this.#applyingPaused = this.#applyingBytes >= this.#maxApplyingBytes;
  }

  #maxAppliable(allowUnstable: boolean): number {
    return allowUnstable ? this.committed : Math.min(this.committed, this.unstable.offset - 1);
  }

  /** The newest snapshot, or null while none can be had. */
  snapshot(): Snapshot | null {
    if (this.unstable.snapshot !== null) return this.unstable.snapshot;
    try {
      return this.#storage.snapshot();
    } catch (error) {
      if (error instanceof StorageError && error.kind === 'snapshot-temporarily-unavailable') return null;
      throw error;
    }
  }

  restore(snapshot: Snapshot): void {
    this.#logger.info(
      `log [${this.describe()}] starts to restore snapshot [index: ${snapshot.meta.index}, term: ${snapshot.meta.term}]`,
    );
    this.committed = snapshot.meta.index;
    this.unstable.restore(snapshot);
  }

  /** Whether a change of configuration is committed but not applied here: until then this node does not know its quorum. */
  hasUnappliedConfChange(): boolean {
    let lo = this.applied + 1;
    while (lo <= this.committed) {
      const page = this.slice(lo, this.committed + 1, SCAN_PAGE_BYTES);
      if (page.some((entry) => entry.type !== 'normal')) return true;
      lo += page.length;
    }
    return false;
  }
}

/** Bounds the copies made by a scan. */
const SCAN_PAGE_BYTES = 1024 * 1024;
