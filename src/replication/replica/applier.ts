import type { Clock } from '../../base/clock.ts';
import { MIB } from '../../base/limits.ts';
import { type ConfChange, type ConfState, confChangeOf, type Entry, type Message } from '../../raft/index.ts';
import type { AppliedMark, StateStore } from '../../store/state-store.ts';
import { decodeEnvelope, type ProposalTag } from '../formats/envelope.ts';
import {
  changeMembers,
  type Directory,
  decodeDirectory,
  encodeDirectory,
  noMembers,
  requireKnownFormat,
} from '../formats/members.ts';
import type { AppliedEvents } from '../ports/engine.ts';
import type { StateMachine } from '../ports/state-machine.ts';

/** Longest run of applying before other work gets a turn. */
const SLICE_MS = 8;
const SLICE_ENTRIES = 1_024;
/** Of the cluster's time, which entries carry: states are compared so often at most, and never while nothing changes. */
const CHECKPOINT_MS = 10_000;
/** Between two looks at the clock. */
const CLOCK_EVERY_ENTRIES = 32;
/** Staged and not yet written by the store: above it, applying waits. */
const STORE_HIGH_WATER_BYTES = 16 * MIB;

export interface AppliedProposal<Result> {
  readonly tag: ProposalTag;
  readonly index: number;
  readonly result: Result;
}

/** Entries that were applied and staged together, in log order. */
export interface AppliedSlice<Result, Event> {
  /** Of the last entry. */
  readonly index: number;
  readonly term: number;
  /** Those of this node only. */
  readonly proposals: readonly AppliedProposal<Result>[];
  readonly events: readonly AppliedEvents<Event>[];
}

export interface ApplierPorts<Result, Event> {
  applied(slice: AppliedSlice<Result, Event>): void;
  applyConfChange(change: ConfChange): ConfState;
  membersChanged(directory: Directory): void;
  /** A piece of work of the core is done. */
  release(responses: readonly Message[]): void;
  fatal(error: unknown): void;
}

export interface ApplierOptions<Result, Event> {
  readonly machine: StateMachine<Result, Event>;
  readonly store: StateStore;
  readonly clock: Clock;
  readonly turn: (action: () => void) => void;
  /** Whether a proposal is this node's, and waited for. */
  readonly isOwn: (tag: ProposalTag) => boolean;
  /** Version of the newest commands that the machine can read. */
  readonly newestFormat: number;
  readonly ports: ApplierPorts<Result, Event>;
}

/**
 * Executes committed entries in log order: state machine, store, then whoever waits. In slices, so that heartbeats are never
 * held up; and no faster than the store writes.
 *
 * Invariant: the store's mark is the last applied entry; an entry is applied once, whatever the core hands out again.
 */
export class Applier<Result, Event> {
  readonly #options: ApplierOptions<Result, Event>;
  readonly #ports: ApplierPorts<Result, Event>;
  #mark: AppliedMark;
  #directory: Directory;
  readonly #queue: Message[] = [];
  /** Next entry of the first message. */
  #position = 0;
  /** A turn or a flush will go on with the queue. */
  #waiting = false;
  #stopped = false;
  #idleWaiters: (() => void)[] = [];

  constructor(options: ApplierOptions<Result, Event>, mark: AppliedMark) {
    this.#options = options;
    this.#ports = options.ports;
    this.#mark = mark;
    this.#directory = mark.index === 0 ? noMembers : decodeDirectory(mark.engine);
  }

  get mark(): AppliedMark {
    return this.#mark;
  }

  get directory(): Directory {
    return this.#directory;
  }

  enqueue(message: Message): void {
    this.#queue.push(message);
    if (!this.#waiting) this.#run();
  }

  /** Resolves when everything handed out so far is applied. */
  async idle(): Promise<void> {
    if (this.#queue.length === 0) return;
    await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  /** A snapshot replaced the state. */
  reset(mark: AppliedMark): void {
    this.#mark = mark;
    this.#directory = decodeDirectory(mark.engine);
    this.#ports.membersChanged(this.#directory);
  }

  stop(): void {
    this.#stopped = true;
    this.#wakeIdle();
  }

  #run(): void {
    try {
      while (!this.#stopped && this.#queue.length > 0) {
        if (this.#options.store.pendingBytes > STORE_HIGH_WATER_BYTES) {
          this.#waitForStore();
          return;
        }
        if (this.#slice()) continue;
        this.#waiting = true;
        this.#options.turn(() => this.#resume());
        return;
      }
      this.#wakeIdle();
    } catch (error) {
      this.#stopped = true;
      this.#ports.fatal(error);
    }
  }

  #resume(): void {
    this.#waiting = false;
    this.#run();
  }

  #wakeIdle(): void {
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const wake of waiters) wake();
  }

  #waitForStore(): void {
    this.#waiting = true;
    this.#options.store.flush(false).then(
      () => this.#resume(),
      (error) => this.#ports.fatal(error),
    );
  }

  /** True when the budget is not used up. At a checkpoint it ends, so that what is staged there is the same on every node. */
  #slice(): boolean {
    const { clock, store, machine } = this.#options;
    const endMs = clock.monotonicMs() + SLICE_MS;
    const proposals: AppliedProposal<Result>[] = [];
    const events: AppliedEvents<Event>[] = [];
    const finished: Message[] = [];
    const before = this.#mark.index;
    let count = 0;
    let withinBudget = true;
    let checkpoint = false;
    for (
      let head = this.#queue[0];
      head !== undefined && withinBudget && !checkpoint;
      head = this.#queue[0]
    ) {
      const entry = head.entries[this.#position];
      if (entry === undefined) {
        this.#queue.shift();
        this.#position = 0;
        finished.push(head);
        continue;
      }
      this.#position++;
      const { clusterMs } = this.#mark;
      this.#apply(entry, proposals, events);
      checkpoint = isCheckpoint(clusterMs, this.#mark.clusterMs);
      count++;
      withinBudget =
        count < SLICE_ENTRIES && (count % CLOCK_EVERY_ENTRIES !== 0 || clock.monotonicMs() < endMs);
    }
    if (this.#mark.index > before) {
      store.stage(this.#mark, machine.takeChanges(), checkpoint);
      this.#ports.applied({ index: this.#mark.index, term: this.#mark.term, proposals, events });
    }
    for (const message of finished) this.#ports.release(message.responses);
    return withinBudget;
  }

  #apply(entry: Entry, proposals: AppliedProposal<Result>[], events: AppliedEvents<Event>[]): void {
    const { index, term } = entry;
    // Covered by an installed snapshot already.
    if (index <= this.#mark.index) return;
    const change = confChangeOf(entry);
    if (change !== null) {
      this.#changeMembers(change);
      this.#mark = { ...this.#mark, index, term, engine: encodeDirectory(this.#directory) };
      return;
    }
    if (entry.data.length === 0) {
      this.#mark = { ...this.#mark, index, term };
      return;
    }
    const { tag, time, command } = decodeEnvelope(entry.data);
    const applied = this.#options.machine.apply({ index, time, command });
    const { wallMs, clusterMs } = time;
    this.#mark = { index, term, wallMs, clusterMs, engine: this.#mark.engine };
    if (applied.events.length > 0) events.push({ index, events: applied.events });
    if (this.#options.isOwn(tag)) proposals.push({ tag, index, result: applied.result });
  }

  #changeMembers(change: ConfChange): void {
    const conf = this.#ports.applyConfChange(change);
    this.#directory = changeMembers(this.#directory, change, conf);
    requireKnownFormat(this.#directory, this.#options.newestFormat);
    this.#ports.membersChanged(this.#directory);
  }
}

/** Whether the entry that brought the cluster's time forward is one at which nodes compare their states. */
function isCheckpoint(beforeMs: number, afterMs: number): boolean {
  return Math.floor(beforeMs / CHECKPOINT_MS) !== Math.floor(afterMs / CHECKPOINT_MS);
}
