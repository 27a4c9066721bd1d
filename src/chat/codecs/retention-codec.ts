/** Commands, receipts and rows of `retention-types.ts` as bytes. */
import { unreachable } from '../../base/assert.ts';
import type { RetentionCommand, RetentionData, RetentionReceipt } from '../vocabulary/retention-types.ts';
import type { ConversationId } from '../vocabulary/types.ts';
import { type ByteReader, ByteWriter, MalformedBytes, readAll } from './bytes.ts';

const version = 1;

/** Numbers of the kinds in the log, within those of amendments (90 to 99): never reused, never changed. */
const commandTag = {
  'set-group-retention': 93,
  retain: 94,
} as const satisfies Record<RetentionCommand['kind'], number>;

/** The same in a session's row. */
const receiptTag = 91;

// Scratch space: `begin` starts every encoding afresh.
const writer = new ByteWriter();

export function writeRetentionCommand(to: ByteWriter, command: RetentionCommand): void {
  to.byte(commandTag[command.kind]);
  switch (command.kind) {
    case 'set-group-retention':
      to.text(command.name);
      writeAge(to, command.ageMs);
      return;
    case 'retain':
      to.text(command.conversation);
      writeAge(to, command.defaultMs);
      return;
    default:
      unreachable(command);
  }
}

/** Null when it is a command of another kind. */
export function readRetentionCommand(reader: ByteReader, kind: number): RetentionCommand | null {
  switch (kind) {
    case commandTag['set-group-retention']:
      return { kind: 'set-group-retention', name: reader.text(), ageMs: readAge(reader) };
    case commandTag.retain:
      return { kind: 'retain', conversation: reader.text(), defaultMs: readAge(reader) };
    default:
      return null;
  }
}

export function writeRetentionReceipt(to: ByteWriter, { conversation, first, more }: RetentionReceipt): void {
  to.byte(receiptTag);
  to.text(conversation);
  to.integer(first);
  to.byte(more ? 1 : 0);
}

/** Null when it is a receipt of another kind. */
export function readRetentionReceipt(reader: ByteReader, kind: number): RetentionReceipt | null {
  if (kind !== receiptTag) return null;
  const [conversation, first] = [reader.text(), reader.integer()];
  return { kind: 'retained', conversation, first, more: reader.byte() === 1 };
}

export function encodeRetention(data: RetentionData): Uint8Array {
  writer.begin(version);
  writeAge(writer, data.ageMs);
  writer.integer(data.firstSequence);
  writer.integer(data.firstRevision);
  writer.integer(data.checkpoints.length);
  for (const { clusterMs, sequence, revision } of data.checkpoints) {
    writer.integer(clusterMs);
    writer.integer(sequence);
    writer.integer(revision);
  }
  return writer.take();
}

export function decodeRetention(conversation: ConversationId, value: Uint8Array): RetentionData | null {
  return readAll(value, (reader) => {
    if (reader.byte() !== version) throw new MalformedBytes('unknown version');
    const ageMs = readAge(reader);
    const [firstSequence, firstRevision] = [reader.integer(), reader.integer()];
    const checkpoints = Array.from({ length: reader.count() }, () => ({
      clusterMs: reader.integer(),
      sequence: reader.integer(),
      revision: reader.integer(),
    }));
    return { conversation, ageMs, firstSequence, firstRevision, checkpoints };
  });
}

/** One more than it is, so that 0 can stand for none. */
function writeAge(to: ByteWriter, ageMs: number | null): void {
  to.integer(ageMs === null ? 0 : ageMs + 1);
}

function readAge(reader: ByteReader): number | null {
  const written = reader.integer();
  return written === 0 ? null : written - 1;
}
