import type { Core } from './core.ts';
import { MAX_PENDING_READS } from './read-queue.ts';
import { broadcastHeartbeat } from './replication.ts';
import { type MemberId, type Message, NONE } from './types.ts';

/**
 * Linearizable reads without writing to the log (thesis §6.4): the commit index at the time of asking, told once it is
 * certain that nobody else had become leader by then, and that this leader knows the commit index of its predecessors.
 */
export function readAsLeader(core: Core, request: Message): void {
  if (request.context === null) return;
  if (core.tracker.isSoleVoter(core.id)) {
    answerRead(core, request, core.log.committed);
    return;
  }
  if (core.committedInOwnTerm()) {
    startRead(core, request);
    return;
  }
  if (core.heldReads.length < MAX_PENDING_READS) core.heldReads.push(request);
  else core.logger.debug(`${core.id} dropping a read: too many are waiting`);
}

/** An entry of the own term was committed: reads that came too early can begin. */
export function releaseHeldReads(core: Core): void {
  if (core.heldReads.length === 0 || !core.committedInOwnTerm()) return;
  const held = core.heldReads;
  core.heldReads = [];
  for (const request of held) startRead(core, request);
}

function startRead(core: Core, request: Message): void {
  const { context } = request;
  if (context === null) return;
  switch (core.config.readOnly) {
    case 'safe':
      if (!core.reads.add(context, core.log.committed, request)) {
        core.logger.debug(`${core.id} dropping a read: too many are waiting`);
        return;
      }
      core.reads.acknowledge(core.id, context);
      broadcastHeartbeat(core, context);
      return;
    case 'lease-based':
      answerRead(core, request, core.log.committed);
      return;
    default:
      core.config.readOnly satisfies never;
  }
}

/** A heartbeat response confirms this leader for the read whose context it carries, and for all older ones. */
export function confirmReads(core: Core, from: MemberId, context: Uint8Array): void {
  if (core.config.readOnly !== 'safe') return;
  const acks = core.reads.acknowledge(from, context);
  if (acks === null) return;
  if (core.tracker.voteResult((id) => (acks.has(id) ? true : undefined)) !== 'won') return;
  for (const { request, index } of core.reads.release(context)) answerRead(core, request, index);
}

function answerRead(core: Core, request: Message, index: number): void {
  const { context, from } = request;
  if (context === null) return;
  if (from === NONE || from === core.id) core.readStates.push({ index, context });
  else core.send('MsgReadIndexResp', from, { index, context });
}
