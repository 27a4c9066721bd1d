/**
 * A message as a record of its conversation's stream. Conversation and sequence are the record's address in the store and
 * are not repeated in it.
 */
import { CodedError } from '../base/errors.ts';
import { type ByteReader, ByteWriter, MalformedBytes, readAll } from './bytes.ts';
import type { ConversationId, Message } from './types.ts';

const version = 1;

// Scratch space: `begin` starts every encoding afresh.
const writer = new ByteWriter();

export function encodeMessage(message: Message): Uint8Array {
  writer.begin(version);
  writer.integer(message.index);
  writer.integer(message.from);
  writer.integer(message.to);
  writer.integer(message.sentMs);
  writer.text(message.text);
  return writer.take();
}

/** Throws `CodedError` DATA_DAMAGED when the record is not a message of this version. */
export function decodeMessage(conversation: ConversationId, sequence: number, record: Uint8Array): Message {
  const message = readAll(record, (reader) => readMessage(reader, conversation, sequence));
  if (message === null) {
    throw new CodedError('DATA_DAMAGED', `Message ${sequence} of ${conversation} cannot be read.`);
  }
  return message;
}

function readMessage(reader: ByteReader, conversation: ConversationId, sequence: number): Message {
  if (reader.byte() !== version) throw new MalformedBytes('unknown version');
  return {
    conversation,
    sequence,
    index: reader.integer(),
    from: reader.integer(),
    to: reader.integer(),
    sentMs: reader.integer(),
    text: reader.text(),
  };
}
