import { unreachable } from '../base/assert.ts';
import type { Inflights } from './inflights.ts';
import type { MemberId, PeerStatus, ProgressState } from './types.ts';

/**
 * The leader's view of one peer.
 *
 * - `probe`: the last index that both logs share is unknown; one append at a time, until an answer or a heartbeat.
 * - `replicate`: appends are streamed ahead of the answers, `next` moves as they are sent.
 * - `snapshot`: the entries it needs are compacted; nothing is sent until the snapshot arrived or failed.
 *
 * Invariants: `match` < `next`; all entries up to `match` are durable on the peer; `sentCommit` < `next`.
 */
export class Progress {
  match = 0;
  next: number;
  /** Highest commit index sent in an append or heartbeat: spares messages that would tell nothing new. */
  sentCommit = 0;
  state: ProgressState = 'probe';
  /** In `snapshot`: the index of the snapshot on its way. */
  pendingSnapshot = 0;
  /** Heard from since the last check of the quorum. */
  recentActive = false;
  /** No further append until an answer or a heartbeat response: in `probe` one is out, in `replicate` the window is full. */
  flowPaused = false;
  isLearner = false;
  /** A guest outside the configuration: kept up to date, never counted. */
  isObserver = false;
  readonly inflights: Inflights;

  constructor(next: number, inflights: Inflights) {
    this.next = next;
    this.inflights = inflights;
  }

  paused(): boolean {
    return this.state === 'snapshot' || this.flowPaused;
  }

  #enter(state: ProgressState): void {
    this.flowPaused = false;
    this.pendingSnapshot = 0;
    this.state = state;
    this.inflights.clear();
  }

  becomeProbe(): void {
    // After a snapshot the peer is known to have its index, even though the acknowledgement may not have come yet.
    const known = this.state === 'snapshot' ? Math.max(this.match, this.pendingSnapshot) : this.match;
    this.#enter('probe');
    this.next = known + 1;
    this.sentCommit = Math.min(this.sentCommit, known);
  }

  becomeReplicate(): void {
    this.#enter('replicate');
    this.next = this.match + 1;
  }

  becomeSnapshot(index: number): void {
    this.#enter('snapshot');
    this.pendingSnapshot = index;
    this.next = index + 1;
    this.sentCommit = index;
  }

  /** An append of so many entries (perhaps none) and payload bytes was sent. */
  sent(entries: number, bytes: number): void {
    switch (this.state) {
      case 'replicate':
        if (entries > 0) {
          this.next += entries;
          this.inflights.add(this.next - 1, bytes);
        }
        // With a full window this message, even an empty one, serves as a probe.
        this.flowPaused = this.inflights.full();
        return;
      case 'probe':
        if (entries > 0) this.flowPaused = true;
        return;
      case 'snapshot':
        return;
      default:
        unreachable(this.state);
    }
  }

  /** Whether an append that carries this commit index would tell the peer something that it can use. */
  canBumpCommit(commit: number): boolean {
    return commit > this.sentCommit && this.sentCommit < this.next - 1;
  }

  /** An acknowledgement. False when it says nothing new. */
  acknowledge(index: number): boolean {
    if (index <= this.match) return false;
    this.match = index;
    this.next = Math.max(this.next, index + 1);
    this.flowPaused = false;
    return true;
  }

  /**
   * Whether an acknowledgement of what is known already answers the probe that is out: the peer is to be moved on. Index 0 comes from peers that
   * were asked by a leader of an older term, perhaps this one before it was elected again, and says nothing of their log.
   */
  isProbedAt(index: number): boolean {
    return this.state === 'probe' && index === this.match && index === this.next - 1;
  }

  /** A rejection of the append after `rejected`, with the peer's guess. False when it is stale. */
  decreaseTo(rejected: number, hint: number): boolean {
    if (this.state === 'replicate') {
      if (rejected <= this.match) return false;
      this.next = this.match + 1;
      this.sentCommit = Math.min(this.sentCommit, this.match);
      return true;
    }
    // One probe is out at a time: a rejection of any other index is an echo of an older one.
    if (this.next - 1 !== rejected) return false;
    this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1);
    this.sentCommit = Math.min(this.sentCommit, this.next - 1);
    this.flowPaused = false;
    return true;
  }

  status(id: MemberId): PeerStatus {
    return {
      id,
      state: this.state,
      match: this.match,
      next: this.next,
      paused: this.paused(),
      pendingSnapshot: this.pendingSnapshot,
      recentActive: this.recentActive,
      isLearner: this.isLearner,
      isObserver: this.isObserver,
      inflights: this.inflights.count,
      inflightsFull: this.inflights.full(),
    };
  }
}

const stateNames: Readonly<Record<ProgressState, string>> = {
  probe: 'StateProbe',
  replicate: 'StateReplicate',
  snapshot: 'StateSnapshot',
};

/** One line for logs and transcripts. */
export function describePeer(peer: PeerStatus): string {
  const parts = [stateNames[peer.state], `match=${peer.match}`, `next=${peer.next}`];
  if (peer.isLearner) parts.push('learner');
  if (peer.isObserver) parts.push('observer');
  if (peer.paused) parts.push('paused');
  if (peer.pendingSnapshot > 0) parts.push(`pendingSnap=${peer.pendingSnapshot}`);
  if (!peer.recentActive) parts.push('inactive');
  if (peer.inflights > 0) parts.push(`inflight=${peer.inflights}${peer.inflightsFull ? '[full]' : ''}`);
  return parts.join(' ');
}
