import { codedDisk } from '../../base/coded-disk.ts';
import { CodedError } from '../../base/errors.ts';
import type { StateDamage } from '../../store/damage.ts';
import { checkUnlocked, isReplaceable, replaceState } from '../../store/repair.ts';
import { openState, type StateOptions } from '../../store/state.ts';
import type { StateStore } from '../../store/state-store.ts';
import { LogDamage } from '../../wal/damage.ts';
import { type LogOptions, openLog } from '../../wal/log.ts';
import type { LogStart, LogStore, RecoveredLog } from '../../wal/log-store.ts';
import { decodeDirectory, FOUNDING_INDEX } from '../formats/members.ts';
import { type Identity, type IdentityOwner, type LostEntries, loadIdentity, lostError } from './identity.ts';

export const LOG_DIRECTORY = 'wal';

export interface DataDirectoryOptions extends StateOptions, IdentityOwner {
  readonly segmentBytes?: LogOptions['segmentBytes'];
  readonly onRound?: LogOptions['onRound'];
}

/** Everything that a node keeps on its disk, open. */
export interface DataDirectory {
  readonly identity: Identity;
  readonly log: LogStore;
  readonly store: StateStore;
  /** What was wrong with the state, which is empty in that case: the engine gets another one. */
  readonly discarded: StateDamage | null;
}

/** Of a node that is the only member: nobody has another copy. */
class SoleStateDamage extends CodedError {
  constructor(damage: StateDamage) {
    super(
      'DATA_DAMAGED',
      `${damage.message} This node is the only member: restore its data directory from a backup.`,
    );
  }
}

/**
 * Opens a node's directory, or makes one. A state that is damaged is given up, a log that is damaged is not, unless the state has all of
 * it: with it the node may have lost a promise. Rejects with DATA_DAMAGED and what to do, DATA_FOREIGN, DATA_LOCKED or DISK_FAILED.
 */
export async function openDataDirectory(given: DataDirectoryOptions): Promise<DataDirectory> {
  const options = { ...given, disk: codedDisk(given.disk) };
  try {
    await options.disk.makeDirectory('.');
    const identity = await loadIdentity(options.disk, options);
    return { identity, ...(await openStores(options, identity)) };
  } catch (error) {
    throw withRemedy(error, options.node);
  }
}

/** The state first: its lock tells a second process on the same directory. */
async function openStores(
  options: DataDirectoryOptions,
  identity: Identity,
): Promise<Omit<DataDirectory, 'identity'>> {
  let store: StateStore;
  try {
    store = await openState(options);
  } catch (error) {
    if (!isReplaceable(error)) throw error;
    return await openWithoutState(options, identity, error);
  }
  try {
    return { store, log: await openNodeLog(options, identity, coveredBy(store)), discarded: null };
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function openWithoutState(
  options: DataDirectoryOptions,
  identity: Identity,
  discarded: StateDamage,
): Promise<Omit<DataDirectory, 'identity'>> {
  await checkUnlocked(options);
  const log = await openNodeLog(options, identity, null);
  try {
    if (isOnlyCopy(log.recovered)) throw new SoleStateDamage(discarded);
    return { log, store: await replaceState(options), discarded };
  } catch (error) {
    await log.close();
    throw error;
  }
}

function openNodeLog(
  { disk, clock, segmentBytes, onRound }: DataDirectoryOptions,
  identity: Identity,
  covered: LogStart | null,
): Promise<LogStore> {
  const size = segmentBytes === undefined ? {} : { segmentBytes };
  const told = onRound === undefined ? {} : { onRound };
  const place = { disk, directory: LOG_DIRECTORY, identity: identity.incarnation, covered };
  return openLog({ ...place, clock, ...size, ...told });
}

/** The log does not give the state back, and there is nobody to ask for a copy. */
function isOnlyCopy({ start, entries }: RecoveredLog): boolean {
  if (start === null || start.index === FOUNDING_INDEX) return false;
  const changesMembers = entries.some(({ type }) => type !== 'normal');
  return !changesMembers && decodeDirectory(start.data).members.length === 1;
}

function coveredBy({ mark }: StateStore): LogStart | null {
  return mark === null ? null : { index: mark.index, term: mark.term, data: mark.engine };
}

/**
 * A log that lost what it had promised is never used again: that is noted for every later start, which may meet nobody who knows of it.
 * Resolves with what to tell.
 */
export async function forsake(identity: Identity, node: number, lost: LostEntries): Promise<unknown> {
  try {
    await identity.markLost(lost);
  } catch (error) {
    return error;
  }
  return withRemedy(lostError(node, lost), node);
}

/** Says what to do about a directory that a node cannot take part with. Other errors are left as they are. */
export function withRemedy(error: unknown, node: number): unknown {
  if (error instanceof SoleStateDamage) return error;
  if (!(error instanceof CodedError) || error.code !== 'DATA_DAMAGED') return error;
  const ofNewerVersion = error instanceof LogDamage && error.kind === 'version';
  const remedy = ofNewerVersion
    ? 'Start the version of the program that wrote this directory.'
    : `If a file was moved or restored, put back the one that belongs here. Otherwise move the data directory of node ${node} away, start the node again and admit it: npm run admin -- members replace ${node}. It then copies everything from the others, as a learner first.`;
  return new CodedError('DATA_DAMAGED', `${error.message} ${remedy}`, { cause: error });
}
