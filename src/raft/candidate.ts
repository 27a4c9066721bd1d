import type { Core } from './core.ts';
import { countVote } from './election.ts';
import { handleFromLeader } from './follower.ts';
import type { Message, ProposalRefusal } from './types.ts';

/** What a candidate or pre-candidate does with a message of its own term, or of none. */
export function stepCandidate(core: Core, message: Message): ProposalRefusal | null {
  switch (message.type) {
    case 'MsgProp':
      core.logger.info(`${core.id} no leader at term ${core.term}; dropping proposal`);
      return 'proposal-dropped';
    case 'MsgApp':
    case 'MsgHeartbeat':
    case 'MsgSnap':
      // Somebody else won this term.
      core.becomeFollower(message.term, message.from);
      handleFromLeader(core, message);
      return null;
    case 'MsgVoteResp':
    case 'MsgPreVoteResp':
      // A candidate may still hear answers to its pre-vote, which say nothing about the real one.
      if (message.type === (core.role === 'pre-candidate' ? 'MsgPreVoteResp' : 'MsgVoteResp')) {
        countVote(core, message.from, message.type, !message.reject);
      }
      return null;
    case 'MsgTimeoutNow':
      core.logger.debug(
        `${core.id} [term ${core.term} state ${core.role}] ignored MsgTimeoutNow from ${message.from}`,
      );
      return null;
    default:
      return null;
  }
}
