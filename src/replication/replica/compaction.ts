import type { StateStore } from '../../store/state-store.ts';

export interface CompactionSettings {
  /** Entries, or payload bytes, in the log after which it is cut. */
  readonly entries: number;
  readonly bytes: number;
  /** Entries kept behind the cut, so that a slow follower needs no copy of the state. */
  readonly keepEntries: number;
}

/** While a copy is being sent, the log may grow to so many times its size, so that the receiver can go on from the copy. */
const PATIENCE = 4;

export interface CompactionOptions {
  readonly settings: CompactionSettings;
  readonly store: Pick<StateStore, 'flush' | 'syncedIndex'>;
  readonly firstIndex: () => number;
  readonly appliedIndex: () => number;
  readonly isSendingSnapshot: () => boolean;
  readonly cut: (index: number) => Promise<void>;
  readonly fatal: (error: unknown) => void;
}

/**
 * Cuts the log when it has grown, only below what a synced batch of the store covers: what is cut is never needed
 * again, on this node.
 */
export class Compaction {
  readonly #options: CompactionOptions;
  #bytes: number;
  #running = false;

  constructor(options: CompactionOptions, bytes: number) {
    this.#options = options;
    this.#bytes = bytes;
  }

  appended(bytes: number): void {
    this.#bytes += bytes;
  }

  check(): void {
    if (this.#running) return;
    const { settings, firstIndex, appliedIndex, isSendingSnapshot } = this.#options;
    const applied = appliedIndex() - firstIndex() + 1;
    const factor = isSendingSnapshot() ? PATIENCE : 1;
    if (applied < settings.entries * factor && this.#bytes < settings.bytes * factor) return;
    const keep = Math.min(settings.keepEntries, Math.floor(applied / 2));
    if (applied - keep < 1) return;
    this.#running = true;
    this.#cut(keep).then(
      () => {
        this.#running = false;
      },
      (error) => this.#options.fatal(error),
    );
  }

  async #cut(keep: number): Promise<void> {
    const { store, firstIndex, cut } = this.#options;
    await store.flush(true);
    const index = store.syncedIndex - keep;
    this.#bytes = 0;
    if (index >= firstIndex()) await cut(index);
  }
}
