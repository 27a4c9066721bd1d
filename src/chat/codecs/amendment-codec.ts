/**
 * Amendments as bytes: commands and receipts, records of a conversation's stream of amendments, and the rows of `amendments.ts`. Conversation and
 * revision are a record's address in the store and are not repeated in it.
 */
import { unreachable } from '../../base/assert.ts';
import { CodedError } from '../../base/errors.ts';
import type {
  AmendedMessage,
  Amendment,
  AmendmentChange,
  AmendmentCommand,
  AmendmentHead,
  AmendmentReceipt,
  MessageReference,
} from '../vocabulary/amendment-types.ts';
import type { ConversationId } from '../vocabulary/types.ts';
import { type ByteReader, ByteWriter, MalformedBytes, readAll } from './bytes.ts';

const version = 1;

/** Numbers of the kinds in the log, from 90 to 99 (93 and 94: retention): never reused, never changed. */
const commandTag = {
  'edit-message': 90,
  'delete-message': 91,
  react: 92,
} as const satisfies Record<AmendmentCommand['kind'], number>;

/** The same in a session's row. */
const receiptTag = 90;

/** The same in stored records. */
const changeTag = { text: 1, deleted: 2, reaction: 3 } as const satisfies Record<
  AmendmentChange['kind'],
  number
>;

// Scratch space: `begin` starts every encoding afresh.
const writer = new ByteWriter();

export function writeAmendmentCommand(to: ByteWriter, command: AmendmentCommand): void {
  to.byte(commandTag[command.kind]);
  writeReference(to, command.message);
  switch (command.kind) {
    case 'edit-message':
      to.text(command.text);
      return;
    case 'delete-message':
      return;
    case 'react':
      to.text(command.reaction);
      to.byte(command.present ? 1 : 0);
      return;
    default:
      unreachable(command);
  }
}

/** Null when it is a command of another kind. */
export function readAmendmentCommand(reader: ByteReader, kind: number): AmendmentCommand | null {
  switch (kind) {
    case commandTag['edit-message']:
      return { kind: 'edit-message', message: readReference(reader), text: reader.text() };
    case commandTag['delete-message']:
      return { kind: 'delete-message', message: readReference(reader) };
    case commandTag.react: {
      const message = readReference(reader);
      return { kind: 'react', message, reaction: reader.text(), present: readFlag(reader) };
    }
    default:
      return null;
  }
}

export function writeAmendmentReceipt(to: ByteWriter, receipt: AmendmentReceipt): void {
  to.byte(receiptTag);
  to.text(receipt.conversation);
  to.integer(receipt.sequence);
  to.integer(receipt.revision);
  to.integer(receipt.index);
}

/** Null when it is a receipt of another kind. */
export function readAmendmentReceipt(reader: ByteReader, kind: number): AmendmentReceipt | null {
  if (kind !== receiptTag) return null;
  const [conversation, sequence] = [reader.text(), reader.integer()];
  return { kind: 'amended', conversation, sequence, revision: reader.integer(), index: reader.integer() };
}

function writeReference(to: ByteWriter, { conversation, sequence, index, from }: MessageReference): void {
  to.text(conversation);
  to.integer(sequence);
  to.integer(index);
  to.integer(from);
}

function readReference(reader: ByteReader): MessageReference {
  return {
    conversation: reader.text(),
    sequence: reader.integer(),
    index: reader.integer(),
    from: reader.integer(),
  };
}

export function encodeAmendment({ index, sequence, by, amendedMs, change }: Amendment): Uint8Array {
  writer.begin(version);
  writer.integer(index);
  writer.integer(sequence);
  writer.integer(by);
  writer.integer(amendedMs);
  writer.byte(changeTag[change.kind]);
  switch (change.kind) {
    case 'text':
      writer.text(change.text);
      break;
    case 'deleted':
      break;
    case 'reaction':
      writer.text(change.reaction);
      writer.byte(change.present ? 1 : 0);
      break;
    default:
      unreachable(change);
  }
  return writer.take();
}

/** Throws `CodedError` DATA_DAMAGED when the record is not an amendment of this version. */
export function decodeAmendment(
  conversation: ConversationId,
  revision: number,
  record: Uint8Array,
): Amendment {
  const amendment = readAll(record, (reader): Amendment => {
    readVersion(reader);
    const [index, sequence, by, amendedMs] = [
      reader.integer(),
      reader.integer(),
      reader.integer(),
      reader.integer(),
    ];
    return { conversation, revision, index, sequence, by, amendedMs, change: readChange(reader) };
  });
  if (amendment === null) {
    throw new CodedError('DATA_DAMAGED', `Amendment ${revision} of ${conversation} cannot be read.`);
  }
  return amendment;
}

function readChange(reader: ByteReader): AmendmentChange {
  const kind = reader.byte();
  switch (kind) {
    case changeTag.text:
      return { kind: 'text', text: reader.text() };
    case changeTag.deleted:
      return { kind: 'deleted' };
    case changeTag.reaction:
      return { kind: 'reaction', reaction: reader.text(), present: readFlag(reader) };
    default:
      throw new MalformedBytes(`unknown change ${kind}`);
  }
}

export function encodeAmendedMessage(message: AmendedMessage): Uint8Array {
  writer.begin(version);
  writer.integer(message.revision);
  writer.integer(message.textRevision);
  writer.integer(message.editedMs);
  writer.byte(message.isDeleted ? 1 : 0);
  writer.integer(message.reactionRevision);
  writer.integer(message.reactions.length);
  for (const { reaction, accounts } of message.reactions) {
    writer.text(reaction);
    writer.integer(accounts.length);
    for (const account of accounts) writer.integer(account);
  }
  return writer.take();
}

export interface AmendedMessageData extends AmendedMessage {
  readonly conversation: ConversationId;
}

/** `id` as in the key: `<conversation>/<sequence>`. */
export function decodeAmendedMessage(id: string, value: Uint8Array): AmendedMessageData | null {
  const slash = id.lastIndexOf('/');
  const [conversation, sequence] = [id.slice(0, slash), Number(id.slice(slash + 1))];
  return readAll(value, (reader) => {
    readVersion(reader);
    return {
      conversation,
      sequence,
      revision: reader.integer(),
      textRevision: reader.integer(),
      editedMs: reader.integer(),
      isDeleted: readFlag(reader),
      reactionRevision: reader.integer(),
      reactions: Array.from({ length: reader.count() }, () => ({
        reaction: reader.text(),
        accounts: Array.from({ length: reader.count() }, () => reader.integer()),
      })),
    };
  });
}

export function encodeAmendmentHead({ lastRevision, lastIndex }: AmendmentHead): Uint8Array {
  writer.begin(version);
  writer.integer(lastRevision);
  writer.integer(lastIndex);
  return writer.take();
}

export function decodeAmendmentHead(conversation: ConversationId, value: Uint8Array): AmendmentHead | null {
  return readAll(value, (reader) => {
    readVersion(reader);
    return { conversation, lastRevision: reader.integer(), lastIndex: reader.integer() };
  });
}

function readVersion(reader: ByteReader): void {
  if (reader.byte() !== version) throw new MalformedBytes('unknown version');
}

function readFlag(reader: ByteReader): boolean {
  const flag = reader.byte();
  if (flag > 1) throw new MalformedBytes('neither yes nor no');
  return flag === 1;
}
