/**
 * The encryption of a backup file: AES-256-GCM in chunks, as a STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015). A chunk's nonce is its place
 * and whether it is the last one, so that none can be changed, left out, exchanged, added or cut off unnoticed. The key is the
 * file's own: HKDF-SHA256 of the secret and the salt in the head.
 *
 * | bytes | head |
 * |---|---|
 * | 16 | `CONCLAVE BACKUP\n` |
 * | 1 | version, 1 |
 * | 1 | where the secret comes from: 1 a key file, 2 a passphrase |
 * | 2 | zero |
 * | 4, 4, 4 | argon2id: memory in KiB, passes, lanes; zero for a key file (big-endian) |
 * | 32 | salt, random |
 * | 32 | HMAC-SHA256 of all before |
 *
 * Behind it chunks of 64 KiB and 16 bytes; the last one may be shorter.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { KIB } from '../base/limits.ts';
import { invalidBackup } from './records.ts';

const MAGIC = 'CONCLAVE BACKUP\n';
const VERSION = 1;
const FIXED_BYTES = 64;
const MAC_BYTES = 32;
export const SALT_BYTES = 32;
export const HEAD_BYTES = FIXED_BYTES + MAC_BYTES;
const CHUNK_BYTES = 64 * KIB;
const TAG_BYTES = 16;
const NONCE_BYTES = 12;

/** What stretches a passphrase into a secret. */
export interface Stretching {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
}

/** How the secret of a file is found. */
export type SecretSource =
  | { readonly kind: 'key' }
  | { readonly kind: 'passphrase'; readonly stretching: Stretching };

export interface EnvelopeHead {
  readonly source: SecretSource;
  readonly salt: Uint8Array;
}

/** Makes the secret that a head asks for; 32 bytes. */
export type FindSecret = (head: EnvelopeHead) => Promise<Uint8Array>;

/** The bytes of the file, piece by piece. */
export async function* encrypted(
  content: AsyncIterable<Uint8Array>,
  head: EnvelopeHead,
  findSecret: FindSecret,
): AsyncGenerator<Uint8Array, void, undefined> {
  const fixed = encodeHead(head);
  const keys = keysOf(await findSecret(head), head);
  yield Buffer.concat([fixed, macOf(keys.head, fixed)]);
  const chunks = new Cutter(CHUNK_BYTES);
  let place = 0;
  for await (const piece of content) {
    for (const chunk of chunks.add(piece)) yield sealChunk(keys.content, place++, false, chunk);
  }
  yield sealChunk(keys.content, place, true, chunks.rest);
}

/** The content, chunk by chunk, each of them verified. Throws CodedError BACKUP_INVALID at the first that is not as it was written. */
export async function* decrypted(
  file: AsyncIterable<Uint8Array>,
  findSecret: FindSecret,
): AsyncGenerator<Uint8Array, void, undefined> {
  const pieces = file[Symbol.asyncIterator]();
  try {
    const { head, rest } = await takeHead(pieces);
    const { source, salt } = decodeHead(head);
    const keys = keysOf(await findSecret({ source, salt }), { salt });
    const mac = macOf(keys.head, head.subarray(0, FIXED_BYTES));
    if (!timingSafeEqual(mac, head.subarray(FIXED_BYTES))) {
      throw invalidBackup(
        'the key or passphrase is not the one that it was made with, or its head was changed',
      );
    }
    const chunks = new Cutter(CHUNK_BYTES + TAG_BYTES);
    let place = 0;
    for (let piece: Uint8Array | null = rest; piece !== null; piece = await nextOf(pieces)) {
      for (const chunk of chunks.add(piece)) yield openChunk(keys.content, place++, false, chunk);
    }
    yield openChunk(keys.content, place, true, chunks.rest);
  } finally {
    await pieces.return?.();
  }
}

/** Cuts a stream into chunks of one size, and holds the last one back, whatever its size: only its end says that it is the last. */
class Cutter {
  readonly #size: number;
  #parts: Uint8Array[] = [];
  #bytes = 0;

  constructor(size: number) {
    this.#size = size;
  }

  *add(piece: Uint8Array): Generator<Uint8Array, void, undefined> {
    this.#parts.push(piece);
    this.#bytes += piece.length;
    if (this.#bytes <= this.#size) return;
    let all = Buffer.concat(this.#parts);
    while (all.length > this.#size) {
      yield all.subarray(0, this.#size);
      all = all.subarray(this.#size);
    }
    this.#parts = [all];
    this.#bytes = all.length;
  }

  get rest(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}

async function takeHead(pieces: AsyncIterator<Uint8Array>): Promise<{ head: Buffer; rest: Buffer }> {
  let bytes = Buffer.alloc(0);
  while (bytes.length < HEAD_BYTES) {
    const piece = await nextOf(pieces);
    if (piece === null) throw invalidBackup('it is cut off');
    bytes = Buffer.concat([bytes, piece]);
  }
  return { head: bytes.subarray(0, HEAD_BYTES), rest: bytes.subarray(HEAD_BYTES) };
}

async function nextOf(pieces: AsyncIterator<Uint8Array>): Promise<Uint8Array | null> {
  const next = await pieces.next();
  return next.done === true ? null : next.value;
}

function encodeHead({ source, salt }: EnvelopeHead): Buffer {
  const head = Buffer.alloc(FIXED_BYTES);
  head.write(MAGIC, 0, 'latin1');
  head.writeUInt8(VERSION, 16);
  head.writeUInt8(source.kind === 'key' ? 1 : 2, 17);
  const { memoryKib, passes, lanes } = source.kind === 'key' ? noStretching : source.stretching;
  head.writeUInt32BE(memoryKib, 20);
  head.writeUInt32BE(passes, 24);
  head.writeUInt32BE(lanes, 28);
  head.set(salt, 32);
  return head;
}

const noStretching: Stretching = { memoryKib: 0, passes: 0, lanes: 0 };
/** Read before anything is authenticated: what a file may make its reader do is bounded. */
const mostStretching: Stretching = { memoryKib: 1024 * KIB, passes: 16, lanes: 16 };

function decodeHead(head: Buffer): EnvelopeHead {
  if (head.toString('latin1', 0, 16) !== MAGIC) throw invalidBackup('it is none');
  if (head.readUInt8(16) !== VERSION) throw invalidBackup('it is of a newer version');
  const salt = head.subarray(32, FIXED_BYTES);
  const kind = head.readUInt8(17);
  if (kind === 1) return { source: { kind: 'key' }, salt };
  const stretching = {
    memoryKib: head.readUInt32BE(20),
    passes: head.readUInt32BE(24),
    lanes: head.readUInt32BE(28),
  };
  const isBounded =
    stretching.memoryKib <= mostStretching.memoryKib &&
    stretching.passes <= mostStretching.passes &&
    stretching.lanes <= mostStretching.lanes;
  if (kind !== 2 || !isBounded) throw invalidBackup('its head was changed');
  return { source: { kind: 'passphrase', stretching }, salt };
}

function keysOf(secret: Uint8Array, { salt }: Pick<EnvelopeHead, 'salt'>) {
  const derive = (use: string): Uint8Array =>
    new Uint8Array(hkdfSync('sha256', secret, salt, `conclave backup 1 ${use}`, 32));
  return { head: derive('head'), content: derive('content') };
}

function macOf(key: Uint8Array, fixed: Uint8Array): Buffer {
  return createHmac('sha256', key).update(fixed).digest();
}

/** The place in 11 bytes, and 1 for the last chunk. Of one key, so of one file, each is used once. */
function nonceOf(place: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeBigUInt64BE(BigInt(place), NONCE_BYTES - 9);
  nonce.writeUInt8(isLast ? 1 : 0, NONCE_BYTES - 1);
  return nonce;
}

function sealChunk(key: Uint8Array, place: number, isLast: boolean, content: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', key, nonceOf(place, isLast));
  return Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()]);
}

function openChunk(key: Uint8Array, place: number, isLast: boolean, sealed: Uint8Array): Uint8Array {
  const end = sealed.length - TAG_BYTES;
  if (end < 0) throw invalidBackup('it is cut off');
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(place, isLast));
  decipher.setAuthTag(sealed.subarray(end));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, end)), decipher.final()]);
  } catch (error) {
    throw invalidBackup(
      `it was changed or cut off, at ${HEAD_BYTES + place * (CHUNK_BYTES + TAG_BYTES)} bytes`,
      error,
    );
  }
}
