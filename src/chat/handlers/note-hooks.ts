import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';

type NoteHooks = Extract<Command, { kind: 'note-hooks' }>;

/** A node's own command, never a client's. */
export function noteHooks({ actor, session, tables }: Context, { hooks }: NoteHooks): Result {
  if (session !== null || actor !== null) return reject('DENIED');
  for (const { hook, ...progress } of hooks) tables.hooks.note(progress, hook);
  return accept({ kind: 'noted' });
}
