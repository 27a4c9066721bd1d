import { assert } from '../../base/assert.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { Random } from '../../base/prng.ts';
import {
  type BasicStatus,
  type ConfChange,
  type MemberId,
  type Message,
  NONE,
  type PeerStatus,
  type RaftStatus,
  type ReadState,
  type Snapshot,
  type SoftState,
} from '../../raft/index.ts';
import type { AppliedMark, StateStore } from '../../store/state-store.ts';
import type { LogStore } from '../../wal/log-store.ts';
import { encodeEnvelope, type ProposalTag } from '../formats/envelope.ts';
import { type Directory, decodeDirectory, isVoter, requireKnownFormat } from '../formats/members.ts';
import { defaultFormats, type EngineFormats } from '../formats/versions.ts';
import type { Links } from '../peers/links.ts';
import { PeerOutbox } from '../peers/peer-outbox.ts';
import type { PeerIdentity, PeerTransport } from '../ports/peer-transport.ts';
import type { StateMachine } from '../ports/state-machine.ts';
import type { Identity } from '../storage/identity.ts';
import { type AppliedSlice, Applier, type ApplierPorts } from './applier.ts';
import { ClockStamps } from './clock-stamps.ts';
import { Compaction, type CompactionSettings } from './compaction.ts';
import { type CoreStart, Driver, type EngineTimings } from './driver.ts';
import { ElectionHints } from './election-hints.ts';
import type { KeptLog } from './recovery.ts';
import { SnapshotReceiver, SnapshotSender } from './snapshot-transfer.ts';

export interface ReplicaPorts<Result, Event> {
  applied(slice: AppliedSlice<Result, Event>): void;
  reads(states: readonly ReadState[]): void;
  /** Role, leader or term are not what they were. */
  leadershipChanged(): void;
  membersChanged(directory: Directory): void;
  /** The state was replaced by a snapshot. */
  replaced(mark: AppliedMark): void;
  wake(): void;
  fatal(error: unknown): void;
}

export interface ReplicaOptions<Result, Event> {
  readonly identity: Identity;
  readonly log: LogStore;
  readonly store: StateStore;
  readonly machine: StateMachine<Result, Event>;
  readonly transport: PeerTransport;
  readonly links: Links;
  readonly clock: Clock;
  readonly turn: (action: () => void) => void;
  readonly random: Random;
  readonly logger: Logger;
  readonly timings: EngineTimings;
  readonly formats?: EngineFormats;
  readonly compaction: CompactionSettings;
  /** Whether the disk takes any more: as a leader, and of what a leader sends. */
  readonly room: { readonly takesProposals: boolean; readonly takesEntries: boolean };
  readonly isOwn: (tag: ProposalTag) => boolean;
  readonly hasReaders?: (node: number) => boolean;
  readonly ports: ReplicaPorts<Result, Event>;
}

/**
 * One running member: the core with everything that carries out its work. It exists from the moment the node belongs to a
 * cluster.
 */
export class Replica<Result, Event> {
  readonly #options: ReplicaOptions<Result, Event>;
  readonly #ports: ReplicaPorts<Result, Event>;
  readonly #driver: Driver;
  readonly #applier: Applier<Result, Event>;
  readonly #outbox: PeerOutbox;
  readonly #hints: ElectionHints;
  readonly #stamps: ClockStamps;
  readonly #compaction: Compaction;
  readonly #receiver: SnapshotReceiver;
  /** Of the members with a link. */
  readonly #heardMs = new Map<MemberId, number>();
  readonly sender: SnapshotSender;

  constructor(options: ReplicaOptions<Result, Event>, found: CoreStart) {
    const { clock, random, timings, store, transport, links, logger, log, identity } = options;
    this.#options = options;
    this.#ports = options.ports;
    const mark = store.mark ?? { index: 0, term: 0, wallMs: 0, clusterMs: 0, engine: new Uint8Array(0) };
    this.#stamps = new ClockStamps(clock);
    this.#stamps.observe(mark);
    this.#outbox = new PeerOutbox({
      transport,
      links,
      lost: (message) => this.#lost(message),
      turn: (action) => options.turn(() => this.#guard(action)),
      hasReaders: options.hasReaders ?? (() => true),
    });
    this.#driver = new Driver(
      { member: identity.incarnation, timings, log, random, logger, ports: this.#driverPorts() },
      found,
    );
    this.#stamps.observeEntries(found.entries, this.#driver.status());
    this.#applier = this.#makeApplier(mark);
    this.#hints = new ElectionHints({
      clock,
      random,
      electionMs: timings.tickMs * timings.electionTicks,
      leaderKnown: () => this.leader !== NONE,
      standing: () => this.#driver.status().role === 'candidate',
      campaign: () => this.#guard(() => this.#driver.campaign()),
    });
    this.sender = this.#makeSender();
    this.#receiver = this.#makeReceiver();
    const bytes = found.entries.reduce((sum, entry) => sum + entry.data.length, 0);
    this.#compaction = this.#makeCompaction(bytes);
  }

  #driverPorts(): ConstructorParameters<typeof Driver>[0]['ports'] {
    return {
      send: (messages) => this.#send(messages),
      apply: (message) => this.#applier.enqueue(message),
      reads: (states) => this.#ports.reads(states),
      roleChanged: (state) => this.#roleChanged(state),
      appended: (bytes) => this.#compaction.appended(bytes),
      install: (snapshot) => this.#install(snapshot),
      installed: (snapshot) => this.#installed(snapshot),
      newestSnapshot: () => this.#newestSnapshot(),
      wake: () => this.#ports.wake(),
      fatal: (error) => this.#ports.fatal(error),
    };
  }

  #makeApplier(mark: AppliedMark): Applier<Result, Event> {
    const { machine, store, clock, turn, isOwn, formats = defaultFormats } = this.#options;
    const ports: ApplierPorts<Result, Event> = {
      applied: (slice) => this.#ports.applied(slice),
      applyConfChange: (change) => this.#driver.applyConfChange(change),
      membersChanged: (directory) => this.#ports.membersChanged(directory),
      release: (responses) => this.#driver.release(responses),
      fatal: (error) => this.#ports.fatal(error),
    };
    return new Applier({ machine, store, clock, turn, isOwn, newestFormat: formats.newest, ports }, mark);
  }

  #makeSender(): SnapshotSender {
    const { store, clock } = this.#options;
    return new SnapshotSender({
      store,
      clock,
      isAwaited: (member) =>
        this.#driver.fullStatus().peers.some(({ id, state }) => id === member && state === 'snapshot'),
      failed: (member) => this.#driver.reportSnapshot(member, false),
    });
  }

  #makeReceiver(): SnapshotReceiver {
    const { transport, store, logger } = this.#options;
    return new SnapshotReceiver({
      transport,
      store,
      logger,
      appliedIndex: () => this.#applier.mark.index,
      isInstalling: () => this.#driver.installingIndex !== null,
      step: (message) => {
        this.#guard(() => {
          this.#driver.step(message);
          this.#driver.drain();
        });
        return this.#driver.installingIndex === message.snapshot?.meta.index;
      },
    });
  }

  #makeCompaction(bytes: number): Compaction {
    const options = {
      settings: this.#options.compaction,
      store: this.#options.store,
      firstIndex: () => this.#driver.firstIndex,
      appliedIndex: () => this.#applier.mark.index,
      isSendingSnapshot: () => this.sender.busy,
      cut: (index: number) => this.#driver.compact(index, this.#applier.mark.engine),
      fatal: (error: unknown) => this.#ports.fatal(error),
    };
    return new Compaction(options, bytes);
  }

  get leader(): MemberId {
    return this.#driver.status().leader;
  }

  get directory(): Directory {
    return this.#applier.directory;
  }

  get appliedIndex(): number {
    return this.#applier.mark.index;
  }

  status(): BasicStatus {
    return this.#driver.status();
  }

  fullStatus(): RaftStatus {
    return this.#driver.fullStatus();
  }

  /** A message of the core at the other end of an authenticated link. False: it was not what such a peer may say. */
  receive(message: Message, from: PeerIdentity): boolean {
    if (message.from !== from.incarnation || message.to !== this.#options.identity.incarnation) return false;
    this.#heardMs.set(from.incarnation, this.#options.clock.monotonicMs());
    // As if it had been lost: the leader sends it again, and gets no acknowledgement before there is room.
    const fills = message.entries.length > 0 || message.snapshot !== null;
    if (fills && !this.#options.room.takesEntries) return true;
    // Of what this node has already, the core tells the leader: it needs no copy for that.
    const isNews = (message.snapshot?.meta.index ?? 0) > this.#driver.status().commit;
    if (message.type === 'MsgSnap' && isNews) {
      this.#receiver.announced(message, from.node);
      return true;
    }
    const taken = this.#driver.step(message);
    if (message.entries.length > 0) this.#stamps.observeEntries(message.entries, this.#driver.status());
    if (taken) this.#observeElection(message);
    return taken;
  }

  #observeElection({ type, reject, index }: Message): void {
    if (type === 'MsgVoteResp' && reject) this.#hints.voteSplit();
    const asks = type === 'MsgVote' || type === 'MsgPreVote';
    if (asks && index >= this.#driver.status().lastIndex) this.#hints.othersStand(type === 'MsgVote');
  }

  /** Appends proposals of one member to the own log, with the time of now. False: certainly not appended. */
  append(proposals: readonly { readonly tag: ProposalTag; readonly command: Uint8Array }[]): boolean {
    if (!this.#options.room.takesProposals) return false;
    const time = this.#stamps.stamp();
    const taken = this.#driver.propose(
      proposals.map(({ tag, command }) => encodeEnvelope(tag, time, command)),
    );
    const member = proposals[0]?.tag.member ?? NONE;
    if (taken && member !== this.#options.identity.incarnation)
      this.#outbox.awaits(member, this.#driver.status().lastIndex);
    return taken;
  }

  proposeConfChange(change: ConfChange): boolean {
    return this.#driver.proposeConfChange(change);
  }

  /** Null: not on this link. */
  heardMs(member: MemberId): number | null {
    return this.#heardMs.get(member) ?? null;
  }

  askForReadIndex(context: Uint8Array): void {
    this.#driver.readIndex(context);
  }

  setObservers(members: ReadonlySet<MemberId>): void {
    this.#driver.setObservers(members);
  }

  /** All that is to be done now; frames leave at the end, a log write has been begun before. */
  turn(): void {
    this.#driver.drain();
    this.#outbox.flush();
    this.#compaction.check();
  }

  tick(nowMs: number): void {
    this.#driver.tick();
    this.#outbox.flushAll();
    this.sender.tick(nowMs);
  }

  /** A link with a member is up: if nobody leads, there may be a majority now. */
  linkUp(): void {
    if (this.leader === NONE && isVoter(this.directory, this.#options.identity.incarnation))
      this.#hints.hint();
  }

  linkDown(member: MemberId): void {
    this.#heardMs.delete(member);
    this.#driver.reportUnreachable(member);
    this.sender.linkDown(member);
    if (this.leader !== member) return;
    this.#driver.forgetLeader();
    this.#hints.hint();
  }

  /** Asks a voter with a link to take over: that one, or (null) the most up-to-date. Null when there is none. */
  transfer(to: MemberId | null): MemberId | null {
    return this.#handTo(({ id }) => to === null || id === to);
  }

  /** Asks one of these that follows and was just heard to take over: one that hangs would hold up all writes at each attempt. */
  relieve(mayLead: (member: MemberId) => boolean): void {
    const { clock, timings } = this.#options;
    const sinceMs = clock.monotonicMs() - timings.tickMs * timings.electionTicks;
    this.#handTo(
      ({ id, state }) => mayLead(id) && state === 'replicate' && (this.heardMs(id) ?? sinceMs) > sinceMs,
    );
  }

  #handTo(isMeant: (peer: PeerStatus) => boolean): MemberId | null {
    const { links, identity } = this.#options;
    const heir = this.#driver
      .fullStatus()
      .peers.filter(({ id }) => isVoter(this.directory, id) && links.nodeOf(id) !== null)
      .sort((a, b) => Number(b.recentActive) - Number(a.recentActive) || b.match - a.match)
      .find((peer) => peer.id !== identity.incarnation && isMeant(peer));
    if (heir === undefined) return null;
    this.#driver.transferLeader(heir.id);
    return heir.id;
  }

  /** Nothing is written, applied or sent any more, once resolved. */
  async stop(): Promise<void> {
    this.#hints.stop();
    this.#outbox.stop();
    this.#receiver.stop();
    this.#applier.stop();
    await this.#driver.stop();
  }

  /**
   * Stops, and says what the log holds and this member has promised. A leader names its heir before, so that nobody has to wait for
   * a timeout.
   */
  async leave(): Promise<KeptLog> {
    if (this.status().role === 'leader' && this.transfer(null) !== null) this.turn();
    await this.stop();
    const { hardState, entries, start } = this.#driver.kept();
    return { hardState, entries, start: { ...start, data: this.#applier.mark.engine } };
  }

  #roleChanged(state: SoftState): void {
    const { logger } = this.#options;
    const { term } = this.#driver.status();
    // People know nodes by their number in the configuration.
    const leader =
      this.directory.members.find(({ incarnation }) => incarnation === state.leader)?.node ?? null;
    logger.info({ role: state.role, term, leader }, 'role');
    if (state.leader !== NONE) this.#hints.settled();
    this.#ports.leadershipChanged();
  }

  /** For what is called from elsewhere than the engine's turns: a contradiction stops the node, whoever finds it. */
  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#ports.fatal(error);
    }
  }

  #send(messages: readonly Message[]): void {
    this.#outbox.add(messages);
    for (const { type, to } of messages) if (type === 'MsgSnap') this.sender.announced(to);
  }

  #lost(message: Message): void {
    if (message.type === 'MsgApp') this.#driver.reportUnreachable(message.to);
    if (message.type === 'MsgSnap') this.#driver.reportSnapshot(message.to, false);
  }

  #newestSnapshot(): Snapshot {
    const { index, term, engine } = this.#applier.mark;
    return { meta: { index, term, confState: this.#applier.directory.conf }, data: engine };
  }

  async #install(snapshot: Snapshot): Promise<void> {
    const { identity, formats = defaultFormats } = this.#options;
    requireKnownFormat(decodeDirectory(snapshot.data), formats.newest);
    await this.#applier.idle();
    const { index, term } = snapshot.meta;
    await identity.markInstalling({ index, term });
    const mark = await this.#receiver.install(snapshot);
    assert(mark.index === index && mark.term === term, 'a copy is of the position that it was offered for');
  }

  async #installed(snapshot: Snapshot): Promise<void> {
    const { identity, machine, store, logger } = this.#options;
    await identity.markFounded();
    await identity.markInstalling(null);
    const mark = store.mark;
    assert(mark !== null, 'an installed copy has a mark');
    await machine.load(store.rows(), mark.clusterMs);
    this.#stamps.observe(mark);
    this.#applier.reset(mark);
    logger.info({ index: snapshot.meta.index }, 'snapshot installed');
    this.#ports.replaced(mark);
  }
}
