import { limits } from '../../base/limits.ts';
import type { ImportRecord } from '../vocabulary/import-types.ts';
import type { Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';
import { isReaction } from './react.ts';

type Amended = Extract<ImportRecord, { kind: 'amended' }>;

/** What had become of a message elsewhere. Where something has become of it here since, that stays. */
export function importAmended({ tables }: Context, record: Amended): Result {
  const { conversation: id, sequence, deleted: isDeleted, editedMs, reactions } = record;
  const conversation = tables.conversations.byId(id);
  if (conversation === undefined) return reject('UNKNOWN_GROUP');
  // Its message is missing.
  if (sequence > conversation.lastSequence) return reject('STALE_SEQUENCE');
  if (sequence < 1 || (isDeleted && reactions.length > 0) || !areSound(reactions))
    return reject('BAD_REQUEST');
  const isKept = sequence >= conversation.firstSequence;
  if (isKept && tables.amendments.of(id, sequence) === undefined) {
    const none = { revision: 0, textRevision: 0, reactionRevision: 0 };
    tables.amendments.adopt({ conversation: id, sequence, ...none, isDeleted, editedMs, reactions });
  }
  return accept({ kind: 'imported', account: null, conversation: id });
}

function areSound(reactions: Amended['reactions']): boolean {
  const all = reactions.flatMap(({ accounts }) => accounts);
  const kinds = new Set(reactions.map(({ reaction }) => reaction));
  return (
    kinds.size === reactions.length &&
    kinds.size <= limits.reactionsPerMessage &&
    all.length <= limits.reactersPerMessage &&
    reactions.every(({ reaction, accounts }) => isReaction(reaction) && isSet(accounts))
  );
}

function isSet(accounts: readonly number[]): boolean {
  return accounts.length > 0 && new Set(accounts).size === accounts.length;
}
