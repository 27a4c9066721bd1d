import { StateDamage } from './damage.ts';
import { openDatabase, openLevelOnDisk } from './database.ts';
import { discardState, stateDirectory, stateNumbers } from './pointer.ts';
import { openState, type StateOptions } from './state.ts';
import { isSealed } from './state-seal.ts';
import type { StateStore } from './state-store.ts';

/** Whether an empty state may take the place of one that was found like this: what a newer version wrote is no damage. */
export function isReplaceable(error: unknown): error is StateDamage {
  return error instanceof StateDamage && error.kind !== 'version';
}

/**
 * Rejects with DATA_LOCKED when another process has any of the states open: what follows must not be done under the feet of a node that runs.
 * A state that cannot be opened locks nothing. Nor does one with a seal, since a process that opens it takes the seal away first; and it is
 * not opened here, because of damaged files `level` may abort this process.
 */
export async function checkUnlocked({
  root,
  disk,
  openLevel = openLevelOnDisk,
}: StateOptions): Promise<void> {
  for (const number of await stateNumbers(disk)) {
    const directory = stateDirectory(number);
    if (await isSealed(disk, directory)) continue;
    try {
      const database = await openDatabase(openLevel, `${root}/${directory}`, false);
      await database.close();
    } catch (error) {
      // Damage is why this is asked.
      if (!(error instanceof StateDamage)) throw error;
    }
  }
}

/** An empty state in place of a damaged one: what it held is applied already elsewhere, and can be had again. */
export async function replaceState(options: StateOptions): Promise<StateStore> {
  await discardState(options.disk);
  return await openState(options);
}
