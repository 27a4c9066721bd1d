import type { AmendmentChange, MessageReference } from '../vocabulary/amendment-types.ts';
import type { Account, Result } from '../vocabulary/types.ts';
import { accept, type Context } from './context.ts';

/** One record and one or two rows, however many are in the conversation. */
export function amend(
  context: Context,
  message: MessageReference,
  actor: Account,
  change: AmendmentChange,
): Result {
  const { tables, moment } = context;
  const amendment = tables.amendments.amend(message, actor.id, change, moment);
  context.emit({ kind: 'amended', amendment });
  const { conversation, sequence, revision, index } = amendment;
  return accept({ kind: 'amended', conversation, sequence, revision, index });
}
