/**
 * The data that the consensus core exchanges with its driver: entries, messages, the `Ready` and the status.
 * Everything here is plain data, so that a message can be framed, a log record written and a schedule replayed.
 * Behaviour and names follow the Raft thesis (Ongaro, 2014) and etcd-io/raft 3.7.
 */
import { InvariantError } from '../base/assert.ts';

/** Identity of one incarnation of a member in the Raft group. A wiped disk gets a new one. A safe integer > 0. */
export type MemberId = number;

/** "Nobody": no leader known, no vote cast. */
export const NONE: MemberId = 0;

/** Addressee of what is to be made durable, in asynchronous mode; never a valid member id. */
export const LOCAL_APPEND_THREAD: MemberId = Number.MAX_SAFE_INTEGER;
/** Addressee of what is to be applied, in asynchronous mode; never a valid member id. */
export const LOCAL_APPLY_THREAD: MemberId = Number.MAX_SAFE_INTEGER - 1;

/** What an entry holds: the driver's data, or a change of configuration in its older or its newer form. */
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

/** What a member does at present (thesis §3.3, §9.6). */
export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader';

/** Who leads, as far as this member knows: not durable, and needed by the driver only to know whom to talk to. */
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

/** What a snapshot covers: everything up to `index`, whose term is `term`, and the configuration in force there. */
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

/** What members, their storage threads and their drivers say to a core. */
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

/** Why `Storage` has no answer: gone, not there yet, older than what it has, or being made. */
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

/** Where the core tells what it does; one line a call. */
export interface RaftLogger {
  debug(text: string): void;
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
}

/** How a member behaves. `defaultRaftConfig` has a value for everything but `id`, `storage` and `randomBelow`. */
export interface RaftConfig {
  readonly id: MemberId;
  /** Ticks without contact after which a follower campaigns; randomised to [electionTicks, 2·electionTicks). */
  readonly electionTicks: number;
  /** Ticks between two heartbeats of a leader. */
  readonly heartbeatTicks: number;
  /** The durable log that the member starts from and reads back. */
  readonly storage: Storage;
  /** Index already applied by the driver at start: committed entries up to it are not handed out again. */
  readonly applied: number;
  /** Work for disk and state machine comes as messages, and several batches may be under way; `advance` is not called. */
  readonly asyncStorageWrites: boolean;
  /** Bytes of entries in one append; one entry goes in any case. 0 sends them one by one. */
  readonly maxSizePerMessage: number;
  /** Bytes of committed entries that are handed out and not yet applied; one entry goes in any case. */
  readonly maxCommittedSizePerReady: number;
  /** Bytes of data that a leader appends before they are applied; a proposal beyond it is dropped. */
  readonly maxUncommittedEntriesSize: number;
  /** Appends to one follower that are not yet answered. */
  readonly maxInflightMessages: number;
  /** Bytes in them; the last one may exceed it. */
  readonly maxInflightBytes: number;
  /** A leader that hears from no majority for an election timeout steps down; who hears a leader gives no vote (§4.2.3, §6.2). */
  readonly checkQuorum: boolean;
  /** A trial election comes before each election, so that who cannot win changes no term (§9.6). */
  readonly preVote: boolean;
  /** How a leader makes sure that it still leads before it answers a read: by a round of heartbeats, or by its clock (§6.4). */
  readonly readOnly: 'safe' | 'lease-based';
  /** A follower drops proposals instead of passing them on to the leader. */
  readonly disableProposalForwarding: boolean;
  /** Untimely changes of configuration enter the log: the driver vouches for them. */
  readonly disableConfChangeValidation: boolean;
  /** A leader that is removed, or made a learner, steps down when that is applied (§4.2.2). */
  readonly stepDownOnRemoval: boolean;
  /** A uniform integer in [0, bound): the only source of chance in the core. */
  readonly randomBelow: (bound: number) => number;
  readonly logger: RaftLogger;
}

/** How a leader feeds a peer: one append at a time, a stream of them, or a snapshot on its way. */
export type ProgressState = 'probe' | 'replicate' | 'snapshot';

/** A leader's view of one peer. */
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

/** Everything about a member, with its peers if it leads. */
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
  /** Term of the entry at `lastIndex`. */
  readonly lastTerm: number;
  readonly leadTransferee: MemberId;
  /** On a leader: whether an entry of its own term is committed, before which it knows no commit index (thesis §6.4). */
  readonly committedInOwnTerm: boolean;
}

/** What is done to one member; `update` changes nothing and carries the driver's context. */
export type ConfChangeType = 'add-voter' | 'add-learner' | 'remove' | 'update';

/** One member's part of a change. */
export interface ConfChangeSingle {
  readonly type: ConfChangeType;
  readonly id: MemberId;
}

/** By way of a joint configuration only where needed; always, left by itself; always, left on request (an empty change). */
export type ConfChangeTransition = 'auto' | 'joint-implicit' | 'joint-explicit';

/** A change of configuration (thesis §4). `context` is the driver's. An empty `changes` leaves a joint one. */
export interface ConfChange {
  readonly version: 1 | 2;
  readonly transition: ConfChangeTransition;
  readonly changes: readonly ConfChangeSingle[];
  readonly context: Uint8Array;
}

/** Why an input was refused. */
export type ProposalRefusal =
  | 'proposal-dropped'
  | 'step-local-message'
  | 'step-peer-not-found'
  | 'invalid-conf-change';

/**
 * The leader counts on entries up to `acknowledged`, and this log ends at `lastIndex`: the disk has forgotten what this member promised (an
 * older copy of it was put back, say). Thrown by `step`, as for any violated invariant; no later start may take part with this log either.
 */
export class LostEntriesError extends InvariantError {
  readonly acknowledged: number;
  readonly lastIndex: number;
  constructor(acknowledged: number, lastIndex: number) {
    super(`the log ends at entry ${lastIndex}, and entry ${acknowledged} was acknowledged with it`);
    this.name = 'LostEntriesError';
    this.acknowledged = acknowledged;
    this.lastIndex = lastIndex;
  }
}

/** Thrown by the core's inputs; `message` is the text etcd's scripts expect. */
export class RaftError extends Error {
  readonly kind: ProposalRefusal;
  constructor(kind: ProposalRefusal, text: string) {
    super(text);
    this.name = 'RaftError';
    this.kind = kind;
  }
}
