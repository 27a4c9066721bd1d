/** The vocabulary of what goes wrong, as plain data: a plan lists them, a report counts them, a shrunk failure leaves most of them out. */
export type Fault =
  /** kill -9: what the platform has taken is kept. */
  | { readonly kind: 'kill'; readonly node: number; readonly forMs: number }
  /** The power goes: what was not synced is there or not, and nobody is told. */
  | { readonly kind: 'power'; readonly node: number; readonly forMs: number }
  | { readonly kind: 'power-all'; readonly forMs: number }
  /** SIGTERM: a clean stop, with a seal on the log. */
  | { readonly kind: 'stop'; readonly node: number; readonly forMs: number }
  /** SIGSTOP and SIGCONT. */
  | { readonly kind: 'pause'; readonly node: number; readonly forMs: number }
  /** Of the connections between two nodes: closed, and none made. */
  | { readonly kind: 'cut'; readonly node: number; readonly other: number; readonly forMs: number }
  /** In one direction frames vanish without a word. */
  | { readonly kind: 'silence'; readonly node: number; readonly other: number; readonly forMs: number }
  | {
      readonly kind: 'isolate';
      readonly node: number;
      readonly how: 'cut' | 'silence';
      readonly forMs: number;
    }
  | { readonly kind: 'reset'; readonly node: number; readonly other: number }
  /** Chances of every frame between nodes. */
  | {
      readonly kind: 'bad-network';
      readonly loss: number;
      readonly repeat: number;
      readonly reorder: number;
      readonly forMs: number;
    }
  | {
      readonly kind: 'slow-network';
      readonly leastMs: number;
      readonly spreadMs: number;
      readonly forMs: number;
    }
  | { readonly kind: 'slow-disk'; readonly node: number; readonly spreadMs: number; readonly forMs: number }
  | { readonly kind: 'failing-disk'; readonly node: number; readonly count: number }
  | { readonly kind: 'full-disk'; readonly node: number; readonly freeBytes: number; readonly forMs: number }
  /** Of a node that is stopped: a bit of its log or of its state turns over. */
  | { readonly kind: 'flip'; readonly node: number; readonly fraction: number; readonly forMs: number }
  /** The newest state's journal loses a batch before others. */
  | { readonly kind: 'hole'; readonly node: number; readonly batch: number; readonly forMs: number }
  /** A bit of what a running node's state holds on its disk turns over. */
  | { readonly kind: 'rot'; readonly node: number; readonly fraction: number }
  | { readonly kind: 'wall-jump'; readonly node: number; readonly byMs: number }
  | { readonly kind: 'drift'; readonly node: number; readonly rate: number }
  /** The disk is replaced by an empty one. */
  | { readonly kind: 'wipe'; readonly node: number; readonly forMs: number }
  /** The operator takes the node out; it comes back with an empty disk, as a new member. */
  | { readonly kind: 'retire'; readonly node: number }
  | { readonly kind: 'hand-over' }
  /** Whoever is elected next, so many times, is cut off at once or soon after. */
  | { readonly kind: 'depose'; readonly times: number; readonly afterMs: number; readonly forMs: number }
  /** Between clients and one node. */
  | { readonly kind: 'client-silence'; readonly node: number; readonly forMs: number }
  | {
      readonly kind: 'client-slow';
      readonly node: number;
      readonly leastMs: number;
      readonly spreadMs: number;
      readonly forMs: number;
    }
  | { readonly kind: 'client-reset'; readonly node: number }
  /** A client's process is killed and started again with its session. */
  | { readonly kind: 'client-restart'; readonly client: number }
  /** The same, and what it knew is gone: it logs in, in a new session. */
  | { readonly kind: 'client-anew'; readonly client: number };

export type FaultKind = Fault['kind'];

export interface PlannedFault {
  readonly atMs: number;
  readonly fault: Fault;
}
