/** Two of the three outcomes, as replies; the third comes from the engine. */
import { CodedError, type ErrorCode, errorTable } from '../../base/errors.ts';
import type { Receipt, Result } from '../../chat/vocabulary/types.ts';
import type { Reply, Success } from '../../protocol/requests.ts';
import type { Outcome } from '../../replication/ports/engine.ts';

export type Rejection = Extract<Reply, { kind: 'rejection' }>;

/** Of a command that the node gives for itself: what was applied, or why not. */
export function settled(
  outcome: Outcome<Result>,
): { readonly kind: 'applied'; readonly receipt: Receipt } | Exclude<Reply, { kind: 'receipt' }> {
  switch (outcome.kind) {
    case 'applied':
      return outcome.result.ok
        ? { kind: 'applied', receipt: outcome.result.receipt }
        : rejection(outcome.result.code);
    case 'refused':
      return rejection(outcome.code);
    case 'unknown':
      return { kind: 'unknown', text: errorTable.UNKNOWN_OUTCOME.text };
  }
}

export function receipt(value: Success): Reply {
  return { kind: 'receipt', value };
}

export function rejection(code: ErrorCode, text: string = errorTable[code].text): Rejection {
  return { kind: 'rejection', code, text };
}

/**
 * Of a read that failed. A node whose disk fails or lies ends or mends itself a moment later, and the others hold the same: whoever read is
 * to ask again.
 */
export function readRejection(error: unknown): Rejection {
  if (!(error instanceof CodedError)) return rejection('INTERNAL');
  const isOfDisk = error.code === 'DISK_FAILED' || error.code === 'DATA_DAMAGED';
  return isOfDisk
    ? rejection('UNAVAILABLE', 'This node cannot read its disk, try again.')
    : rejection(error.code, error.message);
}

export function refused(code: ErrorCode): Promise<Reply> {
  return Promise.resolve(rejection(code));
}

/** Of the address that asked: see `address-limits.ts`. */
export function registrationLimited(waitMs: number): Rejection {
  const minutes = Math.ceil(waitMs / 60_000);
  const text = `Too many registrations from this address, try again in ${minutes} min.`;
  return { ...rejection('RATE_LIMITED', text), retryAfterMs: Math.ceil(waitMs) };
}
