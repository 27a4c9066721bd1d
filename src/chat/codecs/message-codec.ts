/**
 * A message as a record of its conversation's stream. Conversation and sequence are the record's address in the store and
 * are not repeated in it.
 */
import { unreachable } from '../../base/assert.ts';
import { CodedError } from '../../base/errors.ts';
import type { ConversationId, Message, MessageBody } from '../vocabulary/types.ts';
import { type ByteReader, ByteWriter, MalformedBytes, readAll } from './bytes.ts';
import { readFile, writeFile } from './file-codec.ts';

/** Version 1 had a text and nothing else, and no number. */
const version = 2;

/** Numbers of the kinds in stored records and in the log: never reused, never changed. */
const bodyTag = { text: 1, file: 2, textVia: 3 } as const;

// Scratch space: `begin` starts every encoding afresh.
const writer = new ByteWriter();

export function encodeMessage(message: Message): Uint8Array {
  writer.begin(version);
  writer.integer(message.index);
  writer.integer(message.from);
  // No account has the id 0, no message the sequence 0.
  writer.integer(message.to ?? 0);
  writer.integer(message.sentMs);
  writer.integer(message.number);
  writer.integer(message.replyTo ?? 0);
  writeBody(writer, message.body);
  return writer.take();
}

/** Throws `CodedError` DATA_DAMAGED when the record is not a message of this version or an older one. */
export function decodeMessage(conversation: ConversationId, sequence: number, record: Uint8Array): Message {
  const message = readAll(record, (reader) => readMessage(reader, conversation, sequence));
  if (message === null) {
    throw new CodedError('DATA_DAMAGED', `Message ${sequence} of ${conversation} cannot be read.`);
  }
  return message;
}

function readMessage(reader: ByteReader, conversation: ConversationId, sequence: number): Message {
  const layout = reader.byte();
  if (layout < 1 || layout > version) throw new MalformedBytes('unknown version');
  const [index, from, to] = [reader.integer(), reader.integer(), reader.integer() || null];
  const sentMs = reader.integer();
  const number = layout === 1 ? 0 : reader.integer();
  const replyTo = layout === 1 ? null : reader.integer() || null;
  const body: MessageBody = layout === 1 ? { kind: 'text', text: reader.text() } : readBody(reader);
  return { conversation, sequence, index, from, to, number, replyTo, body, sentMs };
}

export function writeBody(to: ByteWriter, body: MessageBody): void {
  switch (body.kind) {
    case 'text':
      to.byte(body.via === undefined ? bodyTag.text : bodyTag.textVia);
      if (body.via !== undefined) to.text(body.via);
      to.text(body.text);
      return;
    case 'file':
      to.byte(bodyTag.file);
      writeFile(to, body.file);
      return;
    default:
      unreachable(body);
  }
}

export function readBody(reader: ByteReader): MessageBody {
  const kind = reader.byte();
  switch (kind) {
    case bodyTag.text:
      return { kind: 'text', text: reader.text() };
    case bodyTag.textVia: {
      const via = reader.text();
      return { kind: 'text', text: reader.text(), via };
    }
    case bodyTag.file:
      return { kind: 'file', file: readFile(reader) };
    default:
      throw new MalformedBytes(`unknown body ${kind}`);
  }
}
