/**
 * What a log entry of ours holds: who proposed it, when the leader appended it, and the command. Entries without data are
 * the core's own (the first of a term).
 *
 * | bytes | field |
 * |---|---|
 * | 1 | version |
 * | 8, 4, 8 | tag: member, life, counter |
 * | 8 | wall clock, ms |
 * | 8 | cluster time, ms |
 * | rest | command |
 */
import { assert } from '../../base/assert.ts';
import { CodedError } from '../../base/errors.ts';
import type { EntryTime } from '../ports/state-machine.ts';
import { ByteReader, ByteWriter } from './bytes.ts';

const VERSION = 1;
export const ENVELOPE_BYTES = 37;

/**
 * Names one sending of one proposal. `life` is drawn when a node starts: counters begin anew then, and entries of an
 * earlier life may still be on their way.
 */
export interface ProposalTag {
  readonly member: number;
  readonly life: number;
  readonly counter: number;
}

export interface Envelope {
  readonly tag: ProposalTag;
  readonly time: EntryTime;
  readonly command: Uint8Array;
}

export function encodeEnvelope(tag: ProposalTag, time: EntryTime, command: Uint8Array): Uint8Array {
  const writer = new ByteWriter(ENVELOPE_BYTES + command.length);
  writer.u8(VERSION);
  writer.u64(tag.member);
  writer.u32(tag.life);
  writer.u64(tag.counter);
  writer.u64(time.wallMs);
  writer.u64(time.clusterMs);
  writer.raw(command);
  return writer.finish();
}

/** `data` comes from the log, whose checksums were verified: only another version can be wrong with it. */
export function decodeEnvelope(data: Uint8Array): Envelope {
  const reader = readerOf(data);
  const tag = { member: reader.u64(), life: reader.u32(), counter: reader.u64() };
  const time = { wallMs: reader.u64(), clusterMs: reader.u64() };
  return { tag, time, command: data.subarray(ENVELOPE_BYTES) };
}

/** Only the time; for a look at the end of the log. */
export function decodeTime(data: Uint8Array): EntryTime {
  const reader = readerOf(data);
  reader.u64();
  reader.u32();
  reader.u64();
  return { wallMs: reader.u64(), clusterMs: reader.u64() };
}

function readerOf(data: Uint8Array): ByteReader {
  assert(data.length >= ENVELOPE_BYTES, 'an entry with data has a whole envelope');
  const reader = new ByteReader(data);
  const version = reader.u8();
  if (version !== VERSION) {
    throw new CodedError(
      'DATA_NEWER',
      `The log holds an entry of version ${version}, which this program does not know: run the newer version.`,
    );
  }
  return reader;
}
