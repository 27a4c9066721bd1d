import { noChanges } from '../base/changes.ts';
import { CodedError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { Entry, HardState } from '../raft/index.ts';
import type { AppliedMark, StateStore } from '../store/state-store.ts';
import type { LogStore, RecoveredLog } from '../wal/log-store.ts';
import type { CoreStart } from './driver.ts';
import type { Identity } from './identity.ts';
import {
  type Directory,
  decodeDirectory,
  encodeDirectory,
  FOUNDING_INDEX,
  FOUNDING_TERM,
} from './members.ts';

const BEGIN_ANEW =
  'Remove the whole data directory to let this node begin anew as a non-voter, which gets everything from the others.';

export interface Disks {
  readonly log: LogStore;
  readonly store: StateStore;
  readonly identity: Identity;
  readonly logger: Logger;
}

/**
 * What a node finds when it starts: null when its directory belongs to no cluster yet, else where its core begins. Finishes
 * what a crash interrupted: a founding, or the install of a snapshot. Rejects with DATA_DAMAGED when log and state do not
 * belong together: a node that has lost what it once acknowledged must not take part.
 */
export async function recoverCore(disks: Disks): Promise<CoreStart | null> {
  const { log, store, identity } = disks;
  const { recovered } = log;
  if (recovered.start === null && store.mark === null) {
    if (!identity.founded) return null;
    throw damaged('This node belongs to a cluster, but its log and its state are empty');
  }
  if (installWasInterrupted(disks)) return await finishInstall(disks);
  if (recovered.start === null) throw damaged('This node has a state, but its log is empty');
  if (store.mark === null) await restageFounding(disks, recovered);
  const mark = store.mark;
  if (mark === null) throw damaged('The state is empty');
  checkTogether(recovered, mark);
  await identity.markFounded();
  if (identity.installing !== null) await identity.markInstalling(null);
  return coreStart(recovered, recovered.entries, recovered.start, mark);
}

function coreStart(
  { hardState }: Pick<RecoveredLog, 'hardState'>,
  entries: readonly Entry[],
  start: { readonly index: number; readonly term: number },
  mark: AppliedMark,
): CoreStart {
  const lastIndex = entries.at(-1)?.index ?? start.index;
  // What was applied was committed; and the note of a commit index may be older than the start of the log.
  const commit = Math.min(lastIndex, Math.max(hardState.commit, mark.index));
  return {
    hardState: raised(hardState, mark.term, commit),
    start: { index: start.index, term: start.term },
    entries,
    confState: decodeDirectory(mark.engine).conf,
    applied: mark.index,
  };
}

/** A term that the log shows was entered; in it this node has not voted, else the vote would have been found. */
function raised(hardState: HardState, term: number, commit: number): HardState {
  if (hardState.term >= term) return { ...hardState, commit };
  return { term, vote: 0, commit };
}

/** The state was swapped in, and the log not yet restarted from it: the identity says that this was under way. */
function installWasInterrupted({ log, store, identity }: Disks): boolean {
  const { installing } = identity;
  const mark = store.mark;
  if (installing === null || mark === null || mark.index !== installing.index) return false;
  return termAt(log.recovered, mark.index) !== mark.term;
}

async function finishInstall({ log, store, identity, logger }: Disks): Promise<CoreStart> {
  const mark = store.mark;
  if (mark === null) throw damaged('The state is empty');
  logger.warn({ index: mark.index }, 'finishing the install of a snapshot that a crash interrupted');
  const { hardState } = log.recovered;
  const start = { index: mark.index, term: mark.term };
  await log.restart({ ...start, data: mark.engine }, false);
  const found = coreStart({ hardState }, [], start, mark);
  await log.append({ hardState: found.hardState, entries: [] });
  await identity.markFounded();
  await identity.markInstalling(null);
  return found;
}

/** Term of the entry at `index`, the start included; null when the log does not hold it. */
function termAt({ start, entries }: RecoveredLog, index: number): number | null {
  if (start === null) return null;
  if (index === start.index) return start.term;
  return entries[index - start.index - 1]?.term ?? null;
}

/** The log was founded and the state knows nothing of it yet: all of it can be applied again from the first entry. */
async function restageFounding({ store }: Disks, { start }: RecoveredLog): Promise<void> {
  if (start === null || start.index !== FOUNDING_INDEX) {
    throw damaged(
      `The state is missing, and the log begins only after entry ${start?.index ?? 0}, so that it cannot be built from there`,
    );
  }
  store.stage(foundingMark(start.data), noChanges);
  await store.flush(true);
}

function checkTogether(recovered: RecoveredLog, mark: AppliedMark): void {
  const first = recovered.start?.index ?? 0;
  if (mark.index < first) {
    throw damaged(`The state ends at entry ${mark.index}, but the log begins only after entry ${first}`);
  }
  const term = termAt(recovered, mark.index);
  if (term === mark.term) return;
  throw damaged(
    term === null
      ? `The state holds entry ${mark.index}, but the log ends before it: entries were lost`
      : `The state and the log disagree about entry ${mark.index}`,
  );
}

function damaged(text: string): CodedError {
  return new CodedError('DATA_DAMAGED', `${text}. ${BEGIN_ANEW}`);
}

function foundingMark(directory: Uint8Array): AppliedMark {
  return { index: FOUNDING_INDEX, term: FOUNDING_TERM, wallMs: 0, clusterMs: 0, engine: directory };
}

/**
 * Makes the founding record durable. The log first, since it says all; a crash after it is made good at the next start.
 * The mark of founding last: from then on an empty log is a lost one.
 */
export async function writeFounding(
  { log, store, identity }: Pick<Disks, 'log' | 'store' | 'identity'>,
  directory: Directory,
): Promise<CoreStart> {
  const data = encodeDirectory(directory);
  const start = { index: FOUNDING_INDEX, term: FOUNDING_TERM };
  const before = log.recovered.hardState;
  const hardState = raised(before, FOUNDING_TERM, FOUNDING_INDEX);
  await log.restart({ ...start, data }, false);
  await log.append({ hardState, entries: [] });
  store.stage(foundingMark(data), noChanges);
  await store.flush(true);
  await identity.markFounded();
  return { hardState, start, entries: [], confState: directory.conf, applied: FOUNDING_INDEX };
}
