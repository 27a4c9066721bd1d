import { assert } from '../base/assert.ts';
import { LostEntriesError, type MemberId, NONE } from '../raft/index.ts';
import type { AppliedMark } from '../store/state-store.ts';
import { comes } from './comes.ts';
import {
  defaultCompaction,
  defaultTimings,
  type EngineHandle,
  type EngineOptions,
} from './engine-options.ts';
import { engineStatus } from './engine-status.ts';
import { foundedBy, type Member } from './formats/members.ts';
import { encodeFrame } from './formats/peer-frames.ts';
import { HandOver } from './hand-over.ts';
import { Inbox } from './inbox.ts';
import { Leadership } from './leadership.ts';
import { Listeners } from './listeners.ts';
import { Membership } from './membership/membership.ts';
import { Links } from './peers/links.ts';
import { GossipBus } from './peers/peer-bus.ts';
import { StreamDoor } from './peers/peer-streams.ts';
import type {
  AppliedEvents,
  ChangeOutcome,
  Engine,
  EngineStatus,
  MemberChange,
  Outcome,
} from './ports/engine.ts';
import type { PeerIdentity } from './ports/peer-transport.ts';
import { Pulse } from './pulse.ts';
import { StorageHealth } from './repair/storage-health.ts';
import type { AppliedSlice } from './replica/applier.ts';
import type { CoreStart, EngineTimings } from './replica/driver.ts';
import { type KeptLog, observerCore, recoverCore, writeFounding } from './replica/recovery.ts';
import { Replica } from './replica/replica.ts';
import { ForwardedProposals } from './requests/forwarded.ts';
import { Requests } from './requests/requests.ts';
import { forsake } from './storage/data-directory.ts';
import { lostError, removedError } from './storage/identity.ts';
import { Tally } from './tally.ts';

export type { EngineHandle, EngineOptions };

/** At a clean stop: until what is in flight is answered, after the hand-over. */
const SETTLE_MS = 500;

/** Consensus behind the engine port: a member of a Raft group, or on the way to become one. */
export function createEngine<Result, Event>(
  options: EngineOptions<Result, Event>,
): EngineHandle<Result, Event> {
  const engine = new RaftEngine(options);
  return {
    engine,
    bus: engine.bus,
    streams: engine.streams,
    start: () => engine.start(),
    counters: () => engine.dropped.all(),
  };
}

class RaftEngine<Result, Event> implements Engine<Result, Event> {
  readonly node: number;
  readonly #options: EngineOptions<Result, Event>;
  readonly #timings: EngineTimings;
  readonly #self: MemberId;
  readonly #links = new Links();
  readonly #leadership: Leadership;
  readonly #requests: Requests<Result>;
  readonly #inbox: Inbox;
  readonly bus: GossipBus;
  readonly streams: StreamDoor;
  readonly #membership: Membership;
  readonly #storage: StorageHealth;
  readonly #handOver: HandOver;
  readonly #onApplied = new Listeners<[applied: AppliedEvents<Event>]>();
  readonly #onReset = new Listeners<[index: number]>();
  readonly #onMembers = new Listeners<[]>();
  readonly #onLeader = new Listeners<[leader: number | null]>();
  readonly onApplied: Engine<Result, Event>['onApplied'] = (listener) => this.#onApplied.add(listener);
  readonly onReset: Engine<Result, Event>['onReset'] = (listener) => this.#onReset.add(listener);
  readonly onMembers: Engine<Result, Event>['onMembers'] = (listener) => this.#onMembers.add(listener);
  readonly onLeader: Engine<Result, Event>['onLeader'] = (listener) => this.#onLeader.add(listener);
  readonly #pulse: Pulse;
  readonly dropped = new Tally();
  #replica: Replica<Result, Event> | null = null;
  #phase: 'new' | 'running' | 'stopping' | 'stopped' = 'new';
  #failed = false;
  #stop: Promise<void> | null = null;
  #startCommitIndex: number | null = null;

  constructor(options: EngineOptions<Result, Event>) {
    this.node = options.node;
    this.#options = options;
    this.#timings = options.timings ?? defaultTimings;
    this.#self = options.identity.incarnation;
    const { clock, random, transport } = options;
    this.#leadership = new Leadership({
      node: this.node,
      self: this.#self,
      links: this.#links,
      replica: () => this.#replica,
      changed: (leader) => this.#onLeader.tell(leader),
    });
    const life = random.below(2 ** 32);
    this.#pulse = new Pulse({
      ...options,
      tickMs: this.#timings.tickMs,
      onTurn: () => this.#guard(() => this.#turn()),
      onTick: () => this.#guard(() => this.#tick()),
    });
    this.bus = new GossipBus(this.#links, (node, payload) =>
      transport.send(node, 'control', encodeFrame({ kind: 'gossip', payload })),
    );
    this.streams = new StreamDoor(transport, () => this.#replica);
    this.#requests = new Requests<Result>({
      member: this.#self,
      life,
      clock,
      transport,
      server: () => this.#replica,
      leaderKnown: () => this.#replica !== null && this.#replica.leader !== NONE,
      route: () => this.#leadership.route(),
      lacksRoom: () => this.#storage.lacksRoom,
      wake: () => this.#pulse.wake(),
    });
    this.#storage = this.#makeStorage();
    const leads = (): number | null => this.#leadership.node;
    this.#handOver = new HandOver(this.node, clock, () => this.#replica, leads);
    this.#membership = this.#makeMembership(life);
    this.#inbox = this.#makeInbox(life);
  }

  #makeMembership(life: number): Membership {
    return new Membership({
      ...this.#options,
      incarnation: this.#self,
      life,
      nodes: this.#options.cluster.nodes,
      links: this.#links,
      timings: this.#timings,
      replica: () => this.#replica,
      directory: () => this.#replica?.directory ?? this.#storage.keeper.directory,
      route: () => this.#leadership.route(),
      takePart: (how, members) => this.#takePart(how, members),
      observe: (leader) => this.#observe(leader),
      fatal: (error) => this.#fatal(error),
      dropped: this.dropped.count,
    });
  }

  #makeStorage(): StorageHealth {
    return new StorageHealth({
      ...this.#options,
      self: this.#self,
      links: this.#links,
      directory: () => this.#replica?.directory ?? null,
      leader: () => this.#leadership.node,
      handOver: () => this.handOver(),
      barrier: () => this.barrier(),
      withdraw: () => this.#withdraw(),
      relieve: (mayLead) => this.#replica?.relieve(mayLead),
      enter: (core) => this.#guard(() => this.#enter(core)),
      replaced: (mark) => this.#guard(() => this.#replaced(mark)),
      waiting: () => this.#membersChanged(),
      dropped: this.dropped.count,
      fatal: (error) => this.#fatal(error),
    });
  }

  #makeInbox(life: number): Inbox {
    return new Inbox({
      links: this.#links,
      transport: this.#options.transport,
      membership: this.#membership,
      bus: this.bus,
      storage: this.#storage,
      forwarded: new ForwardedProposals((proposals) => this.#replica?.append(proposals) ?? false),
      status: () => this.#replica?.status() ?? null,
      receive: (message, from) => this.#replica?.receive(message, from) ?? false,
      // An answer to an earlier life of this node says nothing about this one.
      refused: (answered, counters) => {
        if (answered === life) this.#requests.refused(counters);
      },
      peerFounded: () => this.#replica?.linkUp(),
      dropped: this.dropped.count,
    });
  }

  async start(): Promise<void> {
    const { machine, store, transport, identity, cluster } = this.#options;
    if (identity.removed) throw removedError(this.node);
    if (identity.lost !== null) throw lostError(this.node, identity.lost);
    const found = await recoverCore(this.#options);
    await machine.load(store.rows(), store.mark?.clusterMs ?? 0);
    transport.onFrame((from, _lane, frame) => this.#guard(() => this.#inbox.take(from, frame)));
    transport.onLink((peer, up) => this.#guard(() => this.#onLink(peer, up)));
    transport.onStream((from, request) => this.streams.serve(from, request));
    transport.setPeers(cluster.nodes.filter(({ id }) => id !== this.node));
    this.#phase = 'running';
    this.#storage.start(found, this.#options.discarded?.message ?? null);
    await transport.start();
    this.#pulse.start();
    this.#membership.admission.evaluate();
  }

  propose(command: Uint8Array, format?: number): Promise<Outcome<Result>> {
    return this.#requests.propose(command, format);
  }

  barrier(): Promise<void> {
    return this.#requests.barrier();
  }

  status(): EngineStatus {
    const { cluster, transport } = this.#options;
    return engineStatus({
      ...cluster,
      node: this.node,
      self: this.#self,
      replica: this.#replica,
      leader: this.#leadership.node,
      links: this.#links,
      startCommitIndex: this.#startCommitIndex,
      addressOf: (id) => this.#membership.admission.addressOf(id),
      observing: this.#membership.admission.observing,
      rebuilding: this.#storage.keeper.rebuilding,
      storage: this.#storage.status(),
      alarms: [
        ...this.#storage.alarms(),
        ...this.#membership.admission.alarms(),
        ...(transport.alarms?.() ?? []),
      ],
    });
  }

  changeMembers(change: MemberChange, tag?: string): Promise<ChangeOutcome> {
    return this.#membership.change(change, tag);
  }

  transferLeader(node: number | null): Promise<ChangeOutcome> {
    return this.#membership.transfer(node);
  }

  handOver(): Promise<boolean> {
    return this.#handOver.run();
  }

  stop(): Promise<void> {
    this.#stop ??= this.#stopInOrder();
    return this.#stop;
  }

  async #stopInOrder(): Promise<void> {
    const { clock, transport, store, log } = this.#options;
    const wasStarted = this.#phase === 'running';
    this.#phase = 'stopping';
    this.#requests.refuseNew();
    if (wasStarted) {
      await this.handOver();
      await comes(clock, () => this.#requests.waiting === 0, SETTLE_MS);
    }
    await this.#cease();
    await transport.stop();
    // After a failure, or a start that was refused, nothing vouches for the end of the log.
    if (this.#failed || !wasStarted) return await log.close();
    await store.flush(true);
    await log.seal();
  }

  #fatal(error: unknown): void {
    if (this.#phase === 'stopped') return;
    this.#failed = true;
    void this.#cease();
    const { identity, onFatal } = this.#options;
    if (error instanceof LostEntriesError) void forsake(identity, this.node, error).then(onFatal);
    else onFatal(error);
  }

  /** Nothing is taken in or done any more, once resolved; what waited is answered at once. Never rejects. */
  async #cease(): Promise<void> {
    this.#phase = 'stopped';
    this.#pulse.stop();
    this.#requests.close();
    this.#membership.close();
    this.#storage.stop();
    await this.#replica?.stop();
  }

  #guard(action: () => void): void {
    if (this.#phase === 'stopped') return;
    try {
      action();
    } catch (error) {
      this.#fatal(error);
    }
  }

  #turn(): void {
    this.#requests.flush();
    this.#replica?.turn();
    this.#leadership.update();
  }

  #tick(): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.#replica?.tick(nowMs);
    this.#requests.tick(nowMs);
    this.#membership.tick(nowMs);
    this.#handOver.tick();
  }

  #onLink(peer: PeerIdentity, up: boolean): void {
    const before = this.#links.down(peer.node);
    if (before !== null) {
      this.#replica?.linkDown(before);
      this.#membership.admission.linkDown(peer.node);
      this.bus.peerChanged(peer.node, false);
    }
    if (up) {
      this.#links.up(peer);
      this.#membership.admission.introduce(peer.node);
      this.#requests.linkRenewed(peer.node);
      this.#replica?.linkUp();
      this.#storage.linkUp(peer.node);
      this.bus.peerChanged(peer.node, true);
    }
    this.#pulse.wake();
  }

  #takePart(how: 'found' | 'adopt', members: readonly Member[]): void {
    const { log, store, identity, logger } = this.#options;
    logger.info({ how, members: members.length }, 'taking part in a new cluster');
    writeFounding({ log, store, identity }, foundedBy(members)).then(
      (found) =>
        this.#guard(() => {
          this.#enter(found);
          this.#replica?.linkUp();
        }),
      (error) => this.#fatal(error),
    );
  }

  #observe(node: number): void {
    this.#options.logger.warn({ node }, 'founded without this data directory: following as a non-voter');
    this.#enter(observerCore(this.#options.log));
  }

  #enter(found: CoreStart): void {
    this.#replica = new Replica<Result, Event>(
      {
        ...this.#options,
        room: this.#storage,
        links: this.#links,
        timings: this.#timings,
        compaction: this.#options.compaction ?? defaultCompaction,
        isOwn: (tag) => this.#requests.isOwn(tag),
        ports: {
          applied: (slice) => this.#applied(slice),
          reads: (states) => this.#requests.answered(states),
          leadershipChanged: () => this.#leadershipChanged(),
          membersChanged: () => this.#membersChanged(),
          replaced: (mark) => this.#replaced(mark),
          wake: () => this.#pulse.wake(),
          fatal: (error) => this.#fatal(error),
        },
      },
      found,
    );
    this.#membersChanged();
    this.#requests.learnCommitIndex((index) => {
      this.#startCommitIndex = index;
    });
  }

  #membersChanged(): void {
    this.#membership.admission.membersChanged();
    this.#onMembers.tell();
  }

  /** Takes no part for a while. */
  async #withdraw(): Promise<KeptLog> {
    const replica = this.#replica;
    assert(replica !== null, 'only a node that takes part can cease to');
    this.#replica = null;
    this.#leadershipChanged();
    return await replica.leave();
  }

  #applied({ term, proposals, events }: AppliedSlice<Result, Event>): void {
    for (const applied of events) this.#onApplied.tell(applied);
    this.#requests.applied(proposals, term);
  }

  #leadershipChanged(): void {
    this.#requests.leaderChanged();
    this.#membership.leaderChanged();
    this.#leadership.update();
  }

  #replaced(mark: AppliedMark): void {
    this.#requests.replaced(mark);
    this.#onReset.tell(mark.index);
    this.#requests.settle();
  }
}
