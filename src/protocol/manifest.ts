/**
 * A file as a list of chunks: what is uploaded, stored under its own SHA-256 like a chunk, and named in a message by that
 * one address. Chunks are cut at fixed places, so that any of them can be sent, repeated or fetched by itself.
 */
import { KIB, MIB } from '../base/limits.ts';

/** SHA-256 of the content, 64 hex digits in lower case. */
export type ChunkAddress = string;

/** See docs/decisions/0028-files-as-chunks.md for the size. */
export const chunkBytes = 512 * KIB;
/** Addresses of 32 bytes: 32,767 chunks, just below 16 GiB. */
export const manifestBytes = 1 * MIB;
const version = 1;
const headBytes = 16;
const addressBytes = 32;
export const largestFileBytes = Math.floor((manifestBytes - headBytes) / addressBytes) * chunkBytes;

export interface Manifest {
  /** Of the whole file; 0 for an empty one, which has no chunk. */
  readonly bytes: number;
  /** In order. All hold `chunkBytes` bytes but the last, which holds the rest. */
  readonly chunks: readonly ChunkAddress[];
}

export function isAddress(text: string): boolean {
  return text.length === 2 * addressBytes && /^[0-9a-f]+$/.test(text);
}

export function chunkCount(bytes: number): number {
  return Math.ceil(bytes / chunkBytes);
}

/** Bytes of the chunk at `place`. */
export function chunkLength(manifest: Manifest, place: number): number {
  const isLast = place === manifest.chunks.length - 1;
  return isLast ? manifest.bytes - place * chunkBytes : chunkBytes;
}

/** Layout: version, 3 zeros, chunk size (u32), file size (u64), then 32 bytes a chunk; numbers big-endian. */
export function encodeManifest({ bytes, chunks }: Manifest): Uint8Array {
  const encoded = new Uint8Array(headBytes + addressBytes * chunks.length);
  const view = new DataView(encoded.buffer);
  view.setUint8(0, version);
  view.setUint32(4, chunkBytes);
  view.setBigUint64(8, BigInt(bytes));
  for (const [place, address] of chunks.entries()) {
    writeAddress(encoded, headBytes + addressBytes * place, address);
  }
  return encoded;
}

/** Null when it is no manifest of this version, or one whose parts do not fit each other. */
export function decodeManifest(encoded: Uint8Array): Manifest | null {
  if (encoded.length < headBytes || encoded.length > manifestBytes) return null;
  const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  const isKnown = view.getUint32(0) === version * 2 ** 24 && view.getUint32(4) === chunkBytes;
  const bytes = Number(view.getBigUint64(8));
  if (!isKnown || bytes > largestFileBytes) return null;
  const count = chunkCount(bytes);
  if (encoded.length !== headBytes + addressBytes * count) return null;
  return { bytes, chunks: readAddresses(encoded, headBytes, count) };
}

/** `address` must be one (`isAddress`). Tables and arithmetic: a large file has tens of thousands of addresses. */
export function writeAddress(target: Uint8Array, at: number, address: ChunkAddress): void {
  for (let byte = 0; byte < addressBytes; byte++) {
    target[at + byte] =
      16 * digitOf(address.charCodeAt(2 * byte)) + digitOf(address.charCodeAt(2 * byte + 1));
  }
}

const letterA = 'a'.charCodeAt(0);
const zero = '0'.charCodeAt(0);

function digitOf(unit: number): number {
  return unit >= letterA ? unit - letterA + 10 : unit - zero;
}

const digits = new TextEncoder().encode('0123456789abcdef');
const decoder = new TextDecoder();

/** The 32 bytes at `at` must be there. */
export function readAddress(source: Uint8Array, at: number): ChunkAddress {
  return readAddresses(source, at, 1)[0] ?? '';
}

/** So many in a row. As one text that is cut: built digit by digit, those of a large file would hold everything else up. */
function readAddresses(source: Uint8Array, at: number, count: number): ChunkAddress[] {
  const text = new Uint8Array(2 * addressBytes * count);
  for (let place = 0; place < addressBytes * count; place++) {
    const byte = source[at + place] ?? 0;
    text[2 * place] = digits[byte >>> 4] ?? 0;
    text[2 * place + 1] = digits[byte & 15] ?? 0;
  }
  const all = decoder.decode(text);
  return Array.from({ length: count }, (_, place) =>
    all.slice(2 * addressBytes * place, 2 * addressBytes * (place + 1)),
  );
}
