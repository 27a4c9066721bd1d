import type { Clock, Timer } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { MemberId } from '../../raft/index.ts';
import type { StateDamage } from '../../store/damage.ts';
import { type Directory, noMembers, votersOf } from '../formats/members.ts';
import type { Links } from '../peers/links.ts';
import { StateComparison, type Verdict } from './state-comparison.ts';
import type { StateKeeper } from './state-keeper.ts';

/** Between two looks whether another node leads, so that this one can be spared. */
const SPARED_EVERY_MS = 2_000;
/** A node that differs so often within an hour computes something else than the others: a copy does not help. */
const DIVERGENCES = 3;
const DIVERGENCES_WITHIN_MS = 3_600_000;

export interface StateGuardOptions {
  readonly self: MemberId;
  readonly node: number;
  readonly keeper: Pick<StateKeeper, 'rebuilding' | 'replace'>;
  readonly links: Links;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Null while this node takes no part. */
  readonly directory: () => Directory | null;
  /** The node that leads, as far as is known here. */
  readonly leader: () => number | null;
  readonly handOver: () => Promise<boolean>;
  readonly barrier: () => Promise<void>;
  readonly fatal: (error: unknown) => void;
}

/**
 * Doubts the state of this node: what it reads from its own disk, and what the others say theirs is. A damaged value is only not served,
 * and the state is replaced when another node can lead meanwhile; a state that a majority contradicts is given up at once.
 */
export class StateGuard {
  readonly #options: StateGuardOptions;
  readonly #comparison: StateComparison;
  /** What was found on the disk and is not yet made good. */
  #damage: string | null = null;
  #differing: readonly MemberId[] = [];
  #undecided = false;
  #divergencesMs: number[] = [];
  /** Until the next look whether this node can be spared. */
  #wait: Timer | null = null;
  #stopped = false;

  constructor(options: StateGuardOptions) {
    this.#options = options;
    const voters = (): readonly MemberId[] => votersOf(options.directory() ?? noMembers);
    this.#comparison = new StateComparison({ self: options.self, voters });
  }

  /** Highest position at which this node's state was compared with another's. */
  get checkedIndex(): number {
    return this.#comparison.checkedIndex;
  }

  alarms(): readonly string[] {
    const alarms: string[] = [];
    if (this.#damage !== null && !this.#options.keeper.rebuilding) {
      alarms.push(`state: ${this.#damage} It is replaced as soon as another node leads. Look at the disk.`);
    }
    if (this.#differing.length > 0) {
      const names = this.#differing.map((member) => this.#nameOf(member)).join(', ');
      alarms.push(
        this.#undecided
          ? `state: not the same on ${names} and here, and no majority says which is right`
          : `state: that of ${names} is not the one of the majority`,
      );
    }
    return alarms;
  }

  /** A read, a copy or the scrub found something missing or changed. */
  damaged(damage: StateDamage): void {
    const { keeper, logger, fatal } = this.#options;
    if (this.#damage !== null || keeper.rebuilding || this.#stopped) return;
    this.#damage = damage.message;
    logger.error({ kind: damage.kind }, damage.message);
    this.#replaceSparingly(damage.message).catch(fatal);
  }

  /** The digest of a member's state, this node's own included. */
  compare(member: MemberId, index: number, digest: string): void {
    if (this.#options.directory() === null || this.#stopped) return;
    this.#act(this.#comparison.take(member, index, digest), index);
  }

  /** A member says that its state is another one than before. */
  forget(member: MemberId): void {
    this.#comparison.forgetMember(member);
    this.#differing = this.#differing.filter((other) => other !== member);
  }

  /** Another state is in force. */
  replaced(): void {
    this.#damage = null;
    this.#differing = [];
    this.#comparison.forget();
  }

  stop(): void {
    this.#stopped = true;
    this.#wait?.cancel();
  }

  #act(verdict: Verdict, index: number): void {
    switch (verdict.kind) {
      case 'agreed':
        if (index >= this.checkedIndex) this.#differing = [];
        return;
      case 'others-differ':
      case 'undecided':
        this.#differing = verdict.members;
        this.#undecided = verdict.kind === 'undecided';
        this.#options.logger.error({ index, verdict: verdict.kind }, this.alarms().at(-1) ?? 'states differ');
        return;
      case 'self-differs':
        this.#giveUp(verdict.trusted, index);
        return;
      default:
        verdict satisfies never;
    }
  }

  #giveUp(trusted: readonly MemberId[], index: number): void {
    const { keeper, links, clock, fatal } = this.#options;
    if (keeper.rebuilding) return;
    const nowMs = clock.monotonicMs();
    this.#divergencesMs = this.#divergencesMs.filter((atMs) => nowMs - atMs < DIVERGENCES_WITHIN_MS);
    this.#divergencesMs.push(nowMs);
    if (this.#divergencesMs.length > DIVERGENCES) {
      fatal(new CodedError('STATE_DIVERGED'));
      return;
    }
    const peers = (): readonly number[] =>
      links.nodes().filter((node) => trusted.includes(links.memberAt(node) ?? 0));
    const reason = `it was not the state of the majority at entry ${index}.`;
    keeper.replace(reason, peers).catch(fatal);
  }

  async #replaceSparingly(reason: string): Promise<void> {
    const { keeper, leader, clock } = this.#options;
    while (!(await this.#isSpared())) {
      await new Promise<void>((resolve) => {
        this.#wait = clock.after(SPARED_EVERY_MS, resolve);
      });
      if (this.#damage === null) return;
    }
    if (this.#damage === null || this.#stopped) return;
    const first = leader();
    const peers = (): readonly number[] =>
      this.#trusted().sort((a, b) => Number(b === first) - Number(a === first));
    await keeper.replace(reason, peers);
  }

  /** All nodes with a link, but for those whose state is known to be wrong. */
  #trusted(): number[] {
    const { links } = this.#options;
    const wrong = this.#undecided ? [] : this.#differing;
    return links.nodes().filter((node) => !wrong.includes(links.memberAt(node) ?? 0));
  }

  /** Another node leads, and a majority follows it. */
  async #isSpared(): Promise<boolean> {
    const { node, leader, handOver, barrier } = this.#options;
    if (leader() === node) await handOver();
    if (leader() === null || leader() === node) return false;
    return await barrier().then(
      () => true,
      () => false,
    );
  }

  #nameOf(member: MemberId): string {
    const listed = this.#options.directory()?.members.find(({ incarnation }) => incarnation === member);
    return `node ${listed?.node ?? this.#options.links.nodeOf(member) ?? '?'}`;
  }
}
