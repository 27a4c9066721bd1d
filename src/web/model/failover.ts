/**
 * The quiet line about a failover: which node left, which one leads, what became of what was under way, and how long nobody was there to
 * answer. Everything in it was measured here; "nothing was lost" is said only once every answer has come.
 */
import { limits } from '../../base/limits.ts';
import type { Status } from '../../client/status.ts';

export type FailoverLine =
  /** A connection is sought. `node`: that was lost; null before the first one. */
  | { readonly kind: 'searching'; readonly node: number | null; readonly sinceMs: number }
  /** No node answers, or those that do have had no leader for longer than any election. */
  | { readonly kind: 'unreachable'; readonly node: number | null; readonly sinceMs: number }
  /** The cluster has lost its leader, the own node is there. */
  | { readonly kind: 'electing'; readonly sinceMs: number }
  /** Over. `lost`: messages that nobody can tell the fate of; null while answers are awaited. */
  | {
      readonly kind: 'recovered';
      readonly node: number | null;
      readonly leader: number;
      readonly repeated: number;
      readonly lost: number | null;
      readonly outageMs: number;
    }
  /** The session went with it. */
  | { readonly kind: 'session-lost' };

interface Wound {
  /** Null: the own node stayed, another one led. */
  readonly node: number | null;
  readonly sinceMs: number;
  readonly repeated: number;
}

export class FailoverWatch {
  readonly #nowMs: () => number;
  readonly #pending: () => number;
  readonly #show: (line: FailoverLine | null) => void;
  #wound: Wound | null = null;
  #node: number | null = null;
  #leader: number | null = null;
  #line: FailoverLine | null = null;
  #unknown = 0;

  /** `pending`: requests that are unanswered now. */
  constructor(nowMs: () => number, pending: () => number, show: (line: FailoverLine | null) => void) {
    this.#nowMs = nowMs;
    this.#pending = pending;
    this.#show = show;
  }

  get line(): FailoverLine | null {
    return this.#line;
  }

  take(status: Status): void {
    switch (status.kind) {
      case 'down':
        this.#node = null;
        this.#hurt(status.node);
        this.#tell({ kind: 'searching', node: status.node, sinceMs: this.#wound?.sinceMs ?? 0 });
        return;
      case 'unreachable': {
        this.#wound ??= { node: null, sinceMs: this.#nowMs(), repeated: 0 };
        const { node, sinceMs } = this.#wound;
        this.#tell({ kind: 'unreachable', node, sinceMs });
        return;
      }
      case 'connected':
        this.#node = status.node;
        this.#leader = status.leader;
        this.#heal();
        return;
      case 'leader':
        this.#leader = status.leader;
        this.#heal();
        return;
      case 'electing':
        this.#hurt(null);
        this.#leader = null;
        this.#tell({ kind: 'electing', sinceMs: this.#wound?.sinceMs ?? 0 });
        return;
      case 'session-lost':
        this.#wound = null;
        this.#tell({ kind: 'session-lost' });
        return;
      case 'connecting':
      case 'resumed':
      case 'closed':
        return;
    }
  }

  /** A request ended without anybody knowing how. */
  unknownOutcome(): void {
    this.#unknown += 1;
  }

  /** All that was under way when the node left has been answered, and all that was said meanwhile has come. */
  settled(): void {
    if (this.#line?.kind === 'recovered' && this.#line.lost === null) {
      this.#tell({ ...this.#line, lost: this.#unknown });
    }
  }

  /** Time has passed: the nodes that can be reached elect nobody, however long one waits. */
  waited(): void {
    if (this.#line?.kind !== 'electing') return;
    const { sinceMs } = this.#line;
    if (this.#nowMs() - sinceMs < limits.operationMs) return;
    this.#tell({ kind: 'unreachable', node: this.#wound?.node ?? null, sinceMs });
  }

  /** The line was there long enough. */
  clear(): void {
    if (this.#line?.kind === 'recovered' || this.#line?.kind === 'session-lost') this.#tell(null);
  }

  /** What is hurt already stays hurt since then; a node that was lost is more than a leader. */
  #hurt(node: number | null): void {
    if (this.#wound === null) this.#unknown = 0;
    const repeated = Math.max(this.#wound?.repeated ?? 0, this.#pending());
    this.#wound = {
      node: node ?? this.#wound?.node ?? null,
      sinceMs: this.#wound?.sinceMs ?? this.#nowMs(),
      repeated,
    };
  }

  #heal(): void {
    const wound = this.#wound;
    if (wound === null || this.#node === null) return;
    if (this.#leader === null) {
      this.#tell({ kind: 'electing', sinceMs: wound.sinceMs });
      return;
    }
    this.#wound = null;
    const { node, repeated } = wound;
    const outageMs = this.#nowMs() - wound.sinceMs;
    this.#tell({ kind: 'recovered', node, leader: this.#leader, repeated, lost: null, outageMs });
  }

  #tell(line: FailoverLine | null): void {
    this.#line = line;
    this.#show(line);
  }
}
