import type { Entry } from './types.ts';

/** What an entry costs beside its data in a frame or a record: index, term, type and lengths. */
export const ENTRY_OVERHEAD_BYTES = 8;

export const NO_BYTES: Uint8Array = new Uint8Array(0);
export const NO_ENTRIES: readonly Entry[] = [];

/** Bytes that count toward the bounds of messages and of a Ready; never 0, so that empty entries are bounded too. */
export function entrySize(entry: Entry): number {
  return entry.data.length + ENTRY_OVERHEAD_BYTES;
}

/** The sum of `entrySize`. */
export function entriesSize(entries: readonly Entry[]): number {
  let size = 0;
  for (const entry of entries) size += entrySize(entry);
  return size;
}

/**
 * Bytes that count toward the uncommitted tail and the inflight window. An empty entry counts 0: the entry that opens a
 * leader's term and the one that leaves a joint configuration can therefore never be refused for size.
 */
export function payloadSize(entries: readonly Entry[]): number {
  let size = 0;
  for (const entry of entries) size += entry.data.length;
  return size;
}
