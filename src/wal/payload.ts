import type { Entry, EntryType, HardState } from '../raft/types.ts';
import type { LogStart } from './log-store.ts';
import { getSafeInteger, putSafeInteger } from './record.ts';

/**
 * Payloads of the four records, written and read side by side. Writers take the offset to write at, with room for the size
 * that is named beside them, and return the offset after it; readers take the payload's range.
 */

/** First record of a file. `nextIndex` is the index that an entry appended at that moment would have had. */
export interface SegmentHead {
  readonly number: number;
  readonly identity: number;
  readonly nextIndex: number;
}

/** Copied into a later segment, a start says nothing new (`keep`); without `keep` it empties the log. */
export interface StartRecord extends LogStart {
  readonly keep: boolean;
}

export const SEGMENT_BYTES = 24;
export const HARD_STATE_BYTES = 24;
/** Without their data. */
export const START_BYTES = 17;
export const ENTRY_BYTES = 17;

const entryTypes: readonly EntryType[] = ['normal', 'conf-change', 'conf-change-v2'];

export function putSegment(view: DataView, at: number, head: SegmentHead): number {
  putSafeInteger(view, at, head.number);
  putSafeInteger(view, at + 8, head.identity);
  putSafeInteger(view, at + 16, head.nextIndex);
  return at + SEGMENT_BYTES;
}

export function getSegment(view: DataView, at: number): SegmentHead {
  return {
    number: getSafeInteger(view, at),
    identity: getSafeInteger(view, at + 8),
    nextIndex: getSafeInteger(view, at + 16),
  };
}

export function putHardState(view: DataView, at: number, state: HardState): number {
  putSafeInteger(view, at, state.term);
  putSafeInteger(view, at + 8, state.vote);
  putSafeInteger(view, at + 16, state.commit);
  return at + HARD_STATE_BYTES;
}

export function getHardState(view: DataView, at: number): HardState {
  return {
    term: getSafeInteger(view, at),
    vote: getSafeInteger(view, at + 8),
    commit: getSafeInteger(view, at + 16),
  };
}

export function putStart(view: DataView, bytes: Uint8Array, at: number, start: StartRecord): number {
  putSafeInteger(view, at, start.index);
  putSafeInteger(view, at + 8, start.term);
  view.setUint8(at + 16, start.keep ? 1 : 0);
  bytes.set(start.data, at + START_BYTES);
  return at + START_BYTES + start.data.length;
}

export function getStart(view: DataView, bytes: Uint8Array, at: number, end: number): StartRecord {
  return {
    index: getSafeInteger(view, at),
    term: getSafeInteger(view, at + 8),
    keep: view.getUint8(at + 16) === 1,
    // A copy: it outlives by far the file it was read from.
    data: bytes.slice(at + START_BYTES, end),
  };
}

export function putEntry(view: DataView, bytes: Uint8Array, at: number, entry: Entry): number {
  putSafeInteger(view, at, entry.term);
  putSafeInteger(view, at + 8, entry.index);
  view.setUint8(at + 16, entryTypes.indexOf(entry.type));
  bytes.set(entry.data, at + ENTRY_BYTES);
  return at + ENTRY_BYTES + entry.data.length;
}

/** Null when its type is unknown: a newer version wrote it. */
export function getEntry(view: DataView, bytes: Uint8Array, at: number, end: number): Entry | null {
  const type = entryTypes[view.getUint8(at + 16)];
  if (type === undefined) return null;
  return {
    term: getSafeInteger(view, at),
    index: getSafeInteger(view, at + 8),
    type,
    data: bytes.subarray(at + ENTRY_BYTES, end),
  };
}
