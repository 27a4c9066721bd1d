import type { Clock } from '../../base/clock.ts';
import type { MemberId, ReadState } from '../../raft/index.ts';
import type { AppliedMark } from '../../store/state-store.ts';
import type { ProposalTag } from '../formats/envelope.ts';
import { encodeFrame } from '../formats/peer-frames.ts';
import type { Outcome } from '../ports/engine.ts';
import type { PeerTransport } from '../ports/peer-transport.ts';
import type { AppliedProposal } from '../replica/applier.ts';
import { Proposals, type Route } from './proposals.ts';
import { Reads } from './reads.ts';

/** What of a member is needed to serve this node's callers. */
interface Server {
  readonly directory: { readonly format: number };
  readonly leader: MemberId;
  readonly appliedIndex: number;
  append(proposals: readonly { readonly tag: ProposalTag; readonly command: Uint8Array }[]): boolean;
  askForReadIndex(context: Uint8Array): void;
}

export interface RequestsOptions {
  readonly member: MemberId;
  readonly life: number;
  readonly clock: Clock;
  readonly transport: PeerTransport;
  /** Null while this node takes no part. */
  readonly server: () => Server | null;
  readonly leaderKnown: () => boolean;
  readonly route: () => Route | null;
  readonly lacksRoom: () => boolean;
  readonly wake: () => void;
}

/** Whatever this node's callers wait for: proposals and barriers. */
export class Requests<Result> {
  readonly #proposals: Proposals<Result>;
  readonly #reads: Reads;
  readonly #server: () => Server | null;

  constructor(options: RequestsOptions) {
    const { life, transport, server } = options;
    this.#server = server;
    this.#proposals = new Proposals({
      ...options,
      append: (proposals) => server()?.append(proposals) ?? false,
      forward: (node, term, proposals) =>
        transport.send(node, 'bulk', encodeFrame({ kind: 'propose', term, life, proposals })),
    });
    this.#reads = new Reads({
      ...options,
      ask: (context) => server()?.askForReadIndex(context),
      appliedIndex: () => server()?.appliedIndex ?? 0,
    });
  }

  /** Proposals without an answer. */
  get waiting(): number {
    return this.#proposals.waiting;
  }

  /** A format, once reached, stays: the leader that appends it knows of it as well. */
  propose(command: Uint8Array, format = 1): Promise<Outcome<Result>> {
    if (format > (this.#server()?.directory.format ?? 1)) {
      return Promise.resolve({ kind: 'refused', code: 'UNAVAILABLE' });
    }
    return this.#proposals.propose(command);
  }

  barrier(): Promise<void> {
    return this.#reads.barrier();
  }

  isOwn(tag: ProposalTag): boolean {
    return this.#proposals.isOwn(tag);
  }

  learnCommitIndex(learnt: (index: number) => void): void {
    this.#reads.learnCommitIndex(learnt);
  }

  flush(): void {
    this.#proposals.flush();
    this.#reads.flush();
  }

  tick(nowMs: number): void {
    this.#reads.tick(nowMs);
    this.#proposals.expire(nowMs);
  }

  linkRenewed(node: number): void {
    this.#proposals.linkRenewed(node);
  }

  leaderChanged(): void {
    this.#reads.leaderChanged();
    this.#proposals.leaderChanged();
  }

  refused(counters: readonly number[]): void {
    this.#proposals.refused(counters);
  }

  answered(states: readonly ReadState[]): void {
    this.#reads.answered(states);
  }

  applied(proposals: readonly AppliedProposal<Result>[], term: number): void {
    this.#proposals.applied(proposals, term);
    this.#reads.applied();
  }

  /** The state was replaced: what it covers was not seen entry by entry. To be told before whoever listens to resets. */
  replaced({ term }: AppliedMark): void {
    this.#proposals.snapshotInstalled(term);
  }

  /** Behind what `replaced` began. */
  settle(): void {
    this.#reads.applied();
  }

  /** No new proposal; what waits goes on. */
  refuseNew(): void {
    this.#proposals.refuseNew();
  }

  /** Takes nothing more; what waits is answered. */
  close(): void {
    this.#proposals.close();
    this.#reads.close();
  }
}
