import { CodedError } from '../base/errors.ts';
import type { StateDamage } from '../store/damage.ts';
import { openSoundState } from '../store/repair.ts';
import type { StateOptions } from '../store/state.ts';
import type { StateStore } from '../store/state-store.ts';
import { LogDamage } from '../wal/damage.ts';
import { type LogOptions, openLog } from '../wal/log.ts';
import type { LogStore } from '../wal/log-store.ts';
import { type Identity, type IdentityOwner, loadIdentity } from './identity.ts';

export const LOG_DIRECTORY = 'wal';

export interface DataDirectoryOptions extends StateOptions, IdentityOwner {
  readonly segmentBytes?: LogOptions['segmentBytes'];
}

/** Everything that a node keeps on its disk, open. */
export interface DataDirectory {
  readonly identity: Identity;
  readonly log: LogStore;
  readonly store: StateStore;
  /** What was wrong with the state, which is empty in that case: the engine gets another one. */
  readonly discarded: StateDamage | null;
}

/**
 * Opens a node's directory, or makes one. A state that is damaged is given up, a log that is damaged is not: with it the node may have
 * lost a promise. Rejects with DATA_DAMAGED and what to do, DATA_FOREIGN, DATA_LOCKED or DISK_FAILED.
 */
export async function openDataDirectory(options: DataDirectoryOptions): Promise<DataDirectory> {
  const { disk, clock, segmentBytes } = options;
  await disk.makeDirectory('.');
  try {
    const identity = await loadIdentity(disk, options);
    // First of the two stores: it tells a second process on the same directory.
    const { store, discarded } = await openSoundState(options);
    try {
      const log = await openLog({
        disk,
        directory: LOG_DIRECTORY,
        identity: identity.incarnation,
        clock,
        ...(segmentBytes === undefined ? {} : { segmentBytes }),
      });
      return { identity, log, store, discarded };
    } catch (error) {
      await store.close();
      throw error;
    }
  } catch (error) {
    throw withRemedy(error, options.node);
  }
}

/** Says what to do about a directory that a node cannot take part with. Other errors are left as they are. */
export function withRemedy(error: unknown, node: number): unknown {
  if (!(error instanceof CodedError) || error.code !== 'DATA_DAMAGED') return error;
  const ofNewerVersion = error instanceof LogDamage && error.kind === 'version';
  const remedy = ofNewerVersion
    ? 'Start the version of the program that wrote this directory.'
    : `If a file was moved or restored, put back the one that belongs here. Otherwise move the data directory of node ${node} away, start the node again and admit it: npm run admin -- members replace ${node}. It then copies everything from the others, as a learner first.`;
  return new CodedError('DATA_DAMAGED', `${error.message} ${remedy}`, { cause: error });
}
