import type { Clock } from '../../base/clock.ts';
import type { CodedError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { BasicStatus, MemberId, RaftStatus } from '../../raft/index.ts';
import type { MemberAnswer, MemberAsk } from '../formats/member-asks.ts';
import { type Directory, type Member, type NodeAddress, noMembers } from '../formats/members.ts';
import { encodeFrame } from '../formats/peer-frames.ts';
import { defaultFormats, type EngineFormats } from '../formats/versions.ts';
import type { Links } from '../peers/links.ts';
import type { ChangeOutcome, MemberChange } from '../ports/engine.ts';
import type { PeerIdentity, PeerTransport } from '../ports/peer-transport.ts';
import type { EngineTimings } from '../replica/driver.ts';
import type { Route } from '../requests/proposals.ts';
import { type Identity, removedError } from '../storage/identity.ts';
import { Admission } from './admission.ts';
import type { MemberView } from './member-plan.ts';
import { MemberRequests } from './member-requests.ts';
import { type LedReplica, Stewardship } from './stewardship.ts';

export interface MembershipOptions {
  readonly node: number;
  readonly incarnation: MemberId;
  readonly life: number;
  /** Of the configuration file. */
  readonly nodes: readonly NodeAddress[];
  readonly clock: Clock;
  readonly links: Links;
  readonly transport: PeerTransport;
  readonly timings: EngineTimings;
  readonly formats?: EngineFormats;
  /** Null while this node takes no part. */
  readonly replica: () => MemberReplica | null;
  /** Known before there is a replica where the state is being rebuilt; null while this node belongs to no cluster. */
  readonly directory: () => Directory | null;
  readonly route: () => Route | null;
  readonly takePart: (how: 'found' | 'adopt', members: readonly Member[]) => void;
  readonly observe: (node: number) => void;
  readonly mayVote?: (node: number) => boolean | null;
  readonly identity: Identity;
  readonly logger: Logger;
  /** Told when it is durable that this node is no member any more. */
  readonly onRemoved: (error: CodedError) => void;
  readonly fatal: (error: unknown) => void;
  readonly dropped: (reason: string) => void;
}

export interface MemberReplica extends LedReplica {
  readonly directory: Directory;
  status(): BasicStatus;
  fullStatus(): RaftStatus;
  setObservers(members: ReadonlySet<MemberId>): void;
  /** When a member was last heard; null when it never was, on this link. */
  heardMs(member: MemberId): number | null;
}

/** Everything about who the members are, on one node: finding its own place, asking for changes, and carrying them out while it leads. */
export class Membership {
  readonly admission: Admission;
  readonly #options: MembershipOptions;
  readonly #formats: EngineFormats;
  readonly #stewardship: Stewardship;
  readonly #requests: MemberRequests;
  #tags = 0;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#formats = options.formats ?? defaultFormats;
    const { node, replica, clock, route } = options;
    const nextTag = (): string => `${options.incarnation}-${options.life}-${++this.#tags}`;
    this.admission = new Admission({
      ...options,
      newest: this.#formats.newest,
      setObservers: (members) => replica()?.setObservers(members),
      removed: () => this.#removed(),
    });
    this.#stewardship = new Stewardship({
      replica,
      node,
      nextTag,
      view: () => this.#view(),
      nodeOf: (member) => options.links.nodeOf(member),
      commonFormat: () => this.#commonFormat(),
      formatAfterTicks: Math.ceil(this.#formats.raiseAfterMs / options.timings.tickMs),
    });
    this.#requests = new MemberRequests({
      clock,
      nextTag,
      route,
      handle: (ask) => this.#stewardship.handle(ask),
      send: (to, ask) => options.transport.send(to, 'control', encodeFrame({ kind: 'ask', ask })),
    });
  }

  change(change: MemberChange, tag?: string): Promise<ChangeOutcome> {
    return this.#requests.ask(change, tag);
  }

  async transfer(node: number | null): Promise<ChangeOutcome> {
    const outcome = await this.#requests.ask({ kind: 'transfer', node });
    // That nobody took over in time harms nothing, and is certain enough: who leads can be seen.
    if (outcome.kind !== 'unknown') return outcome;
    return { kind: 'refused', code: 'UNAVAILABLE', text: 'The hand-over did not come about in time.' };
  }

  asked(from: PeerIdentity, ask: MemberAsk): void {
    const { transport, dropped } = this.#options;
    const answer: MemberAnswer = { tag: ask.tag, ...this.#stewardship.handle(ask) };
    const sent = transport.send(from.node, 'control', encodeFrame({ kind: 'answer', answer }));
    if (!sent) dropped('answer-not-sent');
  }

  answered(answer: MemberAnswer): void {
    this.#requests.answered(answer);
  }

  leaderChanged(): void {
    this.#requests.leaderChanged();
  }

  tick(nowMs: number): void {
    this.#stewardship.tick();
    this.#requests.tick(nowMs);
  }

  close(): void {
    this.#requests.close();
  }

  /** For good: the next start says so too, whatever the others can tell by then. */
  #removed(): void {
    const { node, identity, logger, onRemoved, fatal } = this.#options;
    logger.warn({}, 'this node was removed from the cluster');
    identity.markRemoved().then(() => {
      this.#requests.removed(node);
      onRemoved(removedError(node));
    }, fatal);
  }

  #view(): MemberView {
    const { incarnation, clock, timings, replica, mayVote = () => true } = this.#options;
    const electionMs = timings.tickMs * timings.electionTicks;
    const nowMs = clock.monotonicMs();
    const isReachable = (member: MemberId): boolean => {
      const heardMs = replica()?.heardMs(member) ?? null;
      return heardMs !== null && nowMs - heardMs <= electionMs;
    };
    return {
      directory: replica()?.directory ?? noMembers,
      self: incarnation,
      lifeAt: (node) => this.admission.lifeAt(node),
      addressAt: (node) => this.admission.addressOf(node),
      isReachable,
      mayVote,
      lagOf: (member) => (isReachable(member) ? this.#lagOf(member) : null),
    };
  }

  #commonFormat(): number {
    const { replica, links, incarnation } = this.#options;
    const { newest } = this.#formats;
    const others = (replica()?.directory.members ?? []).filter(
      (member) => member.incarnation !== incarnation,
    );
    const known = others.map((member) => links.newestOf(member.incarnation, newest) ?? 0);
    return Math.min(newest, ...known);
  }

  #lagOf(member: MemberId): number | null {
    const replica = this.#options.replica();
    const progress = replica?.fullStatus().peers.find(({ id }) => id === member);
    if (replica === null || progress?.state !== 'replicate') return null;
    return Math.max(0, replica.status().lastIndex - progress.match);
  }
}
