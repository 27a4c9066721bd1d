import { limits } from '../../base/limits.ts';
import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';

type NoteOutcome = Extract<Command, { kind: 'note-outcome' }>;

/** A node's own command, once it knows what became of an action. */
export function noteOutcome(context: Context, { action, outcome }: NoteOutcome): Result {
  const { actor, moment, session, tables } = context;
  if (session !== null || actor !== null) return reject('DENIED');
  if (outcome === '' || outcome.length > limits.actionChars) return reject('BAD_REQUEST');
  tables.actions.end(action, outcome, moment.wallMs);
  return accept({ kind: 'noted' });
}
