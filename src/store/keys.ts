/** Keys within `level`: see the README of this folder. '"' is the character after '!'. */
export const HEAD_KEY = 'm';
/** Digest of the heads of all streams. */
export const STREAMS_KEY = 'n';
export const DROP_RANGE = { gte: 'd!', lt: 'd"' } as const;
export const STREAM_HEAD_RANGE = { gte: 'h!', lt: 'h"' } as const;
export const LINK_RANGE = { gte: 'l!', lt: 'l"' } as const;
export const ROW_RANGE = { gte: 'r!', lt: 'r"' } as const;
export const STREAM_RANGE = { gte: 's!', lt: 's"' } as const;

const PREFIX_CHARS = 2;
/** Hexadecimal digits of the largest safe integer. */
const NUMBER_CHARS = 14;

export function rowKey(key: string): string {
  return `r!${key}`;
}

export function linkKey(number: number): string {
  return `l!${digits(number)}`;
}

export function streamHeadKey(stream: string): string {
  return `h!${stream}`;
}

/** Present from before the first chunk of a stream is deleted until its head is. */
export function dropKey(stream: string): string {
  return `d!${stream}`;
}

export function chunkKey(stream: string, firstSequence: number): string {
  return `s!${stream}!${digits(firstSequence)}`;
}

export function streamRange(stream: string): { readonly gte: string; readonly lt: string } {
  return { gte: `s!${stream}!`, lt: `s!${stream}"` };
}

/** The row's own key, the stream and sequence as they stand in the key. */
export function withoutPrefix(key: string): string {
  return key.slice(PREFIX_CHARS);
}

export function firstSequenceOf(chunkKey: string): number {
  return Number.parseInt(chunkKey.slice(-NUMBER_CHARS), 16);
}

function digits(number: number): string {
  return Math.min(number, Number.MAX_SAFE_INTEGER).toString(16).padStart(NUMBER_CHARS, '0');
}

export function streamOfChunk(chunkKey: string): string {
  return chunkKey.slice(PREFIX_CHARS, -NUMBER_CHARS - 1);
}
