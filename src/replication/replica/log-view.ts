import type { ConfState, Entry, HardState, MemoryLog, Snapshot, Storage } from '../../raft/index.ts';

/** The newest snapshot that could be sent now: position and members of the applied state. */
export type SnapshotSource = () => Snapshot;

/**
 * What the core reads: the stable log in memory, except that a snapshot is always made of the state as applied now, never kept
 * in the log; and that the configuration at the start is the one in force at the applied index.
 */
export class LogView implements Storage {
  readonly #log: MemoryLog;
  readonly #initial: { readonly hardState: HardState; readonly confState: ConfState };
  readonly #snapshot: SnapshotSource;

  constructor(
    log: MemoryLog,
    initial: { readonly hardState: HardState; readonly confState: ConfState },
    snapshot: SnapshotSource,
  ) {
    this.#log = log;
    this.#initial = initial;
    this.#snapshot = snapshot;
  }

  initialState(): { readonly hardState: HardState; readonly confState: ConfState } {
    return this.#initial;
  }

  entries(lo: number, hi: number, maxBytes: number): readonly Entry[] {
    return this.#log.entries(lo, hi, maxBytes);
  }

  term(index: number): number {
    return this.#log.term(index);
  }

  firstIndex(): number {
    return this.#log.firstIndex();
  }

  lastIndex(): number {
    return this.#log.lastIndex();
  }

  snapshot(): Snapshot {
    return this.#snapshot();
  }
}
