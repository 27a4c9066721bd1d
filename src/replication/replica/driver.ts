import { MIB } from '../../base/limits.ts';
import type { Logger } from '../../base/logger.ts';
import type { Random } from '../../base/prng.ts';
import {
  type BasicStatus,
  type ConfChange,
  type ConfState,
  defaultRaftConfig,
  type Entry,
  emptyConfState,
  type HardState,
  isStorageThread,
  LOCAL_APPEND_THREAD,
  type MemberId,
  MemoryLog,
  type Message,
  RaftError,
  type RaftStatus,
  RawNode,
  type ReadState,
  type Snapshot,
  type SoftState,
} from '../../raft/index.ts';
import type { LogStore } from '../../wal/log-store.ts';
import { ApplyGate } from './apply-gate.ts';
import { LogView } from './log-view.ts';
import { WrittenState } from './written-state.ts';

/** Length of a tick and the two timeouts in ticks. */
export interface EngineTimings {
  readonly tickMs: number;
  readonly heartbeatTicks: number;
  readonly electionTicks: number;
}

const MAX_MESSAGE_BYTES = 1 * MIB;
const MAX_INFLIGHT_BYTES = 32 * MIB;
/** Below what the log queues before it refuses. */
const MAX_UNCOMMITTED_BYTES = 64 * MIB;

/** Where a core begins: what was found on disk, or what was founded. */
export interface CoreStart {
  readonly hardState: HardState;
  /** The point before the first entry; index 0 when there is nothing at all. */
  readonly start: { readonly index: number; readonly term: number };
  readonly entries: readonly Entry[];
  /** In force at `applied`. */
  readonly confState: ConfState;
  readonly applied: number;
}

/** What the driver hands on. All but `install` must return at once. */
export interface DriverPorts {
  send(messages: readonly Message[]): void;
  /** Committed entries; their responses go back through `release` once applied. */
  apply(message: Message): void;
  reads(states: readonly ReadState[]): void;
  roleChanged(state: SoftState): void;
  /** Entries were handed to the log: their payload bytes. */
  appended(bytes: number): void;
  /** Swaps the received state in. All that was to be applied before must be, by then. Resolves when it is in force and durable. */
  install(snapshot: Snapshot): Promise<void>;
  /** The log now starts after the snapshot that was installed. */
  installed(snapshot: Snapshot): Promise<void>;
  newestSnapshot(): Snapshot;
  /** Asks for a call of `drain` soon. */
  wake(): void;
  fatal(error: unknown): void;
}

export interface DriverOptions {
  readonly member: MemberId;
  readonly timings: EngineTimings;
  readonly log: LogStore;
  readonly random: Random;
  readonly logger: Logger;
  readonly ports: DriverPorts;
}

/**
 * Runs one consensus core in asynchronous storage mode. Appends are handed to the log as they come, several may be in flight, and
 * the answers of each are released when it is durable, in order; meanwhile the core goes on, so a leader sends while it syncs.
 *
 * Invariant: the memory log holds exactly what is durable; it is extended before the core hears of it.
 */
export class Driver {
  readonly #options: DriverOptions;
  readonly #ports: DriverPorts;
  readonly #memory = new MemoryLog();
  readonly #node: RawNode;
  readonly #written: WrittenState;
  #appendsInFlight = 0;
  #lastAppend: Promise<void> = Promise.resolve();
  #lastCut: Promise<void> = Promise.resolve();
  /** A snapshot is being put in force, and what came after it waits. */
  #installing: Snapshot | null = null;
  #install: Promise<void> = Promise.resolve();
  #held: Message[] = [];
  readonly #gate: ApplyGate;
  #stopped = false;

  constructor(options: DriverOptions, found: CoreStart) {
    this.#options = options;
    this.#ports = options.ports;
    this.#gate = new ApplyGate({ ...options.ports, noteCommit: (index) => this.#noteCommit(index) });
    const { start, hardState, confState } = found;
    if (start.index > 0) {
      const meta = { ...start, confState: emptyConfState };
      this.#memory.applySnapshot({ meta, data: new Uint8Array(0) });
    }
    this.#memory.append(found.entries);
    this.#written = new WrittenState(hardState);
    const { member, timings, random, logger } = options;
    this.#node = new RawNode(
      defaultRaftConfig({
        id: member,
        storage: new LogView(this.#memory, { hardState, confState }, () => this.#ports.newestSnapshot()),
        randomBelow: (bound) => random.below(bound),
        applied: found.applied,
        electionTicks: timings.electionTicks,
        heartbeatTicks: timings.heartbeatTicks,
        asyncStorageWrites: true,
        // Always on: clock jumps and comings and goings must cause neither an election nor a stale read.
        preVote: true,
        checkQuorum: true,
        readOnly: 'safe',
        stepDownOnRemoval: true,
        disableProposalForwarding: true,
        maxSizePerMessage: MAX_MESSAGE_BYTES,
        maxInflightBytes: MAX_INFLIGHT_BYTES,
        maxUncommittedEntriesSize: MAX_UNCOMMITTED_BYTES,
        logger: {
          debug: (text) => logger.debug({}, text),
          info: (text) => logger.debug({}, text),
          warn: (text) => logger.info({}, text),
          error: (text) => logger.warn({}, text),
        },
      }),
    );
  }

  status(): BasicStatus {
    return this.#node.basicStatus();
  }

  fullStatus(): RaftStatus {
    return this.#node.status();
  }

  /** Of the snapshot that is being put in force; null when none is. */
  get installingIndex(): number | null {
    return this.#installing?.meta.index ?? null;
  }

  get firstIndex(): number {
    return this.#memory.firstIndex();
  }

  /** False when the core does not know the sender (any more), or the message is not one that a peer may send. */
  step(message: Message): boolean {
    try {
      this.#node.step(message);
      return true;
    } catch (error) {
      if (error instanceof RaftError) return false;
      throw error;
    } finally {
      this.#ports.wake();
    }
  }

  /** False: certainly not appended. */
  propose(data: readonly Uint8Array[]): boolean {
    try {
      this.#node.proposeAll(data);
    } catch (error) {
      if (error instanceof RaftError) return false;
      throw error;
    }
    this.#ports.wake();
    return true;
  }

  /** False: certainly not appended. An untimely one becomes an empty entry: the caller looks before, and after. */
  proposeConfChange(change: ConfChange): boolean {
    try {
      this.#node.proposeConfChange(change);
    } catch (error) {
      if (error instanceof RaftError) return false;
      throw error;
    }
    this.#ports.wake();
    return true;
  }

  tick(): void {
    this.#node.tick();
    this.#ports.wake();
  }

  campaign(): void {
    this.#node.campaign();
    this.#ports.wake();
  }

  forgetLeader(): void {
    this.#node.forgetLeader();
    this.#ports.wake();
  }

  transferLeader(to: MemberId): void {
    this.#node.transferLeader(to);
    this.#ports.wake();
  }

  readIndex(context: Uint8Array): void {
    this.#node.readIndex(context);
    this.#ports.wake();
  }

  reportUnreachable(id: MemberId): void {
    this.#node.reportUnreachable(id);
    this.#ports.wake();
  }

  reportSnapshot(id: MemberId, ok: boolean): void {
    this.#node.reportSnapshot(id, ok);
    this.#ports.wake();
  }

  setObservers(ids: ReadonlySet<MemberId>): void {
    this.#node.setObservers(ids);
    this.#ports.wake();
  }

  applyConfChange(change: ConfChange): ConfState {
    return this.#node.applyConfChange(change);
  }

  /** Carries out all that the core asks for now. Not to be called from within a port. */
  drain(): void {
    while (!this.#stopped && this.#node.hasReady()) {
      const ready = this.#node.ready();
      if (ready.softState !== null) this.#ports.roleChanged(ready.softState);
      const outgoing: Message[] = [];
      const applies: Message[] = [];
      for (const message of ready.messages) {
        if (!isStorageThread(message.to)) outgoing.push(message);
        else if (message.to === LOCAL_APPEND_THREAD) this.#append(message);
        else applies.push(message);
      }
      this.#ports.send(outgoing);
      if (ready.readStates.length > 0) this.#ports.reads(ready.readStates);
      for (const message of applies) this.#gate.pass(message);
    }
  }

  /** What the log holds, and what this member has promised. Once stopped. */
  kept(): Pick<CoreStart, 'hardState' | 'entries' | 'start'> {
    const memory = this.#memory;
    const index = memory.firstIndex() - 1;
    const entries = memory.entries(index + 1, memory.lastIndex() + 1, Number.POSITIVE_INFINITY);
    // Not what was learnt since: by what is written, a later life judges whether a change of members was noted.
    const commit = Math.min(memory.lastIndex(), this.#written.last.commit);
    return {
      hardState: { ...this.#written.last, commit },
      start: { index, term: memory.term(index) },
      entries,
    };
  }

  /** Answers of work that is done: to the core itself, or to the peers they are addressed to. */
  release(responses: readonly Message[]): void {
    const outgoing: Message[] = [];
    for (const message of responses) {
      if (message.to === this.#options.member) this.step(message);
      else outgoing.push(message);
    }
    this.#ports.send(outgoing);
    this.#ports.wake();
  }

  /** The log up to `index` is covered by the synced state: forgets it, on disk and in memory. */
  async compact(index: number, data: Uint8Array): Promise<void> {
    if (
      this.#stopped ||
      this.#installing !== null ||
      index < this.firstIndex ||
      index > this.#memory.lastIndex()
    )
      return;
    const term = this.#memory.term(index);
    this.#lastCut = this.#options.log.restart({ index, term, data }, true);
    await this.#lastCut;
    // A snapshot may have replaced the log meanwhile.
    if (index >= this.firstIndex && index <= this.#memory.lastIndex()) this.#memory.compact(index);
  }

  /** Nothing more leaves and nothing more is written; resolves when the writes under way are done, however they ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#gate.stop();
    await this.#install;
    // A failure was told to `fatal` already.
    await this.#lastAppend.catch(() => undefined);
    await this.#lastCut.catch(() => undefined);
  }

  #append(message: Message): void {
    if (this.#installing !== null) {
      this.#held.push(message);
      return;
    }
    if (message.snapshot !== null) {
      this.#installing = message.snapshot;
      this.#install = this.#replaceLog(message, message.snapshot).catch((error) => this.#ports.fatal(error));
      return;
    }
    this.#write(message);
  }

  #write(message: Message): void {
    const hardState = this.#written.next(message);
    const { entries, responses } = message;
    if (hardState === null && entries.length === 0 && this.#appendsInFlight === 0) {
      if (responses.length > 0) this.release(responses);
      return;
    }
    if (entries.length > 0) this.#ports.appended(entries.reduce((sum, entry) => sum + entry.data.length, 0));
    this.#appendsInFlight++;
    this.#lastAppend = this.#options.log.append({ hardState, entries });
    this.#lastAppend.then(
      () => this.#durable(message),
      (error) => this.#ports.fatal(error),
    );
  }

  #durable(message: Message): void {
    this.#appendsInFlight--;
    try {
      this.#memory.append(message.entries);
      if (!this.#stopped) this.release(message.responses);
    } catch (error) {
      this.#ports.fatal(error);
    }
  }

  #noteCommit(index: number): Promise<void> | null {
    if (index <= this.#written.last.commit) return null;
    this.#lastAppend = this.#options.log.append({ hardState: this.#written.withCommit(index), entries: [] });
    return this.#lastAppend;
  }

  /**
   * In this order, so that a crash at any point leaves a state that the start can tell apart: term and vote; the state itself,
   * with its mark; then the log, which restarts from it.
   */
  async #replaceLog(message: Message, snapshot: Snapshot): Promise<void> {
    await this.#lastAppend;
    const { log } = this.#options;
    const { index, term } = snapshot.meta;
    if (message.term > 0) {
      const promised = this.#written.withVote(message.term, message.vote);
      await log.append({ hardState: promised, entries: [] });
    }
    await this.#ports.install(snapshot);
    await log.restart({ index, term, data: snapshot.data }, false);
    this.#memory.applySnapshot({ meta: snapshot.meta, data: new Uint8Array(0) });
    await log.append({ hardState: this.#written.withCommit(index), entries: message.entries });
    this.#memory.append(message.entries);
    await this.#ports.installed(snapshot);
    this.#installing = null;
    if (this.#stopped) return;
    this.release(message.responses);
    const held = this.#held;
    this.#held = [];
    for (const next of held) this.#append(next);
  }
}
