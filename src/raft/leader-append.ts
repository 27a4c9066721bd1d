import type { Core } from './core.ts';
import { describePeer, type Progress } from './progress.ts';
import { releaseHeldReads } from './reads.ts';
import { broadcastAppend, maybeCommit, maybeSendAppend, sendAppend } from './replication.ts';
import { sendTimeoutNow } from './transfer.ts';
import type { Message } from './types.ts';

/** A peer, or this node's own disk, answered an append. */
export function handleAppendResponse(core: Core, message: Message, progress: Progress): void {
  progress.recentActive = true;
  if (message.reject) handleRejection(core, message, progress);
  else handleAcknowledgement(core, message, progress);
}

function handleRejection(core: Core, message: Message, progress: Progress): void {
  const { from, index, rejectHint, logTerm } = message;
  core.logger.debug(
    `${core.id} received MsgAppResp(rejected, hint: (index ${rejectHint}, term ${logTerm})) from ${from} for index ${index}`,
  );
  // The peer has no entry of a term above `logTerm` up to the hint; this log may skip its own entries above that term too.
  const probe = logTerm > 0 ? core.log.findConflictByTerm(rejectHint, logTerm).index : rejectHint;
  if (!progress.decreaseTo(index, probe)) return;
  core.logger.debug(`${core.id} decreased progress of ${from} to [${describePeer(progress.status(from))}]`);
  if (progress.state === 'replicate') progress.becomeProbe();
  sendAppend(core, from);
}

function handleAcknowledgement(core: Core, message: Message, progress: Progress): void {
  const { from, index } = message;
  const news = progress.acknowledge(index) || progress.isProbedAt(index);
  if (!news) return;
  advanceState(core, message, progress);
  if (maybeCommit(core)) {
    releaseHeldReads(core);
    broadcastAppend(core);
  } else if (from !== core.id && progress.canBumpCommit(core.log.committed)) {
    // The next heartbeat would tell the commit index too, only later.
    sendAppend(core, from);
  }
  if (from !== core.id) {
    // The window has room again: fill it, message by message.
    while (maybeSendAppend(core, from, false));
  }
  if (from === core.leadTransferee && progress.match === core.log.lastIndex()) {
    core.logger.info(`${core.id} sent MsgTimeoutNow to ${from} after received MsgAppResp`);
    sendTimeoutNow(core, from);
  }
}

function advanceState(core: Core, message: Message, progress: Progress): void {
  switch (progress.state) {
    case 'probe':
      progress.becomeReplicate();
      return;
    case 'snapshot':
      // Whatever snapshot it took, and from whom: what counts is that the log can carry on from there.
      if (progress.match + 1 < core.log.firstIndex()) return;
      core.logger.debug(
        `${core.id} recovered from needing snapshot, resumed sending replication messages to ${message.from} ` +
          `[${describePeer(progress.status(message.from))}]`,
      );
      // By way of probing, which takes account of the snapshot's index.
      progress.becomeProbe();
      progress.becomeReplicate();
      return;
    case 'replicate':
      progress.inflights.freeUpTo(message.index);
      return;
    default:
      progress.state satisfies never;
  }
}
