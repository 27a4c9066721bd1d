import { StateDamage } from './damage.ts';
import { discardState } from './pointer.ts';
import { openState, type StateOptions } from './state.ts';
import type { StateStore } from './state-store.ts';

export interface SoundState {
  readonly store: StateStore;
  /** What was found, when the state had to be given up: the store is empty then, to be filled from the log or from another node. */
  readonly discarded: StateDamage | null;
}

/**
 * Opens the state, and puts an empty one in place of a damaged one: what it held is applied already elsewhere and can be had
 * again. Rejects with DATA_LOCKED, DISK_FAILED, or DATA_DAMAGED of kind `version`: what a newer version wrote is no damage.
 */
export async function openSoundState(options: StateOptions): Promise<SoundState> {
  try {
    return { store: await openState(options), discarded: null };
  } catch (error) {
    if (!(error instanceof StateDamage) || error.kind === 'version') throw error;
    await discardState(options.disk);
    return { store: await openState(options), discarded: error };
  }
}
