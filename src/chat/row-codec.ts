/**
 * The state's rows: plain data in, bytes out, and back. What a row refers to (its id) is its key and not repeated in its value.
 * A row that cannot be read is damage, or was written by a newer version: null here, an error naming the key at loading.
 */
import { type ByteReader, ByteWriter, MalformedBytes, readAll } from './bytes.ts';
import { readResult, writeResult } from './receipt-codec.ts';
import type { AccountId, ConversationId, FileReference, Result, SessionId, UploadLease } from './types.ts';

const version = 1;

export const rowPrefix = {
  account: 'a/',
  conversation: 'c/',
  session: 's/',
  file: 'f/',
  lease: 'u/',
  guestLease: 'l/',
} as const;

export interface ConversationData {
  readonly id: ConversationId;
  readonly members: readonly AccountId[];
  /** Per member, in the order of `members`. */
  readonly cursors: readonly number[];
  readonly lastSequence: number;
  readonly lastIndex: number;
}

export interface RecordedAnswer {
  readonly fingerprint: number;
  readonly result: Result;
}

export interface SessionData {
  readonly id: SessionId;
  readonly secretHash: string;
  readonly ended: boolean;
  readonly account: AccountId | null;
  readonly usedIndex: number;
  readonly usedMs: number;
  readonly floor: number;
  readonly highest: number;
  readonly answers: ReadonlyMap<number, RecordedAnswer>;
}

// Scratch space: `begin` starts every encoding afresh.
const writer = new ByteWriter();

export function encodeConversation(conversation: ConversationData): Uint8Array {
  writer.begin(version);
  writer.integer(conversation.lastSequence);
  writer.integer(conversation.lastIndex);
  writer.integer(conversation.members.length);
  for (const member of conversation.members) writer.integer(member);
  for (const cursor of conversation.cursors) writer.integer(cursor);
  return writer.take();
}

export function decodeConversation(id: ConversationId, value: Uint8Array): ConversationData | null {
  return readAll(value, (reader) => {
    readVersion(reader);
    const lastSequence = reader.integer();
    const lastIndex = reader.integer();
    const length = reader.count();
    const members = Array.from({ length }, () => reader.integer());
    const cursors = Array.from({ length }, () => reader.integer());
    return { id, members, cursors, lastSequence, lastIndex };
  });
}

export function encodeSession(session: SessionData): Uint8Array {
  writer.begin(version);
  writer.text(session.secretHash);
  writer.byte(session.ended ? 1 : 0);
  // Log indices begin at 1, so no account has the id 0.
  writer.integer(session.account ?? 0);
  writer.integer(session.usedIndex);
  writer.integer(session.usedMs);
  writer.integer(session.floor);
  writer.integer(session.highest);
  writer.integer(session.answers.size);
  for (const [sequence, answer] of session.answers) {
    writer.integer(sequence);
    writer.integer(answer.fingerprint);
    writeResult(writer, answer.result);
  }
  return writer.take();
}

export function decodeSession(id: SessionId, value: Uint8Array): SessionData | null {
  return readAll(value, (reader) => {
    readVersion(reader);
    const secretHash = reader.text();
    const ended = reader.byte() === 1;
    const account = reader.integer() || null;
    const usedIndex = reader.integer();
    const usedMs = reader.integer();
    const floor = reader.integer();
    const highest = reader.integer();
    const answers = new Map<number, RecordedAnswer>();
    for (let left = reader.count(); left > 0; left--) {
      const sequence = reader.integer();
      answers.set(sequence, { fingerprint: reader.integer(), result: readResult(reader) });
    }
    return { id, secretHash, ended, account, usedIndex, usedMs, floor, highest, answers };
  });
}

export function encodeFileReference(reference: FileReference): Uint8Array {
  writer.begin(version);
  writer.text(reference.conversation);
  writer.integer(reference.sequence);
  writer.text(reference.manifest);
  writer.integer(reference.bytes);
  writer.integer(reference.owner);
  return writer.take();
}

export function decodeFileReference(id: number, value: Uint8Array): FileReference | null {
  return readAll(value, (reader) => {
    readVersion(reader);
    return {
      id,
      conversation: reader.text(),
      sequence: reader.integer(),
      manifest: reader.text(),
      bytes: reader.integer(),
      owner: reader.integer(),
    };
  });
}

export function encodeUploadLease(lease: UploadLease): Uint8Array {
  writer.begin(version);
  writer.integer(lease.bytes);
  writer.integer(lease.untilMs);
  writer.integer(lease.index);
  return writer.take();
}

/** `id`: account and manifest, as in the key. */
export function decodeUploadLease(id: string, value: Uint8Array): UploadLease | null {
  const [account, manifest] = id.split('/');
  if (manifest === undefined) return null;
  return readAll(value, (reader) => {
    readVersion(reader);
    return {
      account: Number(account),
      manifest,
      bytes: reader.integer(),
      untilMs: reader.integer(),
      index: reader.integer(),
    };
  });
}

function readVersion(reader: ByteReader): void {
  if (reader.byte() !== version) throw new MalformedBytes('unknown version');
}
