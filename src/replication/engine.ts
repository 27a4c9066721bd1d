/**
 * Port: consensus as the layers above see it. Nothing here speaks of terms, votes or logs: an operation is proposed on any
 * node and ends in exactly one of three ways, and a read is preceded by a barrier.
 */
export type Outcome<Result> =
  /** Durable on a majority and applied on this node. */
  | { readonly kind: 'applied'; readonly index: number; readonly result: Result }
  /** Certainly not and never applied: the same command may be proposed again. */
  | { readonly kind: 'refused'; readonly code: 'UNAVAILABLE' | 'BUSY' | 'TOO_LONG' }
  /** It may have been applied, or may be yet. */
  | { readonly kind: 'unknown' };

/** What one entry did, told to subscribers on this node in log order, after it was applied. */
export interface AppliedEvents<Event> {
  readonly index: number;
  readonly events: readonly Event[];
}

export interface MemberStatus {
  /** Number of the node in the configuration file. */
  readonly id: number;
  readonly host: string;
  readonly peerPort: number;
  readonly chatPort: number;
  readonly httpPort: number;
  readonly voter: boolean;
  /** Log position known to be on that member; null except on the leader. */
  readonly match: number | null;
  /** Entries behind the leader's log; null except on the leader. */
  readonly lag: number | null;
  /** Whether this node has a connection with it now. */
  readonly reachable: boolean;
}

export interface EngineStatus {
  readonly id: number;
  readonly role: 'leader' | 'follower' | 'candidate' | 'observer' | 'founding';
  readonly term: number;
  readonly leader: number | null;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  /** The commit index first heard of after the start; ready means applied up to it. Null until it is known. */
  readonly startCommitIndex: number | null;
  readonly members: readonly MemberStatus[];
  readonly alarms: readonly string[];
}

export interface Engine<Result, Event> {
  readonly node: number;
  /**
   * Appends a command to the replicated log. Never rejects; answers within `limits.operationMs`. Retries by itself as long
   * as it is certain that the command was not appended, so a change of leader is invisible except for its time.
   */
  propose(command: Uint8Array): Promise<Outcome<Result>>;
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
