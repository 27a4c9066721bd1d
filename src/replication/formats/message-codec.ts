/** Messages between consensus cores as bytes. The order of the two tables below is the wire format: append only. */

import type {
  ConfState,
  Entry,
  EntryType,
  MemberId,
  Message,
  MessageType,
  Snapshot,
} from '../../raft/types.ts';
import { type ByteReader, type ByteWriter, MalformedError } from './bytes.ts';

/** What a peer may say. Inputs that a core gives itself, and proposals (ours travel in frames of their own), are not among them. */
const wireTypes: readonly MessageType[] = [
  'MsgApp',
  'MsgAppResp',
  'MsgVote',
  'MsgVoteResp',
  'MsgSnap',
  'MsgHeartbeat',
  'MsgHeartbeatResp',
  'MsgTimeoutNow',
  'MsgReadIndex',
  'MsgReadIndexResp',
  'MsgPreVote',
  'MsgPreVoteResp',
];
const wireNumbers: ReadonlyMap<MessageType, number> = new Map(wireTypes.map((type, index) => [type, index]));
const entryTypes: readonly EntryType[] = ['normal', 'conf-change', 'conf-change-v2'];
const entryNumbers: ReadonlyMap<EntryType, number> = new Map(entryTypes.map((type, index) => [type, index]));

export const MESSAGE_BYTES = 70;
const ENTRY_BYTES = 21;
const FLAG_REJECT = 1;
const FLAG_CONTEXT = 2;
const FLAG_SNAPSHOT = 4;
/** Of a configuration; far above any real one. */
const MAX_MEMBERS = 64;

/** An estimate from above for messages without a snapshot. */
export function messageSize(message: Message): number {
  let bytes = MESSAGE_BYTES + (message.context?.length ?? 0) + (message.snapshot === null ? 0 : 1_024);
  for (const entry of message.entries) bytes += ENTRY_BYTES + entry.data.length;
  return bytes;
}

export function isWireType(type: MessageType): boolean {
  return wireNumbers.has(type);
}

export function writeMessage(writer: ByteWriter, message: Message): void {
  const { context, snapshot } = message;
  writer.u8(wireNumbers.get(message.type) ?? 255);
  writer.u8(
    (message.reject ? FLAG_REJECT : 0) |
      (context !== null ? FLAG_CONTEXT : 0) |
      (snapshot !== null ? FLAG_SNAPSHOT : 0),
  );
  writer.u64(message.to);
  writer.u64(message.from);
  writer.u64(message.term);
  writer.u64(message.logTerm);
  writer.u64(message.index);
  writer.u64(message.commit);
  writer.u64(message.vote);
  writer.u64(message.rejectHint);
  if (context !== null) writer.block(context);
  if (snapshot !== null) writeSnapshot(writer, snapshot);
  writer.u32(message.entries.length);
  for (const entry of message.entries) {
    writer.u8(entryNumbers.get(entry.type) ?? 255);
    writer.u64(entry.term);
    writer.u64(entry.index);
    writer.block(entry.data);
  }
}

/** Throws MalformedError. */
export function readMessage(reader: ByteReader): Message {
  const type = wireTypes[reader.u8()];
  if (type === undefined) throw new MalformedError('unknown type of message');
  const flags = reader.u8();
  const to = reader.u64();
  const from = reader.u64();
  const term = reader.u64();
  const logTerm = reader.u64();
  const index = reader.u64();
  const commit = reader.u64();
  const vote = reader.u64();
  const rejectHint = reader.u64();
  const context = flags & FLAG_CONTEXT ? reader.block() : null;
  const snapshot = flags & FLAG_SNAPSHOT ? readSnapshot(reader) : null;
  if ((type === 'MsgSnap') !== (snapshot !== null)) throw new MalformedError('a snapshot out of place');
  const entries = readEntries(reader);
  if (entries.length > 0 && (type !== 'MsgApp' || entries[0]?.index !== index + 1)) {
    throw new MalformedError('entries out of place');
  }
  const reject = (flags & FLAG_REJECT) !== 0;
  return {
    type,
    to,
    from,
    term,
    logTerm,
    index,
    entries,
    commit,
    vote,
    snapshot,
    reject,
    rejectHint,
    context,
    responses: [],
  };
}

function readEntries(reader: ByteReader): readonly Entry[] {
  const count = reader.count(ENTRY_BYTES);
  const entries: Entry[] = [];
  for (let i = 0; i < count; i++) {
    const type = entryTypes[reader.u8()];
    if (type === undefined) throw new MalformedError('unknown type of entry');
    const term = reader.u64();
    const index = reader.u64();
    const before = entries.at(-1);
    if (before !== undefined && (index !== before.index + 1 || term < before.term)) {
      throw new MalformedError('entries out of order');
    }
    entries.push({ term, index, type, data: reader.block() });
  }
  return entries;
}

function writeSnapshot(writer: ByteWriter, snapshot: Snapshot): void {
  writer.u64(snapshot.meta.index);
  writer.u64(snapshot.meta.term);
  writeConfState(writer, snapshot.meta.confState);
  writer.block(snapshot.data);
}

function readSnapshot(reader: ByteReader): Snapshot {
  const index = reader.u64();
  const term = reader.u64();
  const confState = readConfState(reader);
  return { meta: { index, term, confState }, data: reader.block() };
}

function writeConfState(writer: ByteWriter, conf: ConfState): void {
  for (const ids of [conf.voters, conf.votersOutgoing, conf.learners, conf.learnersNext]) {
    writer.u32(ids.length);
    for (const id of ids) writer.u64(id);
  }
  writer.u8(conf.autoLeave ? 1 : 0);
}

function readConfState(reader: ByteReader): ConfState {
  const voters = readIds(reader);
  const votersOutgoing = readIds(reader);
  const learners = readIds(reader);
  const learnersNext = readIds(reader);
  return { voters, votersOutgoing, learners, learnersNext, autoLeave: reader.u8() === 1 };
}

function readIds(reader: ByteReader): readonly MemberId[] {
  const count = reader.count(8);
  if (count > MAX_MEMBERS) throw new MalformedError('too many members');
  const ids: MemberId[] = [];
  for (let i = 0; i < count; i++) ids.push(reader.u64());
  return ids;
}
