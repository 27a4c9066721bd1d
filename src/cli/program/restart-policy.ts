/** What becomes of a node that ended under `npm start`. Pure. */
import { EXIT_DAMAGED, EXIT_DISK_FAILED, EXIT_REMOVED } from '../../base/exit-codes.ts';

export interface NodeEnd {
  readonly code: number | null;
  readonly signal: string | null;
  /** It had said that it is ready. */
  readonly wasReady: boolean;
  readonly ranMs: number;
  /** Ends in a row before this one that came soon after the start. */
  readonly quickEnds: number;
}

export type Decision =
  | { readonly kind: 'restart'; readonly afterMs: number; readonly quickEnds: number }
  /** Someone stopped it on purpose. */
  | { readonly kind: 'leave' }
  /** The cluster removed it, as it has said: the others go on. */
  | { readonly kind: 'removed' }
  /** What is wrong is its own disk, which it will not repair by starting again: the others go on. */
  | { readonly kind: 'damaged'; readonly code: number }
  /** It refuses to start, and would again: the whole ends with its code. */
  | { readonly kind: 'give-up'; readonly code: number };

const firstMs = { killed: 1_000, diskFailed: 2_000 } as const;
const largestMs = 60_000;
/** A node that ran for so long has recovered: its next end is the first again. */
const soonMs = 60_000;

export function decideAfter({ code, signal, wasReady, ranMs, quickEnds }: NodeEnd): Decision {
  if (code === 0) return { kind: 'leave' };
  if (code === EXIT_REMOVED) return { kind: 'removed' };
  if (code === EXIT_DAMAGED) return { kind: 'damaged', code };
  const isRefusal = signal === null && code !== EXIT_DISK_FAILED && !wasReady;
  if (isRefusal) return { kind: 'give-up', code: code ?? 1 };
  const row = ranMs < soonMs ? quickEnds : 0;
  const first = code === EXIT_DISK_FAILED ? firstMs.diskFailed : firstMs.killed;
  const afterMs = Math.min(largestMs, first * 2 ** Math.min(row, 10));
  return { kind: 'restart', afterMs, quickEnds: row + 1 };
}
