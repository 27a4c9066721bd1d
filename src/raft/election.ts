import type { Core } from './core.ts';
import { broadcastAppend, openTerm } from './replication.ts';
import { type MemberId, type Message, type MessageType, NONE } from './types.ts';

/** A campaign at the request of the leader goes at once and is not held back by those who still hear that leader. */
export type CampaignKind = 'pre-election' | 'election' | 'transfer';

/** Marks the votes of a campaign that the leader itself asked for (thesis §3.10). */
const transferContext: Uint8Array = Uint8Array.from([0x74]);

export function isTransferVote(message: Message): boolean {
  return (
    message.context !== null && message.context.length === 1 && message.context[0] === transferContext[0]
  );
}

/** Begins an election, if this node may. */
export function hup(core: Core, kind: CampaignKind): void {
  if (core.role === 'leader') {
    core.logger.debug(`${core.id} ignoring MsgHup because already leader`);
    return;
  }
  if (!core.promotable()) {
    core.logger.warn(`${core.id} is unpromotable and can not campaign`);
    return;
  }
  if (core.log.hasUnappliedConfChange()) {
    core.logger.warn(
      `${core.id} cannot campaign at term ${core.term} since there are still pending configuration changes to apply`,
    );
    return;
  }
  core.logger.info(`${core.id} is starting a new election at term ${core.term}`);
  campaign(core, kind);
}

function campaign(core: Core, kind: CampaignKind): void {
  if (kind === 'pre-election') core.becomePreCandidate();
  else core.becomeCandidate();
  const ask: MessageType = kind === 'pre-election' ? 'MsgPreVote' : 'MsgVote';
  const answer = answerTo(ask);
  // A pre-vote asks about the next term without entering it.
  const term = kind === 'pre-election' ? core.term + 1 : core.term;
  const index = core.log.lastIndex();
  const logTerm = core.log.lastTerm();
  for (const id of core.tracker.ids) {
    if (!core.tracker.isVoter(id)) continue;
    if (id === core.id) {
      // The own vote counts once it is on disk, like everybody else's.
      core.sendInTerm(answer, id, term);
      continue;
    }
    core.logger.info(
      `${core.id} [logterm: ${logTerm}, index: ${index}] sent ${ask} request to ${id} at term ${core.term}`,
    );
    const context = kind === 'transfer' ? transferContext : null;
    core.sendInTerm(ask, id, term, { index, logTerm, context });
  }
}

/** A vote came in for the campaign under way. */
export function countVote(core: Core, from: MemberId, type: MessageType, granted: boolean): void {
  core.logger.info(
    `${core.id} received ${type}${granted ? '' : ' rejection'} from ${from} at term ${core.term}`,
  );
  core.tracker.recordVote(from, granted);
  const tally = core.tracker.tally();
  core.logger.info(
    `${core.id} has received ${tally.granted} ${type} votes and ${tally.rejected} vote rejections`,
  );
  switch (tally.result) {
    case 'won':
      if (core.role === 'pre-candidate') {
        campaign(core, 'election');
      } else {
        core.becomeLeader();
        openTerm(core);
        broadcastAppend(core);
      }
      return;
    case 'lost':
      core.becomeFollower(core.term, NONE);
      return;
    case 'pending':
      return;
    default:
      tally.result satisfies never;
  }
}

/** Answers MsgVote and MsgPreVote (thesis §3.4, §3.6.1, §9.6). Learners answer too: they may be voters and not know it yet. */
export function answerVote(core: Core, message: Message): void {
  const { from, type } = message;
  const repeated = core.vote === from;
  const free = core.vote === NONE && core.leader === NONE;
  const trial = type === 'MsgPreVote' && message.term > core.term;
  const granted = (repeated || free || trial) && core.log.isUpToDate(message.index, message.logTerm);
  core.logger.info(
    `${core.id} [logterm: ${core.log.lastTerm()}, index: ${core.log.lastIndex()}, vote: ${core.vote}] ` +
      `${granted ? 'cast' : 'rejected'} ${type} ${granted ? 'for' : 'from'} ${from} ` +
      `[logterm: ${message.logTerm}, index: ${message.index}] at term ${core.term}`,
  );
  if (!granted) {
    core.sendInTerm(answerTo(type), from, core.term, { reject: true });
    return;
  }
  // The term of the question, not the own: a pre-candidate ignores answers about another term than it asks for.
  core.sendInTerm(answerTo(type), from, message.term);
  if (type === 'MsgVote') {
    core.electionElapsed = 0;
    core.vote = from;
  }
}

function answerTo(ask: MessageType): MessageType {
  return ask === 'MsgPreVote' ? 'MsgPreVoteResp' : 'MsgVoteResp';
}
