/**
 * The data that the consensus core exchanges with its driver: entries, messages, the `Ready` and the status.
 * Everything here is plain data, so that a message can be framed, a log record written and a schedule replayed.
 * Behaviour and names follow the Raft thesis (Ongaro, 2014) and etcd-io/raft 3.7.
 */

/** Identity of one incarnation of a member in the Raft group. A wiped disk gets a new one. A safe integer > 0. */
export type MemberId = number;

/** "Nobody": no leader known, no vote cast. */
export const NONE: MemberId = 0;

/** Addressees of storage messages in asynchronous mode: never valid member ids. */
export const LOCAL_APPEND_THREAD: MemberId = Number.MAX_SAFE_INTEGER;
export const LOCAL_APPLY_THREAD: MemberId = Number.MAX_SAFE_INTEGER - 1;

export type EntryType = 'normal' | 'conf-change' | 'conf-change-v2';

/** One log entry. `data` is opaque to the core for `normal` entries; an encoded change for the others. */
export interface Entry {
  readonly term: number;
  readonly index: number;
  readonly type: EntryType;
  readonly data: Uint8Array;
}

/** Thesis §3.4/3.8: what must be durable before any message that depends on it leaves. */
export interface HardState {
  readonly term: number;
  readonly vote: MemberId;
  readonly commit: number;
}

export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader';

export interface SoftState {
  readonly leader: MemberId;
  readonly role: Role;
}

/** A configuration in force; `votersOutgoing` is non-empty only in a joint configuration (thesis §4.3). */
export interface ConfState {
  readonly voters: readonly MemberId[];
  readonly votersOutgoing: readonly MemberId[];
  readonly learners: readonly MemberId[];
  /** Learners-to-be that are still voters of the outgoing configuration. */
  readonly learnersNext: readonly MemberId[];
  readonly autoLeave: boolean;
}

export interface SnapshotMeta {
  readonly index: number;
  readonly term: number;
  readonly confState: ConfState;
}

/** `data` is the driver's: the core carries it and never looks inside. */
export interface Snapshot {
  readonly meta: SnapshotMeta;
  readonly data: Uint8Array;
}

export type MessageType =
  | 'MsgHup'
  | 'MsgBeat'
  | 'MsgProp'
  | 'MsgApp'
  | 'MsgAppResp'
  | 'MsgVote'
  | 'MsgVoteResp'
  | 'MsgSnap'
  | 'MsgHeartbeat'
  | 'MsgHeartbeatResp'
  | 'MsgUnreachable'
  | 'MsgSnapStatus'
  | 'MsgCheckQuorum'
  | 'MsgTransferLeader'
  | 'MsgTimeoutNow'
  | 'MsgReadIndex'
  | 'MsgReadIndexResp'
  | 'MsgPreVote'
  | 'MsgPreVoteResp'
  | 'MsgStorageAppend'
  | 'MsgStorageAppendResp'
  | 'MsgStorageApply'
  | 'MsgStorageApplyResp'
  | 'MsgForgetLeader';

/** One message between cores, or between a core and its storage threads. Absent numbers are 0, absent lists empty. */
export interface Message {
  readonly type: MessageType;
  readonly to: MemberId;
  readonly from: MemberId;
  readonly term: number;
  readonly logTerm: number;
  readonly index: number;
  readonly entries: readonly Entry[];
  readonly commit: number;
  readonly vote: MemberId;
  readonly snapshot: Snapshot | null;
  readonly reject: boolean;
  readonly rejectHint: number;
  readonly context: Uint8Array | null;
  /** Asynchronous storage writes only: to be delivered once the write that this message asks for is durable. */
  readonly responses: readonly Message[];
}

/** A read may be answered from applied state once the applied index has reached `index` (thesis §6.4). */
export interface ReadState {
  readonly index: number;
  readonly context: Uint8Array;
}

/**
 * Work that the core asks of its driver. In synchronous mode: persist hardState, entries and snapshot, then send
 * messages, apply committedEntries, call `advance`. In asynchronous mode the same work arrives as storage messages
 * within `messages`, and `advance` is not called.
 */
export interface Ready {
  readonly softState: SoftState | null;
  readonly hardState: HardState | null;
  readonly readStates: readonly ReadState[];
  readonly entries: readonly Entry[];
  readonly snapshot: Snapshot | null;
  readonly committedEntries: readonly Entry[];
  readonly messages: readonly Message[];
  /** Whether hardState and entries must be synced (not merely written) before messages leave. */
  readonly mustSync: boolean;
}

export type StorageErrorKind =
  | 'compacted'
  | 'unavailable'
  | 'snapshot-out-of-date'
  | 'snapshot-temporarily-unavailable';

/** What `Storage` throws, by kind: the core knows how to go on from each. */
export class StorageError extends Error {
  readonly kind: StorageErrorKind;
  constructor(kind: StorageErrorKind, detail: string = kind) {
    super(detail);
    this.name = 'StorageError';
    this.kind = kind;
  }
}

/** The stable log, as the core reads it. Synchronous: the driver keeps the uncompacted log in memory. */
export interface Storage {
  initialState(): { readonly hardState: HardState; readonly confState: ConfState };
  /** Entries [lo, hi), at least one if there is one, cut at `maxBytes` of data. Throws `compacted`, `unavailable`. */
  entries(lo: number, hi: number, maxBytes: number): readonly Entry[];
  /** Term of entry `index`, firstIndex - 1 included. Throws `compacted`, `unavailable`. */
  term(index: number): number;
  firstIndex(): number;
  lastIndex(): number;
  /** The newest snapshot. Throws `snapshot-temporarily-unavailable` while one is being made. */
  snapshot(): Snapshot;
}

export interface RaftLogger {
  debug(text: string): void;
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
}

export interface RaftConfig {
  readonly id: MemberId;
  /** Ticks without contact after which a follower campaigns; randomised to [electionTicks, 2·electionTicks). */
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly storage: Storage;
  /** Index already applied by the driver at start: committed entries up to it are not handed out again. */
  readonly applied: number;
  readonly asyncStorageWrites: boolean;
  readonly maxSizePerMessage: number;
  readonly maxCommittedSizePerReady: number;
  readonly maxUncommittedEntriesSize: number;
  readonly maxInflightMessages: number;
  readonly maxInflightBytes: number;
  readonly checkQuorum: boolean;
  readonly preVote: boolean;
  readonly readOnly: 'safe' | 'lease-based';
  readonly disableProposalForwarding: boolean;
  readonly disableConfChangeValidation: boolean;
  readonly stepDownOnRemoval: boolean;
  /** A uniform integer in [0, bound): the only source of chance in the core. */
  readonly randomBelow: (bound: number) => number;
  readonly logger: RaftLogger;
}

export type ProgressState = 'probe' | 'replicate' | 'snapshot';

export interface PeerStatus {
  readonly id: MemberId;
  readonly state: ProgressState;
  readonly match: number;
  readonly next: number;
  readonly paused: boolean;
  readonly pendingSnapshot: number;
  readonly recentActive: boolean;
  readonly isLearner: boolean;
  /** A guest outside the configuration that the leader brings up to date and never counts. */
  readonly isObserver: boolean;
  readonly inflights: number;
  /** The window of unacknowledged appends is exhausted, by count or by bytes. */
  readonly inflightsFull: boolean;
}

export interface RaftStatus {
  readonly id: MemberId;
  readonly hardState: HardState;
  readonly softState: SoftState;
  readonly applied: number;
  readonly confState: ConfState;
  readonly leadTransferee: MemberId;
  /** Empty except on the leader. */
  readonly peers: readonly PeerStatus[];
}

/** The cheap part of the status: nothing in it is computed per peer. */
export interface BasicStatus {
  readonly id: MemberId;
  readonly term: number;
  readonly vote: MemberId;
  readonly commit: number;
  readonly leader: MemberId;
  readonly role: Role;
  readonly applied: number;
  readonly lastIndex: number;
  readonly leadTransferee: MemberId;
  /** On a leader: whether an entry of its own term is committed, before which it knows no commit index (thesis §6.4). */
  readonly committedInOwnTerm: boolean;
}

export type ConfChangeType = 'add-voter' | 'add-learner' | 'remove' | 'update';

export interface ConfChangeSingle {
  readonly type: ConfChangeType;
  readonly id: MemberId;
}

export type ConfChangeTransition = 'auto' | 'joint-implicit' | 'joint-explicit';

/** A change of configuration (thesis §4). `context` is the driver's. An empty `changes` leaves a joint one. */
export interface ConfChange {
  readonly version: 1 | 2;
  readonly transition: ConfChangeTransition;
  readonly changes: readonly ConfChangeSingle[];
  readonly context: Uint8Array;
}

export type ProposalRefusal =
  | 'proposal-dropped'
  | 'step-local-message'
  | 'step-peer-not-found'
  | 'invalid-conf-change';

/** Thrown by the core's inputs; `message` is the text etcd's scripts expect. */
export class RaftError extends Error {
  readonly kind: ProposalRefusal;
  constructor(kind: ProposalRefusal, text: string) {
    super(text);
    this.name = 'RaftError';
    this.kind = kind;
  }
}
