import { limits } from '../../base/limits.ts';
import { exceedsBytes } from '../codecs/bytes.ts';
import type { Command, Result } from '../vocabulary/types.ts';
import { amend } from './amend.ts';
import { amendable } from './amendment-rights.ts';
import { type Context, reject } from './context.ts';

type EditMessage = Extract<Command, { kind: 'edit-message' }>;

/** Its author's, and of a text only: what carries a file stays what it is. */
export function editMessage(context: Context, { message, text }: EditMessage): Result {
  const found = amendable(context, message);
  if (typeof found === 'string') return reject(found);
  const { actor } = found;
  if (message.from !== actor.id) return reject('DENIED');
  if (text.length === 0 || context.tables.files.file(message.index) !== undefined)
    return reject('BAD_REQUEST');
  if (exceedsBytes(text, limits.messageBytes)) return reject('TOO_LONG');
  return amend(context, message, actor, { kind: 'text', text });
}
