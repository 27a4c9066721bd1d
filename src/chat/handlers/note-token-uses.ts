import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';

type NoteTokenUses = Extract<Command, { kind: 'note-token-uses' }>;

/** A node's own command, never a client's. */
export function noteTokenUses(context: Context, { tokens }: NoteTokenUses): Result {
  const { actor, moment, session, tables } = context;
  if (session !== null || actor !== null) return reject('DENIED');
  for (const token of tokens) tables.tokens.markUsed(token, moment.wallMs);
  return accept({ kind: 'noted' });
}
