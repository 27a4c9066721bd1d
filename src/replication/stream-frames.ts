/** Frames of a stream between two nodes: data, the end, or the other side's failure. */
export type StreamFrame =
  | { readonly kind: 'data'; readonly chunk: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'failed' };

const DATA = 0;
const END = 1;
const FAILED = 2;

export function encodeStreamFrame(frame: StreamFrame): Uint8Array {
  if (frame.kind !== 'data') return Uint8Array.of(frame.kind === 'end' ? END : FAILED);
  const bytes = new Uint8Array(1 + frame.chunk.length);
  bytes[0] = DATA;
  bytes.set(frame.chunk, 1);
  return bytes;
}

/** Anything unknown is a failure of the other side. */
export function decodeStreamFrame(bytes: Uint8Array): StreamFrame {
  if (bytes[0] === DATA) return { kind: 'data', chunk: bytes.subarray(1) };
  return { kind: bytes[0] === END ? 'end' : 'failed' };
}
