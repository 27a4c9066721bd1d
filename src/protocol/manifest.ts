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
  const chunks: ChunkAddress[] = [];
  for (let place = 0; place < count; place++) {
    chunks.push(readAddress(encoded, headBytes + addressBytes * place));
  }
  return { bytes, chunks };
}

/** `address` must be one (`isAddress`). */
export function writeAddress(target: Uint8Array, at: number, address: ChunkAddress): void {
  for (let byte = 0; byte < addressBytes; byte++) {
    target[at + byte] = Number.parseInt(address.slice(2 * byte, 2 * byte + 2), 16);
  }
}

/** The 32 bytes at `at` must be there. */
export function readAddress(source: Uint8Array, at: number): ChunkAddress {
  let address = '';
  for (const byte of source.subarray(at, at + addressBytes)) address += byte.toString(16).padStart(2, '0');
  return address;
}
