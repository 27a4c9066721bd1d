import { assert } from '../base/assert.ts';
import type { Changes, StreamAppend, StreamTrim } from '../base/changes.ts';
import type { AppliedMark, StreamRecord } from './state-store.ts';

export interface PendingStream {
  readonly firstSequence: number;
  readonly records: Uint8Array[];
}

/** Told once: when the groups are durable, or when writing them failed. */
export interface FlushWaiter {
  resolve(): void;
  reject(error: Error): void;
}

/** A value in `level` costs as much time as writing so many bytes, whatever its size; a record within a chunk next to nothing. */
const PER_VALUE_BYTES = 512;
const PER_RECORD_BYTES = 16;
/** What goes is read once more, and may lie in as many values as it has records. */
const TRIM_BYTES = 256 * PER_VALUE_BYTES;

/** Groups that will be one batch: of a row only the newest value, of a stream all records in a row. */
export class Pending {
  readonly puts = new Map<string, Uint8Array>();
  readonly deletes = new Set<string>();
  readonly streams = new Map<string, PendingStream>();
  /** To be dropped before `streams` are added. */
  readonly drops = new Set<string>();
  /** Sequence below which a stream loses its records, behind `streams`. */
  readonly trims = new Map<string, number>();
  readonly waiters: FlushWaiter[] = [];
  mark: AppliedMark;
  /** The digest at its end is to be told. */
  checkpoint = false;
  /** Takes no further group: its batch is being made, or must end where it does. */
  closed = false;
  /** What the batch costs, in bytes of writing: no less than the memory held. */
  bytes = 0;

  constructor(mark: AppliedMark) {
    this.mark = mark;
  }

  add(mark: AppliedMark, changes: Changes): void {
    this.mark = mark;
    for (const stream of changes.dropStreams) this.#drop(stream);
    for (const append of changes.appends) this.#append(append);
    for (const trim of changes.trims) this.#trim(trim);
    for (const [key, value] of changes.puts) {
      this.bytes += value.length - (this.puts.get(key)?.length ?? -key.length - PER_VALUE_BYTES);
      this.deletes.delete(key);
      this.puts.set(key, value);
    }
    for (const key of changes.deletes) {
      this.puts.delete(key);
      if (this.deletes.has(key)) continue;
      this.deletes.add(key);
      this.bytes += key.length + PER_VALUE_BYTES;
    }
  }

  /** Records of the stream that are only here, ascending. */
  records(stream: string): readonly StreamRecord[] {
    const pending = this.streams.get(stream);
    if (pending === undefined) return [];
    return pending.records.map((record, i) => ({ sequence: pending.firstSequence + i, record }));
  }

  #append({ stream, sequence, record }: StreamAppend): void {
    const pending = this.streams.get(stream);
    this.bytes += record.length + PER_RECORD_BYTES;
    if (pending === undefined) {
      this.bytes += stream.length + PER_VALUE_BYTES;
      this.streams.set(stream, { firstSequence: sequence, records: [record] });
      return;
    }
    assert(
      sequence === pending.firstSequence + pending.records.length,
      'the sequences of a stream are consecutive',
    );
    pending.records.push(record);
  }

  #trim({ stream, below }: StreamTrim): void {
    this.trims.set(stream, Math.max(below, this.trims.get(stream) ?? 0));
    this.bytes += TRIM_BYTES;
  }

  #drop(stream: string): void {
    this.drops.add(stream);
    this.trims.delete(stream);
    this.streams.delete(stream);
    this.bytes += stream.length + PER_VALUE_BYTES;
  }
}
