import type { Clock, Timer } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { Random } from '../base/prng.ts';
import { emptyConfState, type MemberId, NONE } from '../raft/index.ts';
import type { StateStore } from '../store/state-store.ts';
import type { LogStore } from '../wal/log-store.ts';
import type { CompactionSettings } from './compaction.ts';
import type { CoreStart, EngineTimings } from './driver.ts';
import type { AppliedEvents, Engine, EngineStatus, Outcome, PeerBus } from './engine.ts';
import { engineStatus } from './engine-status.ts';
import { ForwardedProposals } from './forwarded.ts';
import { foundingStep, type PeerStatusReport } from './founding.ts';
import type { Identity } from './identity.ts';
import { Links } from './links.ts';
import { foundedBy, isMember, isVoter, type Member, type NodeAddress } from './members.ts';
import { GossipBus } from './peer-bus.ts';
import { decodeFrame, encodeFrame, type ForwardedProposal, type PeerFrame } from './peer-frames.ts';
import type { PeerIdentity, PeerTransport } from './ports.ts';
import { Proposals, type Route } from './proposals.ts';
import { Reads } from './reads.ts';
import { recoverCore, writeFounding } from './recovery.ts';
import { Replica } from './replica.ts';
import type { StateMachine } from './state-machine.ts';

const HAND_OVER_MS = 1_500;
/** At a clean stop: until what is in flight is answered, after the hand-over. */
const SETTLE_MS = 500;

export const defaultTimings: EngineTimings = { tickMs: 25, heartbeatTicks: 2, electionTicks: 10 };
export const defaultCompaction: CompactionSettings = {
  entries: 65_536,
  bytes: 33_554_432,
  keepEntries: 8_192,
};

export interface EngineOptions<Result, Event> {
  /** Number of this node in `cluster.nodes`. */
  readonly node: number;
  readonly cluster: { readonly name: string; readonly nodes: readonly NodeAddress[] };
  readonly identity: Identity;
  /** Both freshly opened. The engine seals the log when it stops; closing the store is the caller's. */
  readonly log: LogStore;
  readonly store: StateStore;
  readonly machine: StateMachine<Result, Event>;
  readonly transport: PeerTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly timings?: EngineTimings;
  readonly compaction?: CompactionSettings;
  /**
   * Runs the action once, soon: after the input that is being handled, and whatever else is ready, has been taken in. What comes
   * together goes into one log write and one frame a peer. `setImmediate` in production, a timer of the clock in a simulation.
   */
  readonly turn: (action: () => void) => void;
  /** The node cannot go on: its disk failed or it contradicted itself. Called once; the process should end. */
  readonly onFatal: (error: unknown) => void;
}

export interface EngineHandle<Result, Event> {
  readonly engine: Engine<Result, Event>;
  readonly bus: PeerBus;
  /** Recovers, listens, takes part. Rejects with a CodedError (DATA_DAMAGED, PORT_IN_USE, …); nothing is damaged then. */
  start(): Promise<void>;
  /** What was dropped, by reason, since the start. */
  counters(): Readonly<Record<string, number>>;
}

export function createEngine<Result, Event>(
  options: EngineOptions<Result, Event>,
): EngineHandle<Result, Event> {
  const engine = new RaftEngine(options);
  return {
    engine,
    bus: engine.bus,
    start: () => engine.start(),
    counters: () => engine.counters(),
  };
}

type Phase = 'new' | 'running' | 'stopping' | 'stopped';

class RaftEngine<Result, Event> implements Engine<Result, Event> {
  readonly #options: EngineOptions<Result, Event>;
  readonly #timings: EngineTimings;
  readonly #self: MemberId;
  readonly #links = new Links();
  readonly #reports = new Map<number, PeerStatusReport>();
  readonly #proposals: Proposals<Result>;
  readonly #reads: Reads;
  readonly #forwarded: ForwardedProposals;
  readonly bus: GossipBus;
  readonly #appliedListeners = new Set<(applied: AppliedEvents<Event>) => void>();
  readonly #resetListeners = new Set<(index: number) => void>();
  readonly #leaderListeners = new Set<(leader: number | null) => void>();
  readonly #counters = new Map<string, number>();
  #replica: Replica<Result, Event> | null = null;
  #phase: Phase = 'new';
  /** The founding record, or the way to an observer, is being written. */
  #entering = false;
  #observing = false;
  #leader: number | null = null;
  #startCommitIndex: number | null = null;
  #scheduled = false;
  #ticker: Timer | null = null;
  #handingOver = false;

  constructor(options: EngineOptions<Result, Event>) {
    this.#options = options;
    this.#timings = options.timings ?? defaultTimings;
    this.#self = options.identity.incarnation;
    const { clock, random, transport } = options;
    const life = random.below(2 ** 32);
    const wake = (): void => this.#wake();
    this.bus = new GossipBus(this.#links, (node, payload) =>
      transport.send(node, 'control', encodeFrame({ kind: 'gossip', payload })),
    );
    this.#proposals = new Proposals({
      member: this.#self,
      life,
      clock,
      wake,
      route: () => this.#route(),
      append: (proposals) => this.#replica?.append(proposals) ?? false,
      forward: (node, term, proposals) => this.#forward(node, { kind: 'propose', term, life, proposals }),
    });
    this.#forwarded = new ForwardedProposals((proposals) => this.#replica?.append(proposals) ?? false);
    this.#reads = new Reads({
      member: this.#self,
      life,
      clock,
      wake,
      ask: (context) => this.#replica?.askForReadIndex(context),
      leaderKnown: () => this.#replica !== null && this.#replica.leader !== NONE,
      appliedIndex: () => this.#replica?.appliedIndex ?? 0,
    });
  }

  get node(): number {
    return this.#options.node;
  }

  async start(): Promise<void> {
    const { machine, store, transport, log, identity, logger } = this.#options;
    const found = await recoverCore({ log, store, identity, logger });
    await machine.load(store.rows());
    transport.onFrame((from, _lane, frame) => this.#guard(() => this.#onFrame(from, frame)));
    transport.onLink((peer, up) => this.#guard(() => this.#onLink(peer, up)));
    transport.onStream((from, request) => this.#onStream(from, request));
    this.#phase = 'running';
    if (found !== null) this.#enter(found);
    await transport.start();
    this.#tickLater();
    this.#evaluateFounding();
  }

  propose(command: Uint8Array): Promise<Outcome<Result>> {
    return this.#proposals.propose(command);
  }

  barrier(): Promise<void> {
    return this.#reads.barrier();
  }

  status(): EngineStatus {
    const { node, cluster, transport } = this.#options;
    return engineStatus({
      node,
      nodes: cluster.nodes,
      self: this.#self,
      replica: this.#replica,
      leader: this.#leader,
      links: this.#links,
      startCommitIndex: this.#startCommitIndex,
      observing: this.#observing,
      alarms: transport.alarms?.() ?? [],
    });
  }

  counters(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counters);
  }

  onApplied(listener: (applied: AppliedEvents<Event>) => void): () => void {
    return subscribe(this.#appliedListeners, listener);
  }

  onReset(listener: (index: number) => void): () => void {
    return subscribe(this.#resetListeners, listener);
  }

  onLeader(listener: (leader: number | null) => void): () => void {
    return subscribe(this.#leaderListeners, listener);
  }

  async handOver(): Promise<boolean> {
    if (this.#replica?.status().role !== 'leader' || !this.#replica.transfer()) return false;
    this.#handingOver = true;
    const done = await this.#until(() => this.#leader !== null && this.#leader !== this.node, HAND_OVER_MS);
    this.#handingOver = false;
    return done;
  }

  async stop(): Promise<void> {
    if (this.#phase === 'stopping' || this.#phase === 'stopped') return;
    const { transport, store, log } = this.#options;
    const wasStarted = this.#phase === 'running';
    this.#phase = 'stopping';
    this.#proposals.refuseNew();
    if (wasStarted) {
      await this.handOver();
      await this.#until(() => this.#proposals.waiting === 0, SETTLE_MS);
    }
    this.#phase = 'stopped';
    this.#ticker?.cancel();
    this.#proposals.close();
    this.#reads.close();
    await this.#replica?.stop();
    await transport.stop();
    await store.flush(true);
    await log.seal();
  }

  /** Polls once a tick: only for the rare and slow. */
  #until(condition: () => boolean, withinMs: number): Promise<boolean> {
    const { clock } = this.#options;
    const endMs = clock.monotonicMs() + withinMs;
    return new Promise((resolve) => {
      const look = (): void => {
        if (condition() || clock.monotonicMs() >= endMs) resolve(condition());
        else clock.after(Math.min(5, this.#timings.tickMs), look);
      };
      look();
    });
  }

  #fatal(error: unknown): void {
    if (this.#phase === 'stopped') return;
    this.#phase = 'stopped';
    this.#ticker?.cancel();
    this.#proposals.close();
    this.#reads.close();
    this.#options.onFatal(error);
  }

  #guard(action: () => void): void {
    if (this.#phase === 'stopped') return;
    try {
      action();
    } catch (error) {
      this.#fatal(error);
    }
  }

  #wake(): void {
    if (this.#scheduled || this.#phase === 'stopped') return;
    this.#scheduled = true;
    this.#options.turn(() => {
      this.#scheduled = false;
      this.#guard(() => this.#turn());
    });
  }

  #turn(): void {
    this.#proposals.flush();
    this.#reads.flush();
    this.#replica?.turn();
  }

  /** Armed anew after each tick: after a pause the ticks that were missed are not made up for. */
  #tickLater(): void {
    this.#ticker = this.#options.clock.after(this.#timings.tickMs, () => {
      this.#guard(() => this.#tick());
      if (this.#phase !== 'stopped') this.#tickLater();
    });
  }

  #tick(): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.#replica?.tick(nowMs);
    this.#reads.tick(nowMs);
    this.#proposals.expire(nowMs);
    const status = this.#handingOver ? this.#replica?.status() : undefined;
    // The core gave the hand-over up: somebody else may do better.
    if (status?.role === 'leader' && status.leadTransferee === NONE) this.#replica?.transfer();
  }

  #route(): Route | null {
    if (this.#replica === null) return null;
    const { role, term, leader } = this.#replica.status();
    if (role === 'leader') return { kind: 'own', term };
    const node = leader === NONE ? null : this.#links.nodeOf(leader);
    return node === null ? null : { kind: 'peer', node, term };
  }

  #forward(node: number, frame: PeerFrame): boolean {
    return this.#options.transport.send(node, 'bulk', encodeFrame(frame));
  }

  #count(reason: string): void {
    this.#counters.set(reason, (this.#counters.get(reason) ?? 0) + 1);
  }

  #onLink(peer: PeerIdentity, up: boolean): void {
    const before = this.#links.down(peer.node);
    this.#reports.delete(peer.node);
    if (before !== null) {
      this.#replica?.linkDown(before);
      this.bus.peerChanged(peer.node, false);
    }
    if (up) {
      this.#links.up(peer);
      this.#sendStatus(peer.node);
      if (this.#replica?.leader === peer.incarnation) this.#proposals.linkRenewed();
      this.#replica?.linkUp();
      this.bus.peerChanged(peer.node, true);
    }
    this.#updateObservers();
    this.#wake();
  }

  #onFrame(from: PeerIdentity, bytes: Uint8Array): void {
    if (!this.#links.isUp(from)) {
      this.#count('frame-without-link');
      return;
    }
    const frame = decodeFrame(bytes);
    if (frame === null) {
      this.#count('malformed-frame');
      return;
    }
    switch (frame.kind) {
      case 'raft':
        for (const message of frame.messages) {
          if (this.#replica?.receive(message, from) !== true) this.#count('message-dropped');
        }
        return;
      case 'propose':
        this.#onForwarded(from, frame.term, frame.life, frame.proposals);
        return;
      case 'refused':
        this.#proposals.refused(frame.counters);
        return;
      case 'status':
        this.#onStatus(from, frame);
        return;
      case 'gossip':
        this.bus.received(from.node, frame.payload);
        return;
      default:
        frame satisfies never;
    }
  }

  /** Only the leader of the term that the proposer believes in appends: then a later term proves what became of it. */
  #onForwarded(
    from: PeerIdentity,
    term: number,
    life: number,
    proposals: readonly ForwardedProposal[],
  ): void {
    const status = this.#replica?.status();
    const leads = status !== undefined && status.role === 'leader' && status.term === term;
    const counters = leads
      ? this.#forwarded.accept(from.incarnation, term, life, proposals)
      : proposals.map(({ counter }) => counter);
    if (counters.length === 0) return;
    const taken = this.#options.transport.send(
      from.node,
      'control',
      encodeFrame({ kind: 'refused', life, counters }),
    );
    if (!taken) this.#count('refusal-not-sent');
  }

  #onStatus(from: PeerIdentity, report: PeerStatusReport): void {
    this.#reports.set(from.node, report);
    this.#updateObservers();
    this.#evaluateFounding();
    if (report.founding !== null) this.#replica?.linkUp();
  }

  #sendStatus(node: number): void {
    const founding = this.#replica?.directory.founding ?? [];
    const frame = encodeFrame({
      kind: 'status',
      founding: founding.length === 0 ? null : founding,
      observing: this.#observing,
    });
    if (!this.#options.transport.send(node, 'control', frame)) this.#count('status-not-sent');
  }

  #tellStatus(): void {
    for (const node of this.#links.nodes()) this.#sendStatus(node);
  }

  /** Who is linked, no member, and asks for it, is brought up to date by whoever leads. */
  #updateObservers(): void {
    const replica = this.#replica;
    if (replica === null) return;
    const observers = new Set<MemberId>();
    for (const [member, node] of this.#links.members()) {
      if (this.#reports.get(node)?.observing === true && !isMember(replica.directory, member)) {
        observers.add(member);
      }
    }
    replica.setObservers(observers);
  }

  #evaluateFounding(): void {
    if (this.#replica !== null || this.#entering || this.#phase !== 'running') return;
    const { node, cluster } = this.#options;
    const step = foundingStep({
      node,
      incarnation: this.#self,
      nodes: cluster.nodes,
      links: this.#links,
      reports: this.#reports,
    });
    switch (step.kind) {
      case 'wait':
        return;
      case 'found':
      case 'adopt':
        this.#takePart(step.kind, step.members);
        return;
      case 'observe':
        this.#observe(step.node);
        return;
      default:
        step satisfies never;
    }
  }

  #takePart(how: 'found' | 'adopt', members: readonly Member[]): void {
    const { log, store, identity, logger } = this.#options;
    this.#entering = true;
    logger.info({ how, members: members.length }, 'taking part in a new cluster');
    writeFounding({ log, store, identity }, foundedBy(members)).then(
      (found) =>
        this.#guard(() => {
          this.#enter(found);
          this.#tellStatus();
          this.#replica?.linkUp();
        }),
      (error) => this.#fatal(error),
    );
  }

  #observe(node: number): void {
    const { log, logger } = this.#options;
    logger.warn({ node }, 'a cluster was founded without this data directory: following as a non-voter');
    const hardState = { ...log.recovered.hardState, commit: 0 };
    const start = { index: 0, term: 0 };
    this.#enter({ hardState, start, entries: [], confState: emptyConfState, applied: 0 });
    this.#tellStatus();
  }

  #enter(found: CoreStart): void {
    const { node: _node, cluster: _cluster, onFatal: _onFatal, ...rest } = this.#options;
    this.#replica = new Replica<Result, Event>(
      {
        ...rest,
        links: this.#links,
        timings: this.#timings,
        compaction: this.#options.compaction ?? defaultCompaction,
        isOwn: (tag) => this.#proposals.isOwn(tag),
        ports: {
          applied: (slice) => this.#applied(slice),
          reads: (states) => this.#reads.answered(states),
          leadershipChanged: () => this.#leadershipChanged(),
          membersChanged: () => this.#membersChanged(),
          replaced: (index) => this.#replaced(index),
          wake: () => this.#wake(),
          fatal: (error) => this.#fatal(error),
        },
      },
      found,
    );
    this.#observing = !isMember(this.#replica.directory, this.#self);
    this.#updateObservers();
    this.#reads.learnCommitIndex((index) => {
      this.#startCommitIndex = index;
    });
  }

  #applied({
    term,
    proposals,
    events,
  }: Parameters<ConstructorParameters<typeof Replica<Result, Event>>[0]['ports']['applied']>[0]): void {
    for (const applied of events) for (const listener of this.#appliedListeners) listener(applied);
    this.#proposals.applied(proposals, term);
    this.#reads.applied();
  }

  #leadershipChanged(): void {
    const leader = this.#replica?.leader ?? NONE;
    const node = leader === this.#self ? this.node : leader === NONE ? null : this.#nodeOf(leader);
    this.#reads.leaderChanged();
    this.#wake();
    if (node === this.#leader) return;
    this.#leader = node;
    for (const listener of this.#leaderListeners) listener(node);
  }

  #nodeOf(member: MemberId): number | null {
    const listed = this.#replica?.directory.members.find(({ incarnation }) => incarnation === member);
    return listed?.node ?? this.#links.nodeOf(member);
  }

  #membersChanged(): void {
    const replica = this.#replica;
    if (replica === null) return;
    const observing = !isMember(replica.directory, this.#self);
    if (observing !== this.#observing) {
      this.#observing = observing;
      this.#options.logger.info({ voter: isVoter(replica.directory, this.#self) }, 'membership');
    }
    this.#tellStatus();
    this.#updateObservers();
  }

  #replaced(index: number): void {
    this.#proposals.snapshotInstalled();
    for (const listener of this.#resetListeners) listener(index);
    this.#reads.applied();
  }

  async *#onStream(from: PeerIdentity, request: Uint8Array): AsyncGenerator<Uint8Array> {
    if (this.#replica === null) throw new CodedError('UNAVAILABLE', 'not part of a cluster yet');
    yield* this.#replica.sender.serve(from, request);
  }
}

function subscribe<Listener>(listeners: Set<Listener>, listener: Listener): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}
