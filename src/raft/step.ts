import { stepCandidate } from './candidate.ts';
import { leaveJointChange } from './conf-change.ts';
import { describeConfiguration } from './configuration.ts';
import type { Core } from './core.ts';
import { answerVote, hup, isTransferVote } from './election.ts';
import { entriesSize } from './entries.ts';
import { stepFollower } from './follower.ts';
import { stepLeader } from './leader.ts';
import { localMessage } from './messages.ts';
import { releaseUncommitted } from './replication.ts';
import { type Message, NONE, type ProposalRefusal, type Snapshot } from './types.ts';

/** Every input passes here: first the rules of terms, common to all roles, then what the role makes of it. */
export function step(core: Core, message: Message): ProposalRefusal | null {
  if (message.term > core.term) {
    if (!enterHigherTerm(core, message)) return null;
  } else if (message.term !== 0 && message.term < core.term) {
    answerLowerTerm(core, message);
    return null;
  }
  switch (message.type) {
    case 'MsgHup':
      hup(core, core.config.preVote ? 'pre-election' : 'election');
      return null;
    case 'MsgStorageAppendResp':
      if (message.index !== 0) core.log.unstable.stableTo(message.index, message.logTerm);
      if (message.snapshot !== null) snapshotApplied(core, message.snapshot);
      return null;
    case 'MsgStorageApplyResp':
      entriesApplied(core, message);
      return null;
    case 'MsgVote':
    case 'MsgPreVote':
      answerVote(core, message);
      return null;
    default:
      return stepRole(core, message);
  }
}

function stepRole(core: Core, message: Message): ProposalRefusal | null {
  switch (core.role) {
    case 'leader':
      return stepLeader(core, message);
    case 'follower':
      return stepFollower(core, message);
    case 'candidate':
    case 'pre-candidate':
      return stepCandidate(core, message);
    default:
      return core.role satisfies never;
  }
}

/** Takes over a higher term where the message proves that it was entered. False when the message is to be ignored. */
function enterHigherTerm(core: Core, message: Message): boolean {
  const { type, from, term } = message;
  if (type === 'MsgVote' || type === 'MsgPreVote') {
    // Whoever hears a leader does not help to depose it (thesis §4.2.3), unless the leader itself asks for it.
    const inLease =
      core.config.checkQuorum && core.leader !== NONE && core.electionElapsed < core.config.electionTicks;
    if (inLease && !isTransferVote(message)) {
      core.logger.info(
        `${core.id} [logterm: ${core.log.lastTerm()}, index: ${core.log.lastIndex()}, vote: ${core.vote}] ignored ${type} ` +
          `from ${from} [logterm: ${message.logTerm}, index: ${message.index}] at term ${core.term}: ` +
          `lease is not expired (remaining ticks: ${core.config.electionTicks - core.electionElapsed})`,
      );
      return false;
    }
  }
  // A pre-vote, and its being granted, speak of a term that nobody has entered yet. A refusal carries the refuser's term.
  if (type === 'MsgPreVote' || (type === 'MsgPreVoteResp' && !message.reject)) return true;
  core.logger.info(
    `${core.id} [term: ${core.term}] received a ${type} message with higher term from ${from} [term: ${term}]`,
  );
  const fromLeader = type === 'MsgApp' || type === 'MsgHeartbeat' || type === 'MsgSnap';
  core.becomeFollower(term, fromLeader ? from : NONE);
  return true;
}

function answerLowerTerm(core: Core, message: Message): void {
  const { type, from, term } = message;
  const { checkQuorum, preVote } = core.config;
  if ((checkQuorum || preVote) && (type === 'MsgHeartbeat' || type === 'MsgApp')) {
    // A leader of an older term, while this node has a higher one that its ignored votes cannot spread: the answer makes
    // that leader step down, else a node that comes back from a partition could stay stuck for ever.
    core.send('MsgAppResp', from);
  } else if (type === 'MsgPreVote') {
    // Told, not ignored: a candidate with a better log and a lower term learns the term.
    core.logger.info(
      `${core.id} [logterm: ${core.log.lastTerm()}, index: ${core.log.lastIndex()}, vote: ${core.vote}] rejected ${type} ` +
        `from ${from} [logterm: ${message.logTerm}, index: ${message.index}] at term ${core.term}`,
    );
    core.sendInTerm('MsgPreVoteResp', from, core.term, { reject: true });
  } else if (type === 'MsgStorageAppendResp') {
    if (message.index !== 0) {
      // Written in an older term, the entries may have been replaced since by others of the same index, perhaps even
      // of the same term (A-B-A over three leaders), whose write is still under way. A later answer covers them.
      core.logger.info(
        `${core.id} [term: ${core.term}] ignored entry appends from a ${type} message with lower term [term: ${term}]`,
      );
    }
    // A snapshot is committed state, whatever the term.
    if (message.snapshot !== null) snapshotApplied(core, message.snapshot);
  } else {
    core.logger.info(
      `${core.id} [term: ${core.term}] ignored a ${type} message with lower term from ${from} [term: ${term}]`,
    );
  }
}

function entriesApplied(core: Core, message: Message): void {
  const last = message.entries[message.entries.length - 1];
  if (last === undefined) return;
  appliedTo(core, last.index, entriesSize(message.entries));
  releaseUncommitted(core, message.entries);
}

function snapshotApplied(core: Core, snapshot: Snapshot): void {
  core.log.unstable.stableSnapshotTo(snapshot.meta.index);
  appliedTo(core, snapshot.meta.index, 0);
}

function appliedTo(core: Core, index: number, bytes: number): void {
  core.log.appliedTo(Math.max(index, core.log.applied), bytes);
  const { confState } = core.tracker;
  if (!confState.autoLeave || core.role !== 'leader' || core.log.applied < core.pendingConfIndex) return;
  // Empty data reads as the change that leaves, and counts no bytes, so that it is never refused for size. A transfer of
  // leadership may refuse it; then it is tried again with the next applied entry, here or by the new leader.
  const leave = { term: 0, index: 0, type: 'conf-change-v2', data: leaveJointChange.context } as const;
  const refusal = step(core, localMessage('MsgProp', NONE, { entries: [leave] }));
  const outcome = refusal === null ? 'initiating' : 'not initiating';
  core.logger.info(
    `${outcome} automatic transition out of joint configuration ${describeConfiguration(confState)}`,
  );
}

/** One unit of logical time. */
export function tick(core: Core): void {
  core.electionElapsed++;
  if (core.role === 'leader') {
    tickLeader(core);
  } else if (core.promotable() && core.electionElapsed >= core.randomizedElectionTicks) {
    core.electionElapsed = 0;
    step(core, localMessage('MsgHup', core.id));
  }
}

function tickLeader(core: Core): void {
  core.heartbeatElapsed++;
  if (core.electionElapsed >= core.config.electionTicks) {
    core.electionElapsed = 0;
    if (core.config.checkQuorum) step(core, localMessage('MsgCheckQuorum', core.id));
    // A transfer that takes longer than an election timeout has failed: this node leads on.
    if (core.leadTransferee !== NONE) core.abortTransfer();
  }
  if (core.role !== 'leader' || core.heartbeatElapsed < core.config.heartbeatTicks) return;
  core.heartbeatElapsed = 0;
  step(core, localMessage('MsgBeat', core.id));
}
