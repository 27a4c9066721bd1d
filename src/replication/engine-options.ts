import type { Clock } from '../base/clock.ts';
import type { Disk } from '../base/disk.ts';
import type { CodedError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { Random } from '../base/prng.ts';
import type { StateStore } from '../store/state-store.ts';
import type { LogStore } from '../wal/log-store.ts';
import type { NodeAddress } from './formats/members.ts';
import type { EngineFormats } from './formats/versions.ts';
import type { Engine, PeerBus, PeerStreams } from './ports/engine.ts';
import type { PeerTransport } from './ports/peer-transport.ts';
import type { StateMachine } from './ports/state-machine.ts';
import type { CompactionSettings } from './replica/compaction.ts';
import type { EngineTimings } from './replica/driver.ts';
import type { RoomSettings } from './storage/disk-room.ts';
import type { Identity } from './storage/identity.ts';

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
  /** What was wrong with the state that was found, if it had to be given up: for people. */
  readonly discarded?: { readonly message: string } | null;
  /** Asked how much room is left, if it is given. */
  readonly disk?: Pick<Disk, 'space'>;
  readonly room?: RoomSettings;
  readonly machine: StateMachine<Result, Event>;
  readonly transport: PeerTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly timings?: EngineTimings;
  readonly compaction?: CompactionSettings;
  readonly formats?: EngineFormats;
  /**
   * Runs the action once, soon: after the input that is being handled, and whatever else is ready, has been taken in. What comes
   * together goes into one log write and one frame a peer. `setImmediate` in production, a timer of the clock in a simulation.
   */
  readonly turn: (action: () => void) => void;
  /** The node cannot go on: its disk failed or it contradicted itself. Called once; the process should end. */
  readonly onFatal: (error: unknown) => void;
  /**
   * Whether somebody on that node may be reading along: then it is told at once what is committed, and otherwise with what is sent to it
   * next, or the next tick. Absent: there always is.
   */
  readonly hasReaders?: (node: number) => boolean;
  /**
   * Whether a node holds all that a voter must hold beside the state (chunks of files); null while that is being found out, which takes
   * moments. Absent: it always does.
   */
  readonly mayVote?: (node: number) => boolean | null;
  /** This node is no member any more, which is durable by now: it should stop in order. Called once, with MEMBER_REMOVED. */
  readonly onRemoved: (error: CodedError) => void;
}

export interface EngineHandle<Result, Event> {
  readonly engine: Engine<Result, Event>;
  readonly bus: PeerBus;
  readonly streams: PeerStreams;
  /** Recovers, listens, takes part. Rejects with a CodedError (DATA_DAMAGED, PORT_IN_USE, …); nothing is damaged then. */
  start(): Promise<void>;
  /** What was dropped, by reason, since the start. */
  counters(): Readonly<Record<string, number>>;
}
