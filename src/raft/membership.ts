import { assert } from '../base/assert.ts';
import { stepOf } from './conf-change.ts';
import {
  type ConfigurationPlan,
  describeConfiguration,
  faultOf,
  membersOf,
  normalized,
  planEnterJoint,
  planLeaveJoint,
  planSimple,
} from './configuration.ts';
import type { Core } from './core.ts';
import { broadcastAppend, maybeCommit, maybeSendAppend } from './replication.ts';
import { type ConfChange, type ConfState, type MemberId, NONE, type Snapshot } from './types.ts';

/**
 * Configurations taking effect: by an applied change, by a snapshot, at the start. They take effect when *applied*, not
 * when appended: a change that is truncated before it is committed was never in force, so nothing has to be rolled back.
 */

/** Throws `RaftError` invalid-conf-change when the change does not fit the configuration; has no effect either way. */
export function planOf(confState: ConfState, change: ConfChange): ConfigurationPlan {
  const step = stepOf(change);
  switch (step.kind) {
    case 'simple':
      return planSimple(confState, change.changes);
    case 'enter-joint':
      return planEnterJoint(confState, step.autoLeave, change.changes);
    case 'leave-joint':
      return planLeaveJoint(confState);
    default:
      return step satisfies never;
  }
}

export function applyConfChange(core: Core, change: ConfChange): ConfState {
  const plan = planOf(core.tracker.confState, change);
  core.tracker.install(plan, core.log.lastIndex());
  return switched(core);
}

/** At the start, and after a snapshot. */
export function adoptConfiguration(core: Core, confState: ConfState): void {
  const known = normalized(confState);
  assert(faultOf(known) === null, 'a configuration that comes with a snapshot or from the disk is sound');
  core.tracker.reinstall(known, core.log.lastIndex());
  switched(core);
}

/** What follows from a configuration that has just been put in force. */
function switched(core: Core): ConfState {
  const { tracker } = core;
  const { confState } = tracker;
  core.logger.info(`${core.id} switched to configuration ${describeConfiguration(confState)}`);
  if (core.role !== 'leader') return confState;
  if (!tracker.isVoter(core.id)) {
    // Removed or demoted. A leader may go on until the others elect anew, or make room at once (thesis §4.2.2).
    if (core.config.stepDownOnRemoval) core.becomeFollower(core.term, NONE);
    return confState;
  }
  // A smaller quorum may have committed more; else newcomers are probed without waiting for the next heartbeat.
  if (maybeCommit(core)) broadcastAppend(core);
  else for (const id of tracker.ids) if (id !== core.id) maybeSendAppend(core, id, false);
  if (core.leadTransferee !== NONE && !tracker.isVoter(core.leadTransferee)) core.abortTransfer();
  return confState;
}

/** Guests of the leader: see `Tracker`. */
export function setObservers(core: Core, ids: ReadonlySet<MemberId>): void {
  const added = core.tracker.setObservers(ids, core.log.lastIndex());
  if (core.role !== 'leader') return;
  for (const id of added) maybeSendAppend(core, id, false);
}

/** Replaces log and configuration by a snapshot. False when there is no need, or it is not for this node. */
export function installSnapshot(core: Core, snapshot: Snapshot): boolean {
  const { index, term, confState } = snapshot.meta;
  if (index <= core.log.committed) return false;
  assert(core.role === 'follower', 'only a follower takes a snapshot');
  const listed = membersOf(confState).includes(core.id);
  // Who is no member now either is a guest, and lives on what the leader sends. (Here etcd refuses.)
  if (!listed && membersOf(core.tracker.confState).includes(core.id)) {
    core.logger.warn(
      `${core.id} attempted to restore snapshot but it is not in the ConfState; should never happen`,
    );
    return false;
  }
  if (core.log.matches(index, term)) {
    core.logger.info(
      `${core.id} [commit: ${core.log.committed}, lastindex: ${core.log.lastIndex()}, lastterm: ${core.log.lastTerm()}] ` +
        `fast-forwarded commit to snapshot [index: ${index}, term: ${term}]`,
    );
    core.log.commitTo(index);
    return false;
  }
  core.log.restore(snapshot);
  adoptConfiguration(core, confState);
  core.logger.info(
    `${core.id} [commit: ${core.log.committed}, lastindex: ${core.log.lastIndex()}, lastterm: ${core.log.lastTerm()}] ` +
      `restored snapshot [index: ${index}, term: ${term}]`,
  );
  return true;
}
