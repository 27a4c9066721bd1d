import { limits } from '../../base/limits.ts';
import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';

type NoteAction = Extract<Command, { kind: 'note-action' }>;

/** A node's own command, before it does what an operator or an administrator asks for. */
export function noteAction(context: Context, command: NoteAction): Result {
  const { actor, moment, session, tables } = context;
  const { by, action, subject, node, joins } = command;
  if (session !== null || actor !== null) return reject('DENIED');
  const tooLong = action.length > limits.actionChars || subject.length > limits.actionSubjectChars;
  if (action === '' || tooLong) return reject('BAD_REQUEST');
  const begun = { number: moment.index, by, action, subject, node, beganMs: moment.wallMs };
  const joined = joins ? tables.actions.join(begun) : null;
  return accept({ kind: 'action-noted', action: joined ?? tables.actions.begin(begun) });
}
