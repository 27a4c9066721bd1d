/** What the chunks of files need from the rest of a node. Wired in `main`; a test or a simulation gives its own. */
import type { ChunkAddress } from '../protocol/manifest.ts';

/** Port: which manifests the applied state wants kept. Valid until the next entry is applied. */
export interface FileRoots {
  /** Of messages: every chunk is to be on every node. */
  referenced(): Iterable<ChunkAddress>;
  /** Of uploads under way: their chunks may be here, and must not go. */
  leased(): Iterable<ChunkAddress>;
  /** False while the state is being replaced: nothing may be concluded from what it does not hold. */
  readonly known: boolean;
  /** Referenced or leased. */
  has(manifest: ChunkAddress): boolean;
  /** Grows with each manifest that joins one of the two, and whenever the state is replaced. Never falls. */
  readonly additions: number;
}

/** Port: the other nodes, over connections apart from those of the log. */
export interface FilePeers {
  readonly self: number;
  members(): readonly FileMember[];
  /** One question, any number of answers in order. Rejects when the connection fails. */
  ask(node: number, question: Uint8Array): Promise<AsyncIterable<Uint8Array>>;
  /** This node has applied all that was committed when it was called. Rejects UNAVAILABLE without a majority. */
  barrier(): Promise<void>;
}

export interface FileMember {
  readonly id: number;
  readonly voter: boolean;
  /** A voter's disk of this number is gone, and counts in the majority until another has replaced it. */
  readonly oldVoter: boolean;
  readonly reachable: boolean;
}
