/** What any dialect says of a request that was not accepted, before it puts it into its own form. */
import { type ErrorCode, errorTable } from '../base/errors.ts';
import { escapeLine } from './escape.ts';
import type { Reply } from './requests.ts';

export type Failure = Exclude<Reply, { kind: 'receipt' }>;

/** One line. Without a majority always the table's words, which people and scripts look for. */
export function failureText(reply: Failure): string {
  if (reply.kind === 'unknown') return escapeLine(reply.text || errorTable.UNKNOWN_OUTCOME.text);
  return reply.code === 'UNAVAILABLE' ? errorTable.UNAVAILABLE.text : escapeLine(reply.text);
}

/** The code of a rejection; null when the outcome is unknown, which no dialect has a sentence of its own for. */
export function failureCode(reply: Failure): ErrorCode | null {
  return reply.kind === 'rejection' ? reply.code : null;
}
