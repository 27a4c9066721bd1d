import { type ConfChangeSingle, type ConfState, type MemberId, NONE, RaftError } from './types.ts';

/**
 * The arithmetic of configurations (thesis §4): from one `ConfState` and the asked-for changes to the next one, or a refusal.
 * Nothing here knows of logs or progress; a plan can be made only to see whether it would be refused.
 */

/** The next configuration, and who enters it without a past: removed and added again counts as new. */
export interface ConfigurationPlan {
  readonly confState: ConfState;
  readonly fresh: ReadonlySet<MemberId>;
}

/** Whether two majorities are needed. */
export function isJoint(confState: ConfState): boolean {
  return confState.votersOutgoing.length > 0;
}

/** Whether a member counts in either majority. */
export function isVoter(confState: ConfState, id: MemberId): boolean {
  return confState.voters.includes(id) || confState.votersOutgoing.includes(id);
}

/** Everybody that counts or learns, ascending. */
export function membersOf(confState: ConfState): readonly MemberId[] {
  const { voters, votersOutgoing, learners, learnersNext } = confState;
  return ascending(new Set([...voters, ...votersOutgoing, ...learners, ...learnersNext]));
}

/** The same configuration with every list ascending and without repetitions. */
export function normalized(confState: ConfState): ConfState {
  return {
    voters: ascending(new Set(confState.voters)),
    votersOutgoing: ascending(new Set(confState.votersOutgoing)),
    learners: ascending(new Set(confState.learners)),
    learnersNext: ascending(new Set(confState.learnersNext)),
    autoLeave: confState.autoLeave,
  };
}

/** Changes at most one voter, without a joint configuration (thesis §4.1). */
export function planSimple(current: ConfState, changes: readonly ConfChangeSingle[]): ConfigurationPlan {
  if (isJoint(current)) throw refusal("can't apply simple config change in joint config");
  const draft = new Draft(current);
  draft.apply(changes);
  const before = new Set(current.voters);
  let changed = 0;
  for (const id of draft.voters) if (!before.delete(id)) changed++;
  if (changed + before.size > 1) {
    throw refusal('more than one voter changed without entering joint config');
  }
  return draft.finish(false);
}

/** Enters a joint configuration: from here on both the old and the new majority decide (thesis §4.3). */
export function planEnterJoint(
  current: ConfState,
  autoLeave: boolean,
  changes: readonly ConfChangeSingle[],
): ConfigurationPlan {
  if (isJoint(current)) throw refusal('config is already joint');
  if (current.voters.length === 0) throw refusal("can't make a zero-voter config joint");
  const draft = new Draft({ ...current, votersOutgoing: current.voters });
  draft.apply(changes);
  return draft.finish(autoLeave);
}

/** Leaves the joint configuration for its incoming half. */
export function planLeaveJoint(current: ConfState): ConfigurationPlan {
  if (!isJoint(current)) throw refusal("can't leave a non-joint config");
  const learners = [...current.learners, ...current.learnersNext];
  const draft = new Draft({ ...current, votersOutgoing: [], learners, learnersNext: [] });
  return draft.finish(false);
}

/** What is wrong with a configuration that came from outside (a snapshot, a disk), or null. */
export function faultOf(confState: ConfState): string | null {
  const { voters, votersOutgoing, learners, learnersNext } = confState;
  for (const id of learnersNext) {
    if (!votersOutgoing.includes(id)) return `${id} is in LearnersNext, but not Voters[1]`;
    if (learners.includes(id)) return `${id} is in LearnersNext, but is already marked as learner`;
  }
  for (const id of learners) {
    if (votersOutgoing.includes(id)) return `${id} is in Learners and Voters[1]`;
    if (voters.includes(id)) return `${id} is in Learners and Voters[0]`;
  }
  if (!isJoint(confState)) {
    if (learnersNext.length > 0) return 'cfg.LearnersNext must be nil when not joint';
    if (confState.autoLeave) return 'AutoLeave must be false when not joint';
  }
  return null;
}

/** One line for logs and transcripts: `voters=(1 2)&&(1) learners=(3) autoleave`. */
export function describeConfiguration(confState: ConfState): string {
  const group = (ids: readonly MemberId[]): string => `(${ids.join(' ')})`;
  let text = `voters=${group(confState.voters)}`;
  if (isJoint(confState)) text += `&&${group(confState.votersOutgoing)}`;
  if (confState.learners.length > 0) text += ` learners=${group(confState.learners)}`;
  if (confState.learnersNext.length > 0) text += ` learners_next=${group(confState.learnersNext)}`;
  return confState.autoLeave ? `${text} autoleave` : text;
}

/** A configuration being changed. `members` are those with a progress. */
class Draft {
  readonly voters: Set<MemberId>;
  readonly #outgoing: ReadonlySet<MemberId>;
  readonly #learners: Set<MemberId>;
  readonly #learnersNext: Set<MemberId>;
  readonly #members: Set<MemberId>;
  readonly #fresh = new Set<MemberId>();

  constructor(base: ConfState) {
    this.voters = new Set(base.voters);
    this.#outgoing = new Set(base.votersOutgoing);
    this.#learners = new Set(base.learners);
    this.#learnersNext = new Set(base.learnersNext);
    this.#members = new Set(membersOf(base));
  }

  apply(changes: readonly ConfChangeSingle[]): void {
    for (const change of changes) {
      // A change that the driver decided not to carry out is neutralised by naming nobody.
      if (change.id === NONE) continue;
      switch (change.type) {
        case 'add-voter':
          this.#addVoter(change.id);
          break;
        case 'add-learner':
          this.#addLearner(change.id);
          break;
        case 'remove':
          this.#remove(change.id);
          break;
        case 'update':
          break;
        default:
          change.type satisfies never;
      }
    }
    if (this.voters.size === 0) throw refusal('removed all voters');
  }

  #enter(id: MemberId): void {
    if (this.#members.has(id)) return;
    this.#members.add(id);
    this.#fresh.add(id);
  }

  #addVoter(id: MemberId): void {
    this.#enter(id);
    this.#learners.delete(id);
    this.#learnersNext.delete(id);
    this.voters.add(id);
  }

  #addLearner(id: MemberId): void {
    this.#enter(id);
    this.voters.delete(id);
    // Still a voter of the outgoing half: it becomes a learner when that half is left.
    if (this.#outgoing.has(id)) this.#learnersNext.add(id);
    else this.#learners.add(id);
  }

  #remove(id: MemberId): void {
    this.voters.delete(id);
    this.#learners.delete(id);
    this.#learnersNext.delete(id);
    if (!this.#outgoing.has(id)) this.#members.delete(id);
  }

  finish(autoLeave: boolean): ConfigurationPlan {
    const confState: ConfState = {
      voters: ascending(this.voters),
      votersOutgoing: ascending(this.#outgoing),
      learners: ascending(this.#learners),
      learnersNext: ascending(this.#learnersNext),
      autoLeave,
    };
    const fault = faultOf(confState);
    if (fault !== null) throw refusal(fault);
    return { confState, fresh: this.#fresh };
  }
}

function ascending(ids: ReadonlySet<MemberId>): readonly MemberId[] {
  return [...ids].sort((a, b) => a - b);
}

function refusal(text: string): RaftError {
  return new RaftError('invalid-conf-change', text);
}
