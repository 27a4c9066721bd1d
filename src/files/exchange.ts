/**
 * What nodes ask each other about chunks: a version, a kind and a body, answered by frames. Comes from an authenticated peer and is
 * validated all the same: what does not follow its format is null.
 */
import { unreachable } from '../base/assert.ts';
import { type ChunkAddress, manifestBytes, readAddress, writeAddress } from '../protocol/manifest.ts';

const version = 1;
const addressBytes = 32;
const headBytes = 2;

/** Chunks of one question: they come one after another on one connection. */
export const chunksPerQuestion = 8;

export type Question =
  /** Keep this chunk (or the manifest itself), which belongs to that manifest. Answer: `Stored`. */
  | {
      readonly kind: 'put';
      readonly manifest: ChunkAddress;
      readonly address: ChunkAddress;
      readonly content: Uint8Array;
    }
  /** Which chunks of it are there? Answer: `Holdings`. */
  | { readonly kind: 'holds'; readonly manifest: ChunkAddress }
  /** Answer: a `Copy` for each, in order. */
  | { readonly kind: 'get'; readonly addresses: readonly ChunkAddress[] }
  /** Is everything there that messages refer to? Answer: `Completeness`. */
  | { readonly kind: 'complete' };

const kinds = ['put', 'holds', 'get', 'complete'] as const;

export function encodeQuestion(question: Question): Uint8Array {
  switch (question.kind) {
    case 'put': {
      const bytes = begin(question.kind, 2 * addressBytes + question.content.length);
      writeAddress(bytes, headBytes, question.manifest);
      writeAddress(bytes, headBytes + addressBytes, question.address);
      bytes.set(question.content, headBytes + 2 * addressBytes);
      return bytes;
    }
    case 'holds': {
      const bytes = begin(question.kind, addressBytes);
      writeAddress(bytes, headBytes, question.manifest);
      return bytes;
    }
    case 'get': {
      const bytes = begin(question.kind, addressBytes * question.addresses.length);
      for (const [place, address] of question.addresses.entries()) {
        writeAddress(bytes, headBytes + addressBytes * place, address);
      }
      return bytes;
    }
    case 'complete':
      return begin(question.kind, 0);
    default:
      return unreachable(question);
  }
}

function begin(kind: Question['kind'], bodyBytes: number): Uint8Array {
  const bytes = new Uint8Array(headBytes + bodyBytes);
  bytes[0] = version;
  bytes[1] = kinds.indexOf(kind);
  return bytes;
}

/** Contents are views of `bytes`. */
export function decodeQuestion(bytes: Uint8Array): Question | null {
  const kind = kinds[bytes[1] ?? kinds.length];
  const body = bytes.length - headBytes;
  if (bytes[0] !== version || kind === undefined) return null;
  switch (kind) {
    case 'put': {
      const contentBytes = body - 2 * addressBytes;
      if (contentBytes < 0 || contentBytes > manifestBytes) return null;
      return {
        kind,
        manifest: readAddress(bytes, headBytes),
        address: readAddress(bytes, headBytes + addressBytes),
        content: bytes.subarray(headBytes + 2 * addressBytes),
      };
    }
    case 'holds':
      return body === addressBytes ? { kind, manifest: readAddress(bytes, headBytes) } : null;
    case 'get': {
      const count = body / addressBytes;
      if (!Number.isInteger(count) || count === 0 || count > chunksPerQuestion) return null;
      const addresses = Array.from({ length: count }, (_, place) =>
        readAddress(bytes, headBytes + addressBytes * place),
      );
      return { kind, addresses };
    }
    case 'complete':
      return body === 0 ? { kind } : null;
    default:
      return unreachable(kind);
  }
}

/** `no-upload`: the peer's state knows no such manifest, so it would not keep the chunk. */
export type Stored = 'stored' | 'no-upload' | 'busy' | 'failed' | 'no-room';
const storedKinds: readonly Stored[] = ['stored', 'no-upload', 'busy', 'failed', 'no-room'];

export function encodeStored(stored: Stored): Uint8Array {
  return Uint8Array.of(storedKinds.indexOf(stored));
}

/** Anything unknown is a failure of the other side. */
export function decodeStored(bytes: Uint8Array | undefined): Stored {
  return storedKinds[bytes?.[0] ?? storedKinds.length] ?? 'failed';
}

/** One flag a chunk, in the manifest's order; null when the manifest itself is not held. */
export type Holdings = readonly boolean[] | null;

export function encodeHoldings(holdings: Holdings): Uint8Array {
  if (holdings === null) return new Uint8Array(0);
  const bytes = new Uint8Array(1 + Math.ceil(holdings.length / 8));
  bytes[0] = 1;
  for (const [place, held] of holdings.entries()) {
    const at = 1 + (place >>> 3);
    if (held) bytes[at] = (bytes[at] ?? 0) | (1 << (place & 7));
  }
  return bytes;
}

/** Null too when it does not fit a manifest of `count` chunks. */
export function decodeHoldings(bytes: Uint8Array | undefined, count: number): Holdings {
  if (bytes === undefined || bytes[0] !== 1 || bytes.length !== 1 + Math.ceil(count / 8)) return null;
  return Array.from(
    { length: count },
    (_, place) => (((bytes[1 + (place >>> 3)] ?? 0) >>> (place & 7)) & 1) === 1,
  );
}

/** A chunk, or null where it is not held. */
export type Copy = Uint8Array | null;

export function encodeCopy(copy: Copy): Uint8Array {
  if (copy === null) return Uint8Array.of(0);
  const bytes = new Uint8Array(1 + copy.length);
  bytes[0] = 1;
  bytes.set(copy, 1);
  return bytes;
}

export function decodeCopy(bytes: Uint8Array): Copy {
  return bytes[0] === 1 ? bytes.subarray(1) : null;
}

/** Chunks and manifests that are still to come; null: not known yet. */
export type Completeness = number | null;

export function encodeCompleteness(missing: Completeness): Uint8Array {
  const bytes = new Uint8Array(5);
  if (missing === null) return bytes;
  bytes[0] = 1;
  new DataView(bytes.buffer).setUint32(1, Math.min(missing, 2 ** 32 - 1));
  return bytes;
}

export function decodeCompleteness(bytes: Uint8Array | undefined): Completeness {
  if (bytes === undefined || bytes.length !== 5 || bytes[0] !== 1) return null;
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(1);
}
