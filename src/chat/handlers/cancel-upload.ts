import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';

type CancelUpload = Extract<Command, { kind: 'cancel-upload' }>;

/** Gives the room back; an upload that is over already is cancelled just as well. */
export function cancelUpload(context: Context, command: CancelUpload): Result {
  const { actor, tables } = context;
  if (actor === null) return reject('AUTH_REQUIRED');
  tables.files.cancel(actor.id, command.manifest);
  return accept({ kind: 'upload-cancelled', manifest: command.manifest });
}
