import type { Core } from './core.ts';
import { hup } from './election.ts';
import { installSnapshot } from './membership.ts';
import { LostEntriesError, type Message, NONE, type ProposalRefusal } from './types.ts';

/** What a follower does with a message of its own term, or of none. */
export function stepFollower(core: Core, message: Message): ProposalRefusal | null {
  switch (message.type) {
    case 'MsgProp':
      return forwardProposal(core, message);
    case 'MsgApp':
    case 'MsgHeartbeat':
    case 'MsgSnap':
      core.electionElapsed = 0;
      core.leader = message.from;
      handleFromLeader(core, message);
      return null;
    case 'MsgTransferLeader':
    case 'MsgReadIndex':
      if (core.leader === NONE) {
        core.logger.info(`${core.id} no leader at term ${core.term}; dropping ${message.type}`);
      } else {
        core.forward(message, core.leader);
      }
      return null;
    case 'MsgForgetLeader':
      forgetLeader(core);
      return null;
    case 'MsgTimeoutNow':
      core.logger.info(
        `${core.id} [term ${core.term}] received MsgTimeoutNow from ${message.from} and starts an election to get leadership.`,
      );
      // No pre-vote: those who hear the leader would refuse, and it is the leader who asks (thesis §3.10).
      hup(core, 'transfer');
      return null;
    case 'MsgReadIndexResp':
      if (message.context !== null) core.readStates.push({ index: message.index, context: message.context });
      return null;
    default:
      return null;
  }
}

/** The three messages that only a leader sends. Candidates hand them on here once they have stepped back. */
export function handleFromLeader(core: Core, message: Message): void {
  switch (message.type) {
    case 'MsgApp':
      handleAppend(core, message);
      return;
    case 'MsgHeartbeat':
      // A leader tells a commit index up to what this member has acknowledged, and no further.
      if (message.commit > core.log.lastIndex()) {
        throw new LostEntriesError(message.commit, core.log.lastIndex());
      }
      core.log.commitTo(message.commit);
      core.send('MsgHeartbeatResp', message.from, { context: message.context });
      return;
    case 'MsgSnap':
      handleSnapshot(core, message);
      return;
    default:
  }
}

function forwardProposal(core: Core, message: Message): ProposalRefusal | null {
  if (core.leader === NONE) {
    core.logger.info(`${core.id} no leader at term ${core.term}; dropping proposal`);
    return 'proposal-dropped';
  }
  if (core.config.disableProposalForwarding) {
    core.logger.info(
      `${core.id} not forwarding to leader ${core.leader} at term ${core.term}; dropping proposal`,
    );
    return 'proposal-dropped';
  }
  core.forward(message, core.leader);
  return null;
}

/** The driver knows better than the clock that the leader is gone: pre-votes of others need not wait for the lease. */
function forgetLeader(core: Core): void {
  if (core.config.readOnly === 'lease-based') {
    // A lease is a promise to the leader not to elect another one meanwhile: it cannot be taken back.
    core.logger.error('ignoring MsgForgetLeader due to ReadOnlyLeaseBased');
    return;
  }
  if (core.leader === NONE) return;
  core.logger.info(`${core.id} forgetting leader ${core.leader} at term ${core.term}`);
  core.leader = NONE;
}

function handleAppend(core: Core, message: Message): void {
  const { log } = core;
  if (message.index < log.committed) {
    // Older than what is committed: nothing in it can be news, and everything up to the commit index matches.
    core.send('MsgAppResp', message.from, { index: log.committed });
    return;
  }
  const matched = log.maybeAppend(message.index, message.logTerm, message.entries, message.commit);
  if (matched !== null) {
    core.send('MsgAppResp', message.from, { index: matched });
    return;
  }
  core.logger.debug(
    `${core.id} [logterm: ${log.term(message.index) ?? 0}, index: ${message.index}] rejected MsgApp ` +
      `[logterm: ${message.logTerm}, index: ${message.index}] from ${message.from}`,
  );
  const hint = log.findConflictByTerm(Math.min(message.index, log.lastIndex()), message.logTerm);
  core.send('MsgAppResp', message.from, {
    index: message.index,
    reject: true,
    rejectHint: hint.index,
    logTerm: hint.term,
  });
}

function handleSnapshot(core: Core, message: Message): void {
  const { snapshot } = message;
  if (snapshot !== null && installSnapshot(core, snapshot)) {
    core.logger.info(
      `${core.id} [commit: ${core.log.committed}] restored snapshot ` +
        `[index: ${snapshot.meta.index}, term: ${snapshot.meta.term}]`,
    );
    core.send('MsgAppResp', message.from, { index: core.log.lastIndex() });
    return;
  }
  core.logger.info(`${core.id} [commit: ${core.log.committed}] ignored snapshot`);
  core.send('MsgAppResp', message.from, { index: core.log.committed });
}
