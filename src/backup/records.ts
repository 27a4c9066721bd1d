/**
 * What a backup holds, as a stream of records: a head, the copy of the state in its frames, the chunks of files, an end that counts them.
 * Each record is its kind (1 byte), its length (4 bytes, little-endian) and its content. This is what a node sends and what a file holds
 * below its encryption.
 */
import { CodedError } from '../base/errors.ts';
import { MIB } from '../base/limits.ts';

export interface BackupHead {
  readonly version: 1;
  /** Name of the cluster that it is of. */
  readonly cluster: string;
  /** The node that made it. */
  readonly node: number;
  readonly madeMs: number;
  /** Log index of the state. */
  readonly index: number;
  /** Of all files, about: for a progress bar. */
  readonly fileBytes: number;
}

export interface BackupEnd {
  readonly frames: number;
  readonly pieces: number;
  /** Of chunks that no node had. */
  readonly missing: number;
}

export type BackupRecord =
  | { readonly kind: 'head'; readonly head: BackupHead }
  /** Of `StateStore.exportSnapshot`. */
  | { readonly kind: 'frame'; readonly frame: Uint8Array }
  /** A manifest or a chunk of a file, under its SHA-256. */
  | { readonly kind: 'piece'; readonly address: string; readonly content: Uint8Array }
  /** Referred to, and on no node that could be reached. */
  | { readonly kind: 'missing'; readonly address: string }
  | { readonly kind: 'end'; readonly end: BackupEnd };

const HEAD = 1;
const FRAME = 2;
const PIECE = 3;
const MISSING = 4;
const END = 5;
const PREFIX_BYTES = 5;
const ADDRESS_BYTES = 32;
/** Above a manifest and its address: bounds what a reader gathers before it believes in a record. */
const RECORD_BYTES = 1 * MIB + 1_024;

export function encodeRecord(record: BackupRecord): Uint8Array {
  switch (record.kind) {
    case 'head':
      return withPrefix(HEAD, [jsonOf(record.head)]);
    case 'frame':
      return withPrefix(FRAME, [record.frame]);
    case 'piece':
      return withPrefix(PIECE, [Buffer.from(record.address, 'hex'), record.content]);
    case 'missing':
      return withPrefix(MISSING, [Buffer.from(record.address, 'hex')]);
    case 'end':
      return withPrefix(END, [jsonOf(record.end)]);
    default:
      return record satisfies never;
  }
}

/** Turns bytes, cut anywhere, back into records. Throws CodedError BACKUP_INVALID. */
export class RecordReader {
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #needed = PREFIX_BYTES;

  *read(bytes: Uint8Array): Generator<BackupRecord, void, undefined> {
    this.#parts.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes < this.#needed) return;
    let rest = Buffer.concat(this.#parts);
    for (let length = recordLength(rest); length <= rest.length; length = recordLength(rest)) {
      yield decodeRecord(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
    this.#parts = rest.length === 0 ? [] : [rest];
    this.#bytes = rest.length;
    this.#needed = recordLength(rest);
  }

  /** Nothing of an unfinished record is left. */
  get isBetweenRecords(): boolean {
    return this.#bytes === 0;
  }
}

export function invalidBackup(text: string, cause?: unknown): CodedError {
  return new CodedError('BACKUP_INVALID', `The backup cannot be used: ${text}.`, { cause });
}

/** Bytes of the record at the start, which may not be there whole; at least those of the prefix. */
function recordLength(bytes: Buffer): number {
  if (bytes.length < PREFIX_BYTES) return PREFIX_BYTES;
  const length = bytes.readUInt32LE(1);
  if (length > RECORD_BYTES) throw invalidBackup('a record is too long');
  return PREFIX_BYTES + length;
}

function decodeRecord(bytes: Buffer): BackupRecord {
  const content = bytes.subarray(PREFIX_BYTES);
  switch (bytes.readUInt8(0)) {
    case HEAD:
      return { kind: 'head', head: headOf(jsonIn(content)) };
    case FRAME:
      return { kind: 'frame', frame: content };
    case PIECE:
      return { kind: 'piece', address: addressIn(content), content: content.subarray(ADDRESS_BYTES) };
    case MISSING:
      return { kind: 'missing', address: addressIn(content) };
    case END:
      return { kind: 'end', end: endOf(jsonIn(content)) };
    default:
      throw invalidBackup('it holds a record of an unknown kind, perhaps of a newer version');
  }
}

function headOf(value: Readonly<Record<string, unknown>>): BackupHead {
  const { version, cluster } = value;
  if (version !== 1) throw invalidBackup('it is of a newer version');
  if (typeof cluster !== 'string') throw invalidBackup('its head cannot be read');
  return {
    version,
    cluster,
    node: countIn(value, 'node'),
    madeMs: countIn(value, 'madeMs'),
    index: countIn(value, 'index'),
    fileBytes: countIn(value, 'fileBytes'),
  };
}

function endOf(value: Readonly<Record<string, unknown>>): BackupEnd {
  return {
    frames: countIn(value, 'frames'),
    pieces: countIn(value, 'pieces'),
    missing: countIn(value, 'missing'),
  };
}

function countIn(value: Readonly<Record<string, unknown>>, name: string): number {
  const count = value[name];
  if (typeof count === 'number' && Number.isSafeInteger(count) && count >= 0) return count;
  throw invalidBackup(`its field ${name} cannot be read`);
}

function addressIn(content: Buffer): string {
  if (content.length < ADDRESS_BYTES) throw invalidBackup('a record is too short');
  return content.toString('hex', 0, ADDRESS_BYTES);
}

function jsonIn(content: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(content.toString('utf8'));
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch (error) {
    throw invalidBackup('a record cannot be read', error);
  }
  throw invalidBackup('a record cannot be read');
}

function jsonOf(value: BackupHead | BackupEnd): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

function withPrefix(kind: number, parts: readonly Uint8Array[]): Uint8Array {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt8(kind, 0);
  prefix.writeUInt32LE(
    parts.reduce((sum, { length }) => sum + length, 0),
    1,
  );
  return Buffer.concat([prefix, ...parts]);
}
