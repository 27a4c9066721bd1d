import { type ConfChange, type MemberId, NONE } from '../../raft/index.ts';
import type { MemberAsk, MemberReply, MemberWish } from '../formats/member-asks.ts';
import { encodeContext, isJoint, isVoter, membersAt } from '../formats/members.ts';
import { dueChange, type MemberStep, type MemberView, planChange } from './member-plan.ts';

/** The replica that leads, as far as it is needed here. */
export interface LedReplica {
  status(): {
    readonly role: string;
    readonly term: number;
    readonly lastIndex: number;
    readonly leadTransferee: MemberId;
    readonly committedInOwnTerm: boolean;
  };
  readonly appliedIndex: number;
  proposeConfChange(change: ConfChange): boolean;
  /** To one member, or to the best one; returns who it is, null when there is nobody. */
  transfer(to: MemberId | null): MemberId | null;
}

export interface StewardshipOptions {
  readonly replica: () => LedReplica | null;
  readonly view: () => MemberView;
  readonly node: number;
  /** Names the changes that this node begins by itself. */
  readonly nextTag: () => string;
  readonly nodeOf: (member: MemberId) => number | null;
  /** Version of the newest commands that every member can read; 0 while one of them has no link. */
  readonly commonFormat: () => number;
  /** For so long must a newer one have been common before it is used: an upgrade can be taken back until then. */
  readonly formatAfterTicks: number;
}

/** Between two looks for what is to be done without being asked, in ticks. */
const LOOK_EVERY_TICKS = 4;

/**
 * The leader's side of membership: lets one change at a time into the log, brings learners to their end, leaves a joint configuration
 * that nobody left. Every leader does so, so a change that was begun under another one is finished here.
 *
 * Invariant: a change is proposed only when every entry of earlier terms is applied here and no other change is in the log
 * unapplied, so that it is planned on the configuration that it will meet.
 */
export class Stewardship {
  readonly #options: StewardshipOptions;
  /** Where this node's log ended when its term as a leader began to count. */
  #term = 0;
  #sinceIndex = 0;
  #pending: { readonly tag: string; readonly index: number } | null = null;
  #ticks = 0;
  #ticksInCommon = 0;

  constructor(options: StewardshipOptions) {
    this.#options = options;
  }

  handle({ tag, term, wish }: MemberAsk): MemberReply {
    const replica = this.#options.replica();
    const status = replica?.status();
    if (replica === null || status?.role !== 'leader' || status.term !== term) return { kind: 'elsewhere' };
    if (!this.#settled(replica)) return { kind: 'wait' };
    if (wish.kind === 'transfer') return this.#transfer(replica, wish);
    const { directory } = this.#options.view();
    if (directory.recent.includes(tag)) return { kind: isJoint(directory) ? 'wait' : 'done' };
    if (this.#pending?.tag === tag) return { kind: 'wait' };
    if (this.#pending !== null || isJoint(directory)) {
      return { kind: 'refused', code: 'MEMBERS_CHANGING', text: 'Another change of members is under way.' };
    }
    return this.#carryOut(replica, tag, planChange(this.#options.view(), wish));
  }

  tick(): void {
    const replica = this.#options.replica();
    const leads = replica !== null && replica.status().role === 'leader';
    this.#ticksInCommon =
      leads && this.#options.commonFormat() > this.#format() ? this.#ticksInCommon + 1 : 0;
    if (!leads) return;
    this.#ticks++;
    if (this.#ticks % LOOK_EVERY_TICKS !== 0 || !this.#settled(replica) || this.#pending !== null) return;
    const view = this.#options.view();
    if (isJoint(view.directory)) {
      this.#append(replica, this.#options.nextTag(), { changes: [], context: new Uint8Array(0) });
      return;
    }
    const due = dueChange(view);
    const step = due === null ? this.#raise(view) : planChange(view, due);
    if (step === null) return;
    if (step.kind === 'propose') this.#carryOut(replica, this.#options.nextTag(), step);
  }

  #format(): number {
    return this.#options.view().directory.format;
  }

  /** Every member has known a newer format for long enough. */
  #raise({ directory, self }: MemberView): MemberStep | null {
    if (this.#ticksInCommon <= this.#options.formatAfterTicks) return null;
    const context = { members: [], expected: directory.expected, format: this.#options.commonFormat() };
    return { kind: 'propose', changes: [{ type: 'update', id: self }], context };
  }

  /** All that was in the log when this node came to lead is applied; a change that came to nothing is forgotten. */
  #settled(replica: LedReplica): boolean {
    const { term, lastIndex, committedInOwnTerm } = replica.status();
    if (term !== this.#term) {
      this.#term = term;
      this.#sinceIndex = lastIndex;
      this.#pending = null;
    }
    if (this.#pending !== null && replica.appliedIndex >= this.#pending.index) this.#pending = null;
    return committedInOwnTerm && replica.appliedIndex >= this.#sinceIndex;
  }

  #carryOut(replica: LedReplica, tag: string, step: MemberStep): MemberReply {
    switch (step.kind) {
      case 'refused':
      case 'wait':
        return step;
      case 'hand-over':
        if (replica.status().leadTransferee === NONE && replica.transfer(null) === null) {
          return { kind: 'refused', code: 'QUORUM_AT_RISK', text: 'No other voter can take over the lead.' };
        }
        return { kind: 'wait' };
      case 'propose': {
        const context = encodeContext({ tag, ...step.context });
        this.#append(replica, tag, { changes: step.changes, context });
        return { kind: 'wait' };
      }
      default:
        return step satisfies never;
    }
  }

  /** Refused by the core (a hand-over, a full log): it is asked again. */
  #append(replica: LedReplica, tag: string, change: Pick<ConfChange, 'changes' | 'context'>): void {
    if (replica.proposeConfChange({ version: 2, transition: 'auto', ...change })) {
      this.#pending = { tag, index: replica.status().lastIndex };
    }
  }

  #transfer(replica: LedReplica, wish: MemberWish & { readonly kind: 'transfer' }): MemberReply {
    const { node, view, nodeOf } = this.#options;
    if (wish.node === node) return { kind: 'done' };
    const { directory, lifeAt } = view();
    const heir = wish.node === null ? null : lifeAt(wish.node);
    if (wish.node !== null && membersAt(directory, wish.node).length === 0) {
      return { kind: 'refused', code: 'UNKNOWN_NODE', text: `Node ${wish.node} is no member.` };
    }
    if (wish.node !== null && heir === null) {
      return { kind: 'refused', code: 'NODE_AWAY', text: `Node ${wish.node} is not connected.` };
    }
    if (heir !== null && !isVoter(directory, heir)) {
      return { kind: 'refused', code: 'NOT_A_VOTER', text: `Node ${wish.node} is no voter.` };
    }
    if (replica.status().leadTransferee !== NONE) return { kind: 'wait' };
    const chosen = replica.transfer(heir);
    if (chosen === null) {
      return { kind: 'refused', code: 'NODE_AWAY', text: 'No other voter can be reached.' };
    }
    const heirNode = nodeOf(chosen);
    return heirNode === null ? { kind: 'wait' } : { kind: 'wait', heir: heirNode };
  }
}
