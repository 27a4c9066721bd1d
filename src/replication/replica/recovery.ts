import { noChanges } from '../../base/changes.ts';
import { CodedError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { type Entry, emptyConfState, type HardState } from '../../raft/index.ts';
import type { AppliedMark, StateStore } from '../../store/state-store.ts';
import type { LogStart, LogStore, RecoveredLog } from '../../wal/log-store.ts';
import {
  type Directory,
  decodeDirectory,
  encodeDirectory,
  FOUNDING_INDEX,
  FOUNDING_TERM,
  requireKnownFormat,
} from '../formats/members.ts';
import { defaultFormats, type EngineFormats } from '../formats/versions.ts';
import type { Identity } from '../storage/identity.ts';
import type { CoreStart } from './driver.ts';

export interface Disks {
  readonly formats?: EngineFormats;
  readonly log: LogStore;
  readonly store: StateStore;
  readonly identity: Identity;
  readonly logger: Logger;
}

/** A log with everything that this node promised, votes included. */
export interface KeptLog {
  readonly start: LogStart;
  readonly hardState: HardState;
  readonly entries: readonly Entry[];
}

export type Found =
  /** The directory belongs to no cluster yet. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'core'; readonly core: CoreStart }
  /** The log is whole, and begins behind what the state holds: a copy of the state is needed (docs/decisions/0013). */
  | { readonly kind: 'state-lost'; readonly log: KeptLog };

/**
 * What a node finds when it starts. Finishes what a crash interrupted: a founding, or the install of a snapshot; builds a lost state
 * from the log where the log goes back to the founding. Rejects with DATA_DAMAGED when the log lacks what the state shows that
 * it once held: a node that has lost what it acknowledged must not take part.
 */
export async function recoverCore(disks: Disks): Promise<Found> {
  const { log, store, identity, formats = defaultFormats } = disks;
  const { start, hardState, entries } = log.recovered;
  if (store.mark !== null) requireKnownFormat(decodeDirectory(store.mark.engine), formats.newest);
  if (start === null && store.mark === null) {
    if (!identity.founded) return { kind: 'nothing' };
    throw damaged('This node belongs to a cluster, but its log in wal/ is empty, and so is its state');
  }
  if (installWasInterrupted(disks)) return { kind: 'core', core: await finishInstall(disks) };
  if (start === null) throw damaged('This node has a state, but its log in wal/ is empty');
  const kept = { start, hardState, entries };
  if (store.mark === null && start.index === FOUNDING_INDEX) await restageFounding(disks, start);
  const { mark } = store;
  if (mark === null || mark.index < start.index) return { kind: 'state-lost', log: kept };
  checkTogether(kept, mark);
  await settleIdentity(identity);
  return { kind: 'core', core: coreStart(hardState, entries, start, mark) };
}

/**
 * Where the core begins once a copy of the state is in force: with its own log, if that holds the entry at which the copy ends, and
 * else with a log that starts from the copy, as after any snapshot.
 */
export async function joinCopy(disks: Disks, kept: KeptLog): Promise<CoreStart> {
  const { store, identity, formats = defaultFormats } = disks;
  const { mark } = store;
  if (mark === null) throw damaged('The state is empty');
  requireKnownFormat(decodeDirectory(mark.engine), formats.newest);
  if (termAt(kept, mark.index) !== mark.term) return await restartFrom(disks, mark, kept.hardState);
  await settleIdentity(identity);
  return coreStart(kept.hardState, kept.entries, kept.start, mark);
}

async function settleIdentity(identity: Identity): Promise<void> {
  await identity.markFounded();
  if (identity.installing !== null) await identity.markInstalling(null);
}

function coreStart(
  hardState: HardState,
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

/** Of a node that follows a cluster without being a member: it begins with nothing, but for what an empty log may have promised. */
export function observerCore({ recovered }: LogStore): CoreStart {
  const hardState = { ...recovered.hardState, commit: 0 };
  return { hardState, start: { index: 0, term: 0 }, entries: [], confState: emptyConfState, applied: 0 };
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

async function finishInstall(disks: Disks): Promise<CoreStart> {
  const { log, store, logger } = disks;
  const { mark } = store;
  if (mark === null) throw damaged('The state is empty');
  logger.warn({ index: mark.index }, 'finishing the install of a snapshot that a crash interrupted');
  return await restartFrom(disks, mark, log.recovered.hardState);
}

/** The log begins anew behind the state: all that it held is older, or was never committed. */
async function restartFrom(
  { log, identity }: Disks,
  mark: AppliedMark,
  hardState: HardState,
): Promise<CoreStart> {
  const start = { index: mark.index, term: mark.term };
  await log.restart({ ...start, data: mark.engine }, false);
  const core = coreStart(hardState, [], start, mark);
  await log.append({ hardState: core.hardState, entries: [] });
  await settleIdentity(identity);
  return core;
}

/** Term of the entry at `index`, the start included; null when the log does not hold it. */
function termAt({ start, entries }: Pick<RecoveredLog, 'start' | 'entries'>, index: number): number | null {
  if (start === null) return null;
  if (index === start.index) return start.term;
  return entries[index - start.index - 1]?.term ?? null;
}

/** The state knows nothing yet of a log that goes back to the founding: all of it can be applied again from the first entry. */
async function restageFounding({ store }: Disks, { data }: LogStart): Promise<void> {
  store.stage(foundingMark(data), noChanges);
  await store.flush(true);
}

function checkTogether(log: KeptLog, mark: AppliedMark): void {
  const term = termAt(log, mark.index);
  if (term === mark.term) return;
  throw damaged(
    term === null
      ? `The state holds entry ${mark.index}, but the log in wal/ ends before it: entries were lost`
      : `The state and the log in wal/ disagree about entry ${mark.index}: one of them is not of this node, or stale`,
  );
}

function damaged(text: string): CodedError {
  return new CodedError('DATA_DAMAGED', `${text}.`);
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
