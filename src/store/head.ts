import { StateDamage } from './damage.ts';
import type { Database, Snapshot } from './database.ts';
import { HEAD_KEY } from './keys.ts';
import type { AppliedMark } from './state-store.ts';
import { unwrapValue } from './value.ts';

/** What every batch says about the state as a whole, in the same batch. */
export interface Head {
  readonly mark: AppliedMark;
  readonly batch: BatchPosition;
  readonly rows: RowDigest;
}

export interface BatchPosition {
  /** 1 for the first batch of a directory. */
  readonly number: number;
  /** Checksum over all batches so far. */
  readonly chain: number;
  /** Number of the oldest link that is kept. */
  readonly oldestLink: number;
}

/** Count, and checksums of the rows' own checksums that do not depend on the rows' order. */
export interface RowDigest {
  readonly count: number;
  readonly xor: number;
  readonly sum: number;
}

const DIGEST_BYTES = 16;

export const noRows: RowDigest = { count: 0, xor: 0, sum: 0 };

export interface Link {
  readonly number: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly chainBefore: number;
  readonly chain: number;
}

/** A mark's fixed part: four 8-byte floating-point numbers, exact for every safe integer. */
const MARK_BYTES = 32;
const HEAD_BYTES = 36;
const LINK_BYTES = 32;

export function encodeMark(mark: AppliedMark): Buffer {
  const bytes = Buffer.allocUnsafe(MARK_BYTES + mark.engine.length);
  bytes.writeDoubleLE(mark.index, 0);
  bytes.writeDoubleLE(mark.term, 8);
  bytes.writeDoubleLE(mark.wallMs, 16);
  bytes.writeDoubleLE(mark.clusterMs, 24);
  bytes.set(mark.engine, MARK_BYTES);
  return bytes;
}

export function decodeMark(bytes: Buffer): AppliedMark {
  if (bytes.length < MARK_BYTES) throw new StateDamage('value', 'The mark of the state is too short.');
  return {
    index: bytes.readDoubleLE(0),
    term: bytes.readDoubleLE(8),
    wallMs: bytes.readDoubleLE(16),
    clusterMs: bytes.readDoubleLE(24),
    engine: Uint8Array.from(bytes.subarray(MARK_BYTES)),
  };
}

export function encodeHead({ mark, batch, rows }: Head): Buffer {
  const fixed = Buffer.allocUnsafe(HEAD_BYTES);
  fixed.writeDoubleLE(batch.number, 0);
  fixed.writeDoubleLE(batch.oldestLink, 8);
  fixed.writeUInt32LE(batch.chain, 16);
  fixed.writeUInt32LE(rows.xor, 20);
  fixed.writeUInt32LE(rows.sum, 24);
  fixed.writeDoubleLE(rows.count, 28);
  return Buffer.concat([fixed, encodeMark(mark)]);
}

export function decodeHead(bytes: Buffer): Head {
  if (bytes.length < HEAD_BYTES) throw new StateDamage('value', 'The head of the state is too short.');
  return {
    mark: decodeMark(bytes.subarray(HEAD_BYTES)),
    batch: {
      number: bytes.readDoubleLE(0),
      oldestLink: bytes.readDoubleLE(8),
      chain: bytes.readUInt32LE(16),
    },
    rows: { xor: bytes.readUInt32LE(20), sum: bytes.readUInt32LE(24), count: bytes.readDoubleLE(28) },
  };
}

export function encodeDigest({ count, xor, sum }: RowDigest): Buffer {
  const bytes = Buffer.allocUnsafe(DIGEST_BYTES);
  bytes.writeDoubleLE(count, 0);
  bytes.writeUInt32LE(xor, 8);
  bytes.writeUInt32LE(sum, 12);
  return bytes;
}

export function decodeDigest(bytes: Buffer): RowDigest {
  if (bytes.length < DIGEST_BYTES) throw new StateDamage('value', 'A digest of the state is too short.');
  return { count: bytes.readDoubleLE(0), xor: bytes.readUInt32LE(8), sum: bytes.readUInt32LE(12) };
}

/** Null when the database is empty. */
export async function readHead(database: Database, snapshot?: Snapshot): Promise<Head | null> {
  const options = snapshot === undefined ? {} : { snapshot };
  const value = await database.get<string, Buffer>(HEAD_KEY, options);
  return value === undefined ? null : decodeHead(unwrapValue(HEAD_KEY, value));
}

export function encodeLink(link: Link): Buffer {
  const bytes = Buffer.allocUnsafe(LINK_BYTES);
  bytes.writeDoubleLE(link.number, 0);
  bytes.writeDoubleLE(link.firstIndex, 8);
  bytes.writeDoubleLE(link.lastIndex, 16);
  bytes.writeUInt32LE(link.chainBefore, 24);
  bytes.writeUInt32LE(link.chain, 28);
  return bytes;
}

export function decodeLink(bytes: Buffer): Link {
  if (bytes.length < LINK_BYTES) throw new StateDamage('value', 'A link of the state is too short.');
  return {
    number: bytes.readDoubleLE(0),
    firstIndex: bytes.readDoubleLE(8),
    lastIndex: bytes.readDoubleLE(16),
    chainBefore: bytes.readUInt32LE(24),
    chain: bytes.readUInt32LE(28),
  };
}
