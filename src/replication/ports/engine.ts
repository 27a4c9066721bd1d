import type { ErrorCode } from '../../base/errors.ts';

/**
 * Port: consensus as the layers above see it. Nothing here speaks of terms, votes or logs: an operation is proposed on any
 * node and ends in exactly one of three ways, and a read is preceded by a barrier.
 */
export type RefusalCode = 'UNAVAILABLE' | 'BUSY' | 'TOO_LONG' | 'LOW_SPACE';

export type Outcome<Result> =
  /** Durable on a majority and applied on this node. */
  | { readonly kind: 'applied'; readonly index: number; readonly result: Result }
  /** Certainly not and never applied: the same command may be proposed again. */
  | { readonly kind: 'refused'; readonly code: RefusalCode }
  /** It may have been applied, or may be yet. */
  | { readonly kind: 'unknown' };

/** What one entry did, told to subscribers on this node in log order, after it was applied. */
export interface AppliedEvents<Event> {
  readonly index: number;
  readonly events: readonly Event[];
}

/** Where a node is to be found. */
export interface NodePlace {
  readonly host: string;
  readonly peerPort: number;
  readonly chatPort: number;
  readonly httpPort: number;
}

/**
 * A change of who the members are. Nodes go by their number; the disk that is meant is the one that runs there now.
 *
 * - `add`: a learner, which becomes a voter by itself once it has caught up if `promote` says so. Its place is the one that is
 *   given, else what the node itself says; a node that is not there yet is admitted as soon as it comes.
 * - `promote`: a learner that has caught up becomes a voter.
 * - `remove`: the node is no member any more and stops. A leader hands over first.
 * - `replace`: a new disk takes the place of the one that was a member under that number, which is not needed for it.
 */
export type MemberChange =
  | {
      readonly kind: 'add';
      readonly node: number;
      readonly place: NodePlace | null;
      readonly promote: boolean;
    }
  | { readonly kind: 'promote' | 'remove' | 'replace'; readonly node: number };

export type ChangeOutcome =
  /** In force, on a majority. (A learner that is to become a voter does so later: see `MemberStatus.state`.) */
  | { readonly kind: 'done' }
  /** Certainly without effect. `text` is for people. */
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly text: string }
  | { readonly kind: 'unknown' };

export interface MemberStatus extends NodePlace {
  /** Number of the node. */
  readonly id: number;
  /**
   * Of the disk that runs there, else of the one that is listed: `observer` is connected and no member, `expected` was added
   * and is not there yet, `listed` stands in the configuration file only.
   */
  readonly state: 'voter' | 'learner' | 'observer' | 'expected' | 'listed';
  readonly voter: boolean;
  /** A learner, or an expected node, that becomes a voter by itself. */
  readonly promoted: boolean;
  /** A voter's disk of this number is gone, and counts in the majority until the new one has replaced it. */
  readonly oldVoter: boolean;
  /** Log position known to be on that member; null except on the leader. */
  readonly match: number | null;
  /** Entries behind the leader's log; null except on the leader. */
  readonly lag: number | null;
  /** Whether this node has a connection with it now. */
  readonly reachable: boolean;
}

export interface EngineStatus {
  readonly id: number;
  readonly role: 'leader' | 'follower' | 'candidate' | 'learner' | 'observer' | 'founding';
  readonly term: number;
  readonly leader: number | null;
  /** Of the log on this node. */
  readonly lastIndex?: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  /** The commit index first heard of after the start; ready means applied up to it. Null until it is known. */
  readonly startCommitIndex: number | null;
  readonly members: readonly MemberStatus[];
  readonly alarms: readonly string[];
  readonly storage?: StorageStatus;
  /** Version of the newest commands that may be proposed: every member can read them (docs/versions.md). */
  readonly format?: number;
}

/** How the disk of this node is, and the state on it. */
export interface StorageStatus {
  /** Times that the state was replaced or built anew, since the start. */
  readonly rebuilds: number;
  /** Highest log position at which this node's state was compared with another node's. */
  readonly checkedIndex: number;
  /** Of its file system, and the mark below which it lacks room; null while it is not known. */
  readonly room: { readonly freeBytes: number; readonly lowBytes: number } | null;
}

export interface Engine<Result, Event> {
  readonly node: number;
  /**
   * Appends a command to the replicated log. Never rejects; answers within `limits.operationMs`. Retries by itself as long
   * as it is certain that the command was not appended, so a change of leader is invisible except for its time.
   * A command that came with a later version of the program names it as its `format`, and is refused (UNAVAILABLE) until
   * every member can read it.
   */
  propose(command: Uint8Array, format?: number): Promise<Outcome<Result>>;
  /**
   * Linearizable read: resolves once this node has applied all that was committed when it was called.
   * Rejects with `CodedError` UNAVAILABLE within `limits.operationMs` when there is no majority.
   */
  barrier(): Promise<void>;
  status(): EngineStatus;
  /** Events in log order; `listener` must not throw. Returns the way to stop. */
  onApplied(listener: (applied: AppliedEvents<Event>) => void): () => void;
  /** After a snapshot replaced the state: entries up to `index` were not told one by one. */
  onReset(listener: (index: number) => void): () => void;
  /** The leader that this node knows changed (null: none known). */
  onLeader(listener: (leader: number | null) => void): () => void;
  /**
   * On any node. Never rejects; one at a time in the whole cluster. Asked again with the same `tag`, here or elsewhere, while the
   * outcome is unknown, it takes effect once.
   */
  changeMembers(change: MemberChange, tag?: string): Promise<ChangeOutcome>;
  /** To that node, or (null) to the most up-to-date voter. Done once it leads. On any node; never rejects. */
  transferLeader(node: number | null): Promise<ChangeOutcome>;
  /** The members, or their places, are not what they were. */
  onMembers(listener: () => void): () => void;
  /** Hands leadership to the most up-to-date follower; resolves true once another node leads. */
  handOver(): Promise<boolean>;
  /** Clean stop: no new work, pending work answered, log sealed. */
  stop(): Promise<void>;
}

/** Port: small unreplicated datagrams between nodes (presence). Unordered across reconnections; may be lost. */
export interface PeerBus {
  broadcast(payload: Uint8Array): void;
  sendTo(node: number, payload: Uint8Array): void;
  onMessage(listener: (node: number, payload: Uint8Array) => void): () => void;
  /** A connection with that node is up (true) or the last one is gone (false). */
  onPeer(listener: (node: number, up: boolean) => void): () => void;
  /** Nodes with a connection now. */
  peers(): readonly number[];
}

/** Port: one request to another node and a stream of answers, on a connection apart from the lanes; flow-controlled. */
export interface PeerStreams {
  /** Rejects when there is no connection; iterating rejects when it breaks, or when the other side failed. */
  open(node: number, request: Uint8Array): Promise<AsyncIterable<Uint8Array>>;
  /** Answers what other nodes open. One handler; without one they are refused. */
  onRequest(handler: (node: number, request: Uint8Array) => AsyncIterable<Uint8Array>): void;
}
