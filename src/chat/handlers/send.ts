import { limits } from '../../base/limits.ts';
import { exceedsBytes } from '../bytes.ts';
import { encodeMessage } from '../message-codec.ts';
import type { Command, Message, Result } from '../types.ts';
import { accept, type Context, reject } from './context.ts';

type Send = Extract<Command, { kind: 'send' }>;

/**
 * Appends to the direct conversation with `to` (to oneself is allowed). The sender's own cursor stays: delivery leaves out what one
 * sent oneself.
 */
export function send(context: Context, command: Send): Result {
  const { actor, tables } = context;
  if (actor === null) return reject('AUTH_REQUIRED');
  const { text } = command;
  if (text.length === 0) return reject('BAD_REQUEST');
  if (exceedsBytes(text, limits.messageBytes)) return reject('TOO_LONG');
  const receiver = tables.accounts.byName(command.to);
  if (receiver === undefined) return reject('UNKNOWN_USER');

  const { index, wallMs: sentMs } = context.moment;
  const conversation = tables.conversations.direct(actor.id, receiver.id);
  const message: Message = {
    conversation: conversation.id,
    sequence: conversation.lastSequence + 1,
    index,
    from: actor.id,
    to: receiver.id,
    text,
    sentMs,
  };
  tables.conversations.append(conversation, message, encodeMessage(message));
  context.emit({ kind: 'message', message, fromName: actor.name, toName: receiver.name });
  return accept({
    kind: 'sent',
    conversation: message.conversation,
    sequence: message.sequence,
    index,
    to: receiver.id,
    sentMs,
  });
}
