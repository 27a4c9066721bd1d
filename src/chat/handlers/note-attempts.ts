import { limits } from '../../base/limits.ts';
import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';

type NoteAttempts = Extract<Command, { kind: 'note-attempts' }>;

/** A node's own command, never a client's: failures that it counted, successes that end a count, an administrator's unlocking. */
export function noteAttempts(context: Context, command: NoteAttempts): Result {
  if (context.session !== null || context.actor !== null) return reject('DENIED');
  const inOrder = [...command.attempts].sort((a, b) => (a.key < b.key ? -1 : 1));
  for (const { key, failures, cleared } of inOrder) {
    if (cleared) context.tables.attempts.forget(key);
    const counted = Math.min(failures, limits.failuresInARow);
    if (counted > 0 && isKey(key)) context.tables.attempts.fail(key, counted, context.moment);
  }
  return accept({ kind: 'noted' });
}

function isKey(key: string): boolean {
  return key.length <= limits.attemptKeyChars && /^[ang]:[0-9a-z:]+$/.test(key);
}
