/** Keys within `level`: see the README of this folder. '"' is the character after '!'. */
export const HEAD_KEY = 'm';
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
