import type { Core } from './core.ts';
import { makeMessage } from './messages.ts';
import {
  type Entry,
  LOCAL_APPEND_THREAD,
  LOCAL_APPLY_THREAD,
  type Message,
  type Ready,
  type Snapshot,
} from './types.ts';

/** The work of a Ready as messages to the two storage threads (asynchronous mode), and their answers (both modes). */

/** What the disk has to do; null when nothing. Its responses are released once all of it, and all before it, is durable. */
export function storageAppendMessage(core: Core, ready: Ready): Message | null {
  const { hardState, entries, snapshot } = ready;
  const promises = core.messagesAfterAppend;
  if (hardState === null && entries.length === 0 && snapshot === null && promises.length === 0) return null;
  // Last of all, so that the leader has counted its own append before the entries leave its memory.
  const stable = storageAppendResponse(core, snapshot);
  // Term 0 says that the hard state is unchanged.
  return makeMessage('MsgStorageAppend', LOCAL_APPEND_THREAD, core.id, hardState?.term ?? 0, {
    vote: hardState?.vote ?? 0,
    commit: hardState?.commit ?? 0,
    entries,
    snapshot,
    responses: stable === null ? promises : [...promises, stable],
  });
}

/**
 * Tells the core how far its log is on disk. It names the last entry of the whole log, not of this write, and the term of
 * the node, not of the entry: an answer from an older term is ignored (see step.ts), so one is sent with every write
 * as long as anything is unacknowledged; else an ignored one could leave entries unacknowledged for ever.
 */
export function storageAppendResponse(core: Core, snapshot: Snapshot | null): Message | null {
  const pending = core.log.unstable.length > 0;
  if (!pending && snapshot === null) return null;
  return makeMessage('MsgStorageAppendResp', core.id, LOCAL_APPEND_THREAD, core.term, {
    index: pending ? core.log.lastIndex() : 0,
    logTerm: pending ? core.log.lastTerm() : 0,
    snapshot,
  });
}

/** What the state machine has to do; null when nothing. */
export function storageApplyMessage(core: Core, committed: readonly Entry[]): Message | null {
  if (committed.length === 0) return null;
  // Committed entries belong to no term's protocol.
  return makeMessage('MsgStorageApply', LOCAL_APPLY_THREAD, core.id, 0, {
    entries: committed,
    responses: [storageApplyResponse(core, committed)],
  });
}

export function storageApplyResponse(core: Core, committed: readonly Entry[]): Message {
  return makeMessage('MsgStorageApplyResp', core.id, LOCAL_APPLY_THREAD, 0, { entries: committed });
}
