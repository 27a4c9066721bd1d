import { assert } from '../base/assert.ts';
import type { Core } from './core.ts';
import { NO_BYTES, NO_ENTRIES, payloadSize } from './entries.ts';
import { describePeer, type Progress } from './progress.ts';
import type { Entry, MemberId } from './types.ts';

/** How a leader's log reaches its peers: appends, heartbeats, snapshots, and the commit index. */

/** Appends to the own log as leader. False when the uncommitted tail would grow beyond its bound. */
export function appendEntries(core: Core, proposed: readonly Entry[]): boolean {
  const bytes = payloadSize(proposed);
  const full = core.uncommittedBytes > 0 && bytes > 0;
  if (full && core.uncommittedBytes + bytes > core.config.maxUncommittedEntriesSize) {
    core.logger.warn(
      `${core.id} appending new entries to log would exceed uncommitted entry size limit; dropping proposal`,
    );
    return false;
  }
  core.uncommittedBytes += bytes;
  const { term } = core;
  let index = core.log.lastIndex();
  core.log.append(proposed.map((entry) => ({ term, index: ++index, type: entry.type, data: entry.data })));
  // The leader counts itself only once its own disk has the entries: it tells itself so, like any follower.
  core.send('MsgAppResp', core.id, { index });
  return true;
}

/** The empty entry with which a leader opens its term: with it everything before it can be committed (thesis §3.6.2). */
export function openTerm(core: Core): void {
  const appended = appendEntries(core, [{ term: 0, index: 0, type: 'normal', data: NO_BYTES }]);
  assert(appended, 'the entry that opens a term is never refused');
  core.logger.info(`${core.id} became leader at term ${core.term}`);
}

export function releaseUncommitted(core: Core, entries: readonly Entry[]): void {
  core.uncommittedBytes = Math.max(0, core.uncommittedBytes - payloadSize(entries));
}

/** Moves the commit index up to what a quorum has. True when it moved. */
export function maybeCommit(core: Core): boolean {
  return core.log.maybeCommit(core.tracker.committed(), core.term);
}

export function broadcastAppend(core: Core): void {
  for (const id of core.tracker.ids) if (id !== core.id) sendAppend(core, id);
}

/** Sends what is missing, or an empty append that tells the commit index. */
export function sendAppend(core: Core, to: MemberId): void {
  maybeSendAppend(core, to, true);
}

/** Sends one append or a snapshot, unless the peer is paused or (with `sendIfEmpty` false) has everything. */
export function maybeSendAppend(core: Core, to: MemberId, sendIfEmpty: boolean): boolean {
  const progress = core.tracker.progress(to);
  if (progress === undefined || progress.paused()) return false;
  const prevIndex = progress.next - 1;
  const prevTerm = core.log.term(prevIndex);
  if (prevTerm === null) return maybeSendSnapshot(core, to, progress);
  // With a full window an empty append still goes: if all in the window was lost, its answer frees the window.
  const throttled = progress.state === 'replicate' && progress.inflights.full();
  const entries = throttled ? NO_ENTRIES : core.log.entriesFrom(progress.next, core.config.maxSizePerMessage);
  if (entries === null) return maybeSendSnapshot(core, to, progress);
  if (entries.length === 0 && !sendIfEmpty) return false;
  const commit = core.log.committed;
  core.send('MsgApp', to, { index: prevIndex, logTerm: prevTerm, entries, commit });
  progress.sent(entries.length, payloadSize(entries));
  progress.sentCommit = commit;
  return true;
}

function maybeSendSnapshot(core: Core, to: MemberId, progress: Progress): boolean {
  if (!progress.recentActive) {
    core.logger.debug(`ignore sending snapshot to ${to} since it is not recently active`);
    return false;
  }
  const snapshot = core.log.snapshot();
  if (snapshot === null) {
    core.logger.debug(
      `${core.id} failed to send snapshot to ${to} because snapshot is temporarily unavailable`,
    );
    return false;
  }
  const { index, term } = snapshot.meta;
  assert(index > 0, 'a log that was compacted has a snapshot');
  core.logger.debug(
    `${core.id} [firstindex: ${core.log.firstIndex()}, commit: ${core.log.committed}] sent snapshot` +
      `[index: ${index}, term: ${term}] to ${to} [${describePeer(progress.status(to))}]`,
  );
  progress.becomeSnapshot(index);
  core.logger.debug(
    `${core.id} paused sending replication messages to ${to} [${describePeer(progress.status(to))}]`,
  );
  core.send('MsgSnap', to, { snapshot });
  return true;
}

/** `context` is the newest read that waits for a quorum, or null. */
export function broadcastHeartbeat(core: Core, context: Uint8Array | null): void {
  for (const id of core.tracker.ids) {
    const progress = core.tracker.progress(id);
    if (id === core.id || progress === undefined) continue;
    // Never beyond what the peer is known to have: it would commit entries that may differ from the leader's.
    const commit = Math.min(progress.match, core.log.committed);
    core.send('MsgHeartbeat', id, { commit, context });
    progress.sentCommit = commit;
  }
}
