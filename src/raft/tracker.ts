import { type ConfigurationPlan, isVoter, membersOf } from './configuration.ts';
import { Inflights } from './inflights.ts';
import { Progress } from './progress.ts';
import { jointCommitted, jointVote, type VoteResult } from './quorum.ts';
import type { ConfState, MemberId } from './types.ts';

export interface VoteTally {
  readonly granted: number;
  readonly rejected: number;
  readonly result: VoteResult;
}

/**
 * The configuration in force, the progress of everybody in it, and the votes of the election under way.
 *
 * Observers are guests: they have a progress, and nothing else. Every count below goes through the voters of the
 * configuration, so a guest can never weigh in one.
 *
 * Invariant: the keys of `progress` are the members of `confState` and the observers, except that a node never observes itself.
 */
export class Tracker {
  readonly #self: MemberId;
  readonly #inflightMessages: number;
  readonly #inflightBytes: number;
  #confState: ConfState;
  #observers: ReadonlySet<MemberId> = new Set();
  #progress = new Map<MemberId, Progress>();
  /** Keys of `#progress`, ascending: messages leave in this order. */
  #ids: readonly MemberId[] = [];
  #votes = new Map<MemberId, boolean>();
  readonly #matchOf = (id: MemberId): number | undefined => this.#progress.get(id)?.match;
  readonly #activeOf = (id: MemberId): boolean => this.#progress.get(id)?.recentActive ?? false;
  readonly #voteOf = (id: MemberId): boolean | undefined => this.#votes.get(id);

  constructor(self: MemberId, inflightMessages: number, inflightBytes: number, empty: ConfState) {
    this.#self = self;
    this.#inflightMessages = inflightMessages;
    this.#inflightBytes = inflightBytes;
    this.#confState = empty;
  }

  get confState(): ConfState {
    return this.#confState;
  }

  /** Members and observers, ascending. */
  get ids(): readonly MemberId[] {
    return this.#ids;
  }

  progress(id: MemberId): Progress | undefined {
    return this.#progress.get(id);
  }

  isVoter(id: MemberId): boolean {
    return isVoter(this.#confState, id);
  }

  /** A majority of one, with nobody else to ask. */
  isSoleVoter(id: MemberId): boolean {
    const { voters, votersOutgoing } = this.#confState;
    return voters.length === 1 && voters[0] === id && votersOutgoing.length === 0;
  }

  /** Puts a planned configuration in force. Who stays keeps its progress; so does an observer that is admitted. */
  install(plan: ConfigurationPlan, lastIndex: number): void {
    this.#confState = plan.confState;
    const next = new Map<MemberId, Progress>();
    for (const id of membersOf(plan.confState)) {
      const known = this.#progress.get(id);
      const kept = known !== undefined && (known.isObserver || !plan.fresh.has(id));
      const progress = kept ? known : this.#newcomer(lastIndex);
      // A member that just entered counts as active: the next check of the quorum must not fail for want of time.
      if (plan.fresh.has(id)) progress.recentActive = true;
      progress.isObserver = false;
      progress.isLearner = plan.confState.learners.includes(id);
      next.set(id, progress);
    }
    this.#replace(next, lastIndex);
  }

  /** Forgets all progress and votes, then installs: after a snapshot nothing of the old configuration is worth keeping. */
  reinstall(confState: ConfState, lastIndex: number): void {
    this.#progress.clear();
    this.#votes.clear();
    this.install({ confState, fresh: new Set(membersOf(confState)) }, lastIndex);
  }

  /** Returns the observers that have a progress now and had none before. */
  setObservers(ids: ReadonlySet<MemberId>, lastIndex: number): readonly MemberId[] {
    const before = this.#progress;
    this.#observers = new Set(ids);
    const members = new Set(membersOf(this.#confState));
    this.#replace(new Map([...before].filter(([id]) => members.has(id))), lastIndex);
    return this.#ids.filter((id) => !before.has(id));
  }

  /** Adds the observers to a map of members, with the progress they had. */
  #replace(next: Map<MemberId, Progress>, lastIndex: number): void {
    for (const id of this.#observers) {
      if (next.has(id) || id === this.#self) continue;
      const progress = this.#progress.get(id) ?? this.#newcomer(lastIndex);
      progress.isObserver = true;
      progress.isLearner = false;
      next.set(id, progress);
    }
    this.#progress = next;
    this.#ids = [...next.keys()].sort((a, b) => a - b);
  }

  /** Probed first with the last entry: an optimistic guess, corrected by the first rejection. */
  #newcomer(lastIndex: number): Progress {
    const progress = this.#blank(Math.max(lastIndex, 1));
    progress.recentActive = true;
    return progress;
  }

  #blank(next: number): Progress {
    return new Progress(next, new Inflights(this.#inflightMessages, this.#inflightBytes));
  }

  /** A new term: nothing is known of anybody but this node itself. */
  resetProgress(lastIndex: number): void {
    for (const [id, old] of this.#progress) {
      const progress = this.#blank(lastIndex + 1);
      progress.isLearner = old.isLearner;
      progress.isObserver = old.isObserver;
      if (id === this.#self) progress.match = lastIndex;
      this.#progress.set(id, progress);
    }
  }

  committed(): number {
    return jointCommitted(this.#confState.voters, this.#confState.votersOutgoing, this.#matchOf);
  }

  /** Whether a quorum was heard from since activity was last cleared. */
  quorumActive(): boolean {
    return this.voteResult(this.#activeOf) === 'won';
  }

  voteResult(votes: (id: MemberId) => boolean | undefined): VoteResult {
    return jointVote(this.#confState.voters, this.#confState.votersOutgoing, votes);
  }

  resetVotes(): void {
    this.#votes.clear();
  }

  /** The first answer of a voter counts; a repeated or changed one does not. */
  recordVote(id: MemberId, granted: boolean): void {
    if (!this.#votes.has(id)) this.#votes.set(id, granted);
  }

  tally(): VoteTally {
    let granted = 0;
    let rejected = 0;
    for (const [id, vote] of this.#votes) {
      if (!this.isVoter(id)) continue;
      if (vote) granted++;
      else rejected++;
    }
    return { granted, rejected, result: this.voteResult(this.#voteOf) };
  }
}
