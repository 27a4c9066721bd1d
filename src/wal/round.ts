import { assert } from '../base/assert.ts';
import type { Entry, HardState } from '../raft/types.ts';
import {
  ENTRY_BYTES,
  HARD_STATE_BYTES,
  putEntry,
  putHardState,
  putSegment,
  putStart,
  SEGMENT_BYTES,
  type SegmentHead,
  START_BYTES,
  type StartRecord,
} from './payload.ts';
import { RECORD_HEADER_BYTES, RECORD_PAYLOAD_BYTES, recordTypes, sealRecord } from './record.ts';

/** One who waits for a round: told once, after its sync or after the log failed. */
export interface Waiter {
  resolve(): void;
  reject(error: Error): void;
}

export interface RoundPlace {
  readonly segment: number;
  /** Where in the segment's file the round begins; 0 opens a new segment. */
  readonly offset: number;
  /** CRC of the record before. */
  readonly chain: number;
}

/**
 * The records of one write and one fsync. They are encoded as they come, while the round before is being synced, into a
 * buffer that is used again.
 */
export class Round {
  readonly place: RoundPlace;
  readonly waiters: Waiter[] = [];
  /** No further records: the write has begun, or the round is full. */
  closed = false;
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;
  #chain: number;

  constructor(place: RoundPlace, buffer: Uint8Array) {
    this.place = place;
    this.#chain = place.chain;
    this.#bytes = buffer;
    this.#view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  }

  /** CRC of the last record so far. */
  get chain(): number {
    return this.#chain;
  }

  get length(): number {
    return this.#length;
  }

  get content(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** The whole buffer, for the next round. */
  get buffer(): Uint8Array {
    return this.#bytes;
  }

  addSegment(head: SegmentHead): void {
    const at = this.#reserve(SEGMENT_BYTES);
    this.#add(recordTypes.segment, putSegment(this.#view, at, head));
  }

  addStart(start: StartRecord): void {
    const at = this.#reserve(START_BYTES + start.data.length);
    this.#add(recordTypes.start, putStart(this.#view, this.#bytes, at, start));
  }

  addHardState(state: HardState): void {
    const at = this.#reserve(HARD_STATE_BYTES);
    this.#add(recordTypes.hardState, putHardState(this.#view, at, state));
  }

  addEntry(entry: Entry): void {
    const at = this.#reserve(ENTRY_BYTES + entry.data.length);
    this.#add(recordTypes.entry, putEntry(this.#view, this.#bytes, at, entry));
  }

  /** Makes room for a record and returns where its payload goes. */
  #reserve(payloadBytes: number): number {
    assert(payloadBytes <= RECORD_PAYLOAD_BYTES, 'a log record is within its bound');
    const at = this.#length + RECORD_HEADER_BYTES;
    const needed = at + payloadBytes;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.content);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }

  #add(type: number, end: number): void {
    this.#chain = sealRecord(this.#view, this.#bytes, this.#length, end, {
      chain: this.#chain,
      round: this.place.offset,
      type,
    });
    this.#length = end;
  }
}
