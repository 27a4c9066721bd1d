import { confChangeOf } from './conf-change.ts';
import { describeConfiguration, isJoint } from './configuration.ts';
import type { Core } from './core.ts';
import { NO_BYTES } from './entries.ts';
import { handleAppendResponse } from './leader-append.ts';
import { planOf } from './membership.ts';
import { describePeer, type Progress } from './progress.ts';
import { confirmReads, readAsLeader } from './reads.ts';
import { appendEntries, broadcastAppend, broadcastHeartbeat, sendAppend } from './replication.ts';
import { transferLeadership } from './transfer.ts';
import { type ConfChange, type Entry, type Message, NONE, type ProposalRefusal, RaftError } from './types.ts';

/** What a leader does with a message of its own term, or of none. */
export function stepLeader(core: Core, message: Message): ProposalRefusal | null {
  switch (message.type) {
    case 'MsgBeat':
      broadcastHeartbeat(core, core.reads.newestContext());
      return null;
    case 'MsgCheckQuorum':
      checkQuorum(core);
      return null;
    case 'MsgProp':
      return handleProposal(core, message.entries);
    case 'MsgReadIndex':
      readAsLeader(core, message);
      return null;
    case 'MsgForgetLeader':
      return null;
    default:
  }
  const progress = core.tracker.progress(message.from);
  if (progress === undefined) {
    core.logger.debug(`${core.id} no progress available for ${message.from}`);
    return null;
  }
  stepPeer(core, message, progress);
  return null;
}

/** Messages that are about one peer. */
function stepPeer(core: Core, message: Message, progress: Progress): void {
  switch (message.type) {
    case 'MsgAppResp':
      handleAppendResponse(core, message, progress);
      return;
    case 'MsgHeartbeatResp':
      handleHeartbeatResponse(core, message, progress);
      return;
    case 'MsgSnapStatus':
      handleSnapshotStatus(core, message, progress);
      return;
    case 'MsgUnreachable':
      // What was sent ahead is probably lost.
      if (progress.state === 'replicate') progress.becomeProbe();
      core.logger.debug(
        `${core.id} failed to send message to ${message.from} because it is unreachable ` +
          `[${describePeer(progress.status(message.from))}]`,
      );
      return;
    case 'MsgTransferLeader':
      transferLeadership(core, message.from, progress);
      return;
    default:
  }
}

/** A leader that has not heard from a quorum for an election timeout may have been replaced: it steps down (thesis §6.2). */
function checkQuorum(core: Core): void {
  if (!core.tracker.quorumActive()) {
    core.logger.warn(`${core.id} stepped down to follower since quorum is not active`);
    core.becomeFollower(core.term, NONE);
  }
  for (const id of core.tracker.ids) {
    const progress = core.tracker.progress(id);
    if (id !== core.id && progress !== undefined) progress.recentActive = false;
  }
}

function handleProposal(core: Core, entries: readonly Entry[]): ProposalRefusal | null {
  if (entries.length === 0) return 'proposal-dropped';
  // Removed while leading: what it appended now, its successor would not have.
  if (core.tracker.progress(core.id) === undefined) return 'proposal-dropped';
  if (core.leadTransferee !== NONE) {
    core.logger.debug(
      `${core.id} [term ${core.term}] transfer leadership to ${core.leadTransferee} is in progress; dropping proposal`,
    );
    return 'proposal-dropped';
  }
  const pendingBefore = core.pendingConfIndex;
  const checked = checkConfChanges(core, entries);
  if (checked === null) return 'invalid-conf-change';
  if (!appendEntries(core, checked)) {
    core.pendingConfIndex = pendingBefore;
    return 'proposal-dropped';
  }
  broadcastAppend(core);
  return null;
}

/**
 * Replaces changes of configuration that may not enter the log now by empty entries: at most one that is not applied,
 * and only one that fits the configuration. Null, without effect, when one cannot be read or can never be applied.
 */
function checkConfChanges(core: Core, entries: readonly Entry[]): readonly Entry[] | null {
  if (entries.every((entry) => entry.type === 'normal')) return entries;
  const checked: Entry[] = [];
  let pending = core.pendingConfIndex;
  for (const entry of entries) {
    const change = readable(entry);
    if (change === null) {
      if (entry.type !== 'normal') return null;
      checked.push(entry);
      continue;
    }
    const failed = core.config.disableConfChangeValidation ? null : untimely(core, change, pending);
    if (failed !== null) {
      core.logger.info(
        `${core.id} ignoring conf change ${JSON.stringify(change.changes)} at config ` +
          `${describeConfiguration(core.tracker.confState)}: ${failed}`,
      );
      checked.push({ term: 0, index: 0, type: 'normal', data: NO_BYTES });
      continue;
    }
    if (!core.config.disableConfChangeValidation && !applicable(core, change)) return null;
    pending = core.log.lastIndex() + checked.length + 1;
    checked.push(entry);
  }
  core.pendingConfIndex = pending;
  return checked;
}

function untimely(core: Core, change: ConfChange, pending: number): string | null {
  const joint = isJoint(core.tracker.confState);
  const leaving = change.changes.length === 0;
  if (pending > core.log.applied) {
    return `possible unapplied conf change at index ${pending} (applied to ${core.log.applied})`;
  }
  if (joint && !leaving) return 'must transition out of joint config first';
  if (!joint && leaving) return 'not in joint state; refusing empty conf change';
  return null;
}

function readable(entry: Entry): ConfChange | null {
  try {
    return confChangeOf(entry);
  } catch (error) {
    if (error instanceof RaftError) return null;
    throw error;
  }
}

/** Applied, it would stop every node (one that removes all voters, say): so it is refused while only the proposer minds. */
function applicable(core: Core, change: ConfChange): boolean {
  try {
    planOf(core.tracker.confState, change);
    return true;
  } catch (error) {
    if (!(error instanceof RaftError)) throw error;
    core.logger.info(`${core.id} refusing conf change: ${error.message}`);
    return false;
  }
}

function handleHeartbeatResponse(core: Core, message: Message, progress: Progress): void {
  progress.recentActive = true;
  progress.flowPaused = false;
  // Behind, or probing: an append, even an empty one, gets an answer that moves it on. (Nothing is sent in `snapshot`.)
  if (progress.match < core.log.lastIndex() || progress.state === 'probe') sendAppend(core, message.from);
  if (message.context !== null) confirmReads(core, message.from, message.context);
}

function handleSnapshotStatus(core: Core, message: Message, progress: Progress): void {
  if (progress.state !== 'snapshot') return;
  if (message.reject) progress.pendingSnapshot = 0;
  progress.becomeProbe();
  core.logger.debug(
    `${core.id} snapshot ${message.reject ? 'failed' : 'succeeded'}, resumed sending replication messages to ` +
      `${message.from} [${describePeer(progress.status(message.from))}]`,
  );
  // The acknowledgement of the snapshot, or after a failure the next heartbeat, starts the flow again.
  progress.flowPaused = true;
}
