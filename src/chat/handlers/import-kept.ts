import type { ImportRecord } from '../vocabulary/import-types.ts';
import type { Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';

type Kept = Extract<ImportRecord, { kind: 'kept' }>;

/** A conversation that has begun, or an age that was set here, stays as it is. */
export function importKept({ tables }: Context, { conversation: id, ageMs, first }: Kept): Result {
  const { conversations, retention } = tables;
  const conversation = conversations.byId(id);
  if (conversation === undefined) return reject('UNKNOWN_GROUP');
  if (first < 1) return reject('BAD_REQUEST');
  if (retention.of(id) === undefined) {
    if (ageMs !== null) retention.setAge(id, ageMs);
    if (first > 1 && conversation.lastSequence === 0) {
      conversations.beginAt(conversation, first);
      retention.cut(id, first, 1);
    }
  }
  return accept({ kind: 'imported', account: null, conversation: id });
}
