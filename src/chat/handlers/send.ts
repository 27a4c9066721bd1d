import { groupMark, groupNameIn, lobbyName } from '../../base/addresses.ts';
import { limits } from '../../base/limits.ts';
import { exceedsBytes } from '../bytes.ts';
import type { Conversation } from '../conversation.ts';
import { encodeMessage } from '../message-codec.ts';
import { foldName } from '../names.ts';
import type { Account, Command, Message, MessageBody, RejectionCode, Result } from '../types.ts';
import { accept, type Context, reject } from './context.ts';

type Send = Extract<Command, { kind: 'send' }>;

/** Where a message goes: checked, nothing changed yet. */
interface Target {
  readonly conversation: () => Conversation;
  readonly lastSequence: number;
  /** Of a direct message. */
  readonly receiver: Account | null;
  readonly toName: string;
}

/**
 * Appends one record to one conversation, however many are in it: nothing here depends on the number of members. The sender's own
 * delivered cursor stays: delivery leaves out what one sent oneself.
 */
export function send(context: Context, command: Send): Result {
  const { actor, tables } = context;
  if (actor === null) return reject('AUTH_REQUIRED');
  const fault = faultIn(command.body);
  if (fault !== null) return reject(fault);
  const target = find(context, actor, command.to);
  if (typeof target === 'string') return reject(target);
  if (command.replyTo !== null && command.replyTo > target.lastSequence) return reject('UNKNOWN_MESSAGE');
  const receiptFor = command.wantsReceipt ? target.receiver : null;
  if (receiptFor !== null && tables.senders.isFull(actor.id)) return reject('TOO_MANY_PENDING');

  const conversation = target.conversation();
  const message: Message = {
    conversation: conversation.id,
    sequence: conversation.lastSequence + 1,
    index: context.moment.index,
    from: actor.id,
    to: target.receiver?.id ?? null,
    number: tables.senders.count(actor.id),
    replyTo: command.replyTo,
    body: command.body,
    sentMs: context.moment.wallMs,
  };
  tables.conversations.append(conversation, message, encodeMessage(message));
  if (receiptFor !== null && receiptFor.id !== actor.id) {
    const { number, sequence } = message;
    tables.senders.expect({
      from: actor.id,
      number,
      to: receiptFor.id,
      conversation: conversation.id,
      sequence,
    });
  }
  context.emit({ kind: 'message', message, fromName: actor.name, toName: target.toName });
  const { sequence, index, to, number, sentMs } = message;
  return accept({ kind: 'sent', conversation: conversation.id, sequence, index, to, number, sentMs });
}

function faultIn(body: MessageBody): RejectionCode | null {
  switch (body.kind) {
    case 'text':
      if (body.text.length === 0) return 'BAD_REQUEST';
      return exceedsBytes(body.text, limits.messageBytes) ? 'TOO_LONG' : null;
  }
}

function find({ tables }: Context, sender: Account, address: string): Target | RejectionCode {
  const { conversations, accounts } = tables;
  const groupName = groupNameIn(address);
  if (groupName === null) {
    const receiver = accounts.byName(address);
    if (receiver === undefined) return 'UNKNOWN_USER';
    const known = conversations.knownDirect(sender.id, receiver.id);
    const open = (): Conversation => known ?? conversations.direct(sender.id, receiver.id);
    return { conversation: open, lastSequence: known?.lastSequence ?? 0, receiver, toName: receiver.name };
  }
  if (foldName(groupName) === lobbyName) return inside(conversations.lobby, lobbyName);
  const group = conversations.groups.byName(groupName);
  if (group === undefined) return 'UNKNOWN_GROUP';
  return group.includes(sender.id) ? inside(group, group.name) : 'NOT_A_MEMBER';
}

function inside(conversation: Conversation, name: string): Target {
  const { lastSequence } = conversation;
  return { conversation: () => conversation, lastSequence, receiver: null, toName: groupMark + name };
}
