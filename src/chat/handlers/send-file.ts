import { limits } from '../../base/limits.ts';
import { exceedsBytes } from '../codecs/bytes.ts';
import type { FileDescription } from '../vocabulary/file-types.ts';
import type { Command, RejectionCode, Result } from '../vocabulary/types.ts';
import { type Context, reject } from './context.ts';
import { append } from './send.ts';

type SendFile = Extract<Command, { kind: 'send-file' }>;

/**
 * A message that carries a file. What its sender had leased is referred to from here on, so that its chunks stay as long as the message
 * does.
 */
export function sendFile(context: Context, command: SendFile): Result {
  const { actor, tables } = context;
  const { to, file, replyTo } = command;
  if (actor === null) return reject('AUTH_REQUIRED');
  const fault = faultIn(file);
  if (fault !== null) return reject(fault);
  if (tables.files.lease(actor.id, file.manifest)?.bytes !== file.bytes) return reject('UNKNOWN_UPLOAD');
  if (!command.complete) return reject('UPLOAD_INCOMPLETE');
  const body = { kind: 'file', file } as const;
  const result = append(context, actor, { to, body, replyTo, wantsReceipt: false });
  if (!result.ok || result.receipt.kind !== 'sent') return result;
  const { index, conversation, sequence } = result.receipt;
  const { manifest, bytes } = file;
  tables.files.refer({ id: index, conversation, sequence, manifest, bytes, owner: actor.id });
  return result;
}

export function faultIn({ name, type }: FileDescription): RejectionCode | null {
  if (name === '') return 'BAD_REQUEST';
  return exceedsBytes(name, limits.fileNameBytes) || type.length > limits.fileTypeChars ? 'TOO_LONG' : null;
}
