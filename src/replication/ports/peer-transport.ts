/**
 * Port: authenticated, framed links with the other nodes. Two lanes a peer: `control` (votes, heartbeats, read indexes,
 * presence) is never queued behind `bulk` (appends, proposals). Frames of one lane arrive in order while a link lives;
 * a frame may be lost with its link. Queues are bounded: `send` returns false when a frame was not taken.
 */
export interface PeerTransport {
  send(node: number, lane: Lane, frame: Uint8Array): boolean;
  onFrame(listener: (from: PeerIdentity, lane: Lane, frame: Uint8Array) => void): void;
  /** Link state: `up` once both lanes are authenticated; not `up` as soon as any connection with that peer closes. */
  onLink(listener: (peer: PeerIdentity, up: boolean) => void): void;
  /** Streams with one peer, apart from the lanes, flow-controlled. Rejects when its connection fails, or hangs. */
  openStream(node: number, request: Uint8Array): Promise<AsyncIterable<Uint8Array>>;
  onStream(handler: (from: PeerIdentity, request: Uint8Array) => AsyncIterable<Uint8Array>): void;
  /** Where the other nodes are, from now on; called before `start` too. Whoever else proves to belong to the cluster may dial in. */
  setPeers(peers: readonly PeerAddress[]): void;
  /** Whoever does not know this version cannot take part any more: links with it are refused. */
  setOldest?(version: number): void;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** What an operator should know now, a line each: for instance that every peer refuses this node's key. */
  alarms?(): readonly string[];
}

export interface PeerAddress {
  readonly id: number;
  readonly host: string;
  readonly peerPort: number;
  /** Neither a member nor in the configuration: there is room for a few of them. */
  readonly isGuest?: boolean;
}

export type Lane = 'control' | 'bulk';

export interface PeerIdentity {
  readonly node: number;
  /** Random identity of that node's data directory; a wiped disk gets another. */
  readonly incarnation: number;
  /** Absent where both ends are the same program, as in one process. */
  readonly versions?: LinkVersions;
}

export interface LinkVersions {
  /** Of the frames of this link: the newest that both ends know. */
  readonly spoken: number;
  /** That the other end knows. */
  readonly newest: number;
}
