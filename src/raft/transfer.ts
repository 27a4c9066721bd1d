import type { Core } from './core.ts';
import type { Progress } from './progress.ts';
import { sendAppend } from './replication.ts';
import { type MemberId, NONE } from './types.ts';

/** Hands leadership to a voter: brings it up to date, then tells it to campaign at once (thesis §3.10). */
export function transferLeadership(core: Core, transferee: MemberId, progress: Progress): void {
  if (progress.isLearner || progress.isObserver) {
    core.logger.debug(`${core.id} is learner. Ignored transferring leadership`);
    return;
  }
  if (core.leadTransferee !== NONE) {
    if (core.leadTransferee === transferee) {
      core.logger.info(
        `${core.id} [term ${core.term}] transfer leadership to ${transferee} is in progress, ignores request to same node`,
      );
      return;
    }
    core.logger.info(
      `${core.id} [term ${core.term}] abort previous transferring leadership to ${core.leadTransferee}`,
    );
    core.abortTransfer();
  }
  if (transferee === core.id) {
    core.logger.debug(`${core.id} is already leader. Ignored transferring leadership to self`);
    return;
  }
  core.logger.info(`${core.id} [term ${core.term}] starts to transfer leadership to ${transferee}`);
  // It has one election timeout; then this leader takes proposals again.
  core.electionElapsed = 0;
  core.leadTransferee = transferee;
  if (progress.match === core.log.lastIndex()) {
    sendTimeoutNow(core, transferee);
    core.logger.info(
      `${core.id} sends MsgTimeoutNow to ${transferee} immediately as ${transferee} already has up-to-date log`,
    );
  } else {
    sendAppend(core, transferee);
  }
}

export function sendTimeoutNow(core: Core, to: MemberId): void {
  core.send('MsgTimeoutNow', to);
}
