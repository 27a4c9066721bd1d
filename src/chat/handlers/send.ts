import { groupMark, groupNameIn, lobbyName } from '../../base/addresses.ts';
import { limits } from '../../base/limits.ts';
import { exceedsBytes } from '../codecs/bytes.ts';
import { encodeMessage } from '../codecs/message-codec.ts';
import type { Conversation } from '../conversations/conversation.ts';
import { foldName } from '../names/names.ts';
import type { Account, Command, Message, MessageBody, RejectionCode, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';

type Send = Extract<Command, { kind: 'send' }>;
type Content = Omit<Send, 'kind'>;

/**
 * Appends one record to one conversation, however many are in it: nothing here depends on the number of members. The sender's own
 * delivered cursor stays: delivery leaves out what one sent oneself.
 */
export function send(context: Context, command: Send): Result {
  const { actor } = context;
  if (actor === null) return reject('AUTH_REQUIRED');
  const fault = faultIn(command.body);
  return fault === null ? append(context, actor, command) : reject(fault);
}

/** The body is known to be well. */
export function append(context: Context, actor: Account, content: Content): Result {
  const group = groupNameIn(content.to);
  return group === null ? sendDirect(context, actor, content) : sendInside(context, actor, content, group);
}

function faultIn(body: MessageBody): RejectionCode | null {
  switch (body.kind) {
    case 'text':
      // Through a hook comes what `post-to-hook` checks.
      if (body.text.length === 0 || body.via !== undefined) return 'BAD_REQUEST';
      return exceedsBytes(body.text, limits.messageBytes) ? 'TOO_LONG' : null;
    // With a file comes what `send-file` checks.
    case 'file':
      return 'BAD_REQUEST';
  }
}

function sendDirect(context: Context, actor: Account, command: Content): Result {
  const { conversations, accounts, senders } = context.tables;
  const receiver = accounts.byName(command.to);
  if (receiver === undefined) return reject('UNKNOWN_USER');
  const known = conversations.knownDirect(actor.id, receiver.id);
  if (answersNothing(command, known)) return reject('UNKNOWN_MESSAGE');
  const isAwaited = command.wantsReceipt && receiver.id !== actor.id;
  if (isAwaited && senders.isFull(actor.id)) return reject('TOO_MANY_PENDING');
  const conversation = known ?? conversations.direct(actor.id, receiver.id);
  const message = post(context, actor, command, conversation, receiver.id, receiver.name);
  if (isAwaited) {
    const { number, sequence } = message;
    senders.expect({ from: actor.id, number, to: receiver.id, conversation: conversation.id, sequence });
  }
  return sent(message);
}

/** In a group or in the lobby. */
function sendInside(context: Context, actor: Account, command: Content, name: string): Result {
  const { lobby, groups } = context.tables.conversations;
  const conversation = foldName(name) === lobbyName ? lobby : groups.byName(name);
  if (conversation === undefined) return reject('UNKNOWN_GROUP');
  if (!conversation.includes(actor.id)) return reject('NOT_A_MEMBER');
  if (answersNothing(command, conversation)) return reject('UNKNOWN_MESSAGE');
  const spelt = conversation.kind === 'group' ? conversation.name : lobbyName;
  return sent(post(context, actor, command, conversation, null, groupMark + spelt));
}

function answersNothing({ replyTo }: Content, conversation: Conversation | undefined): boolean {
  return replyTo !== null && replyTo > (conversation?.lastSequence ?? 0);
}

function post(
  context: Context,
  actor: Account,
  command: Content,
  conversation: Conversation,
  to: number | null,
  toName: string,
): Message {
  const { tables, moment } = context;
  const message: Message = {
    conversation: conversation.id,
    sequence: conversation.lastSequence + 1,
    index: moment.index,
    from: actor.id,
    to,
    number: tables.senders.count(actor.id),
    replyTo: command.replyTo,
    body: command.body,
    sentMs: moment.wallMs,
  };
  tables.conversations.append(conversation, message, encodeMessage(message));
  context.emit({ kind: 'message', message, fromName: actor.name, toName });
  return message;
}

function sent({ conversation, sequence, index, to, number, sentMs }: Message): Result {
  return accept({ kind: 'sent', conversation, sequence, index, to, number, sentMs });
}
