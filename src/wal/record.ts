import { crc32c } from '../base/crc.ts';

/** Layout of a record: see the README of this folder. */
export const RECORD_HEADER_BYTES = 20;
/** Largest payload that is believed; far above the largest command, and small enough to bound a search. */
export const RECORD_PAYLOAD_BYTES = 64 * 1024 * 1024;
export const RECORD_VERSION = 1;

export const recordTypes = { segment: 1, start: 2, hardState: 3, entry: 4 } as const;

const CRC = 0;
const LENGTH = 4;
const CHAIN = 8;
const ROUND = 12;
const TYPE = 16;
const VERSION = 17;
const ZERO = 18;

/** A record whose own CRC is right; whether it continues the chain is for the reader of the file to say. */
export interface RawRecord {
  readonly crc: number;
  readonly chain: number;
  readonly round: number;
  readonly type: number;
  readonly version: number;
  readonly payloadStart: number;
  /** Offset after the record. */
  readonly end: number;
}

/** Writes the header of a record whose payload already lies behind it, and returns the record's CRC. */
export function sealRecord(
  view: DataView,
  bytes: Uint8Array,
  at: number,
  end: number,
  fields: { readonly chain: number; readonly round: number; readonly type: number },
): number {
  view.setUint32(at + LENGTH, end - at - RECORD_HEADER_BYTES, true);
  view.setUint32(at + CHAIN, fields.chain, true);
  view.setUint32(at + ROUND, fields.round, true);
  view.setUint8(at + TYPE, fields.type);
  view.setUint8(at + VERSION, RECORD_VERSION);
  view.setUint16(at + ZERO, 0);
  const crc = crc32c(bytes, 0, at + LENGTH, end);
  view.setUint32(at + CRC, crc, true);
  return crc;
}

/** The record at `at`, or null when there is no whole and right one. */
export function readRecord(view: DataView, bytes: Uint8Array, at: number): RawRecord | null {
  const length = plausibleLength(view, at);
  if (length === null) return null;
  const end = at + RECORD_HEADER_BYTES + length;
  const crc = view.getUint32(at + CRC, true);
  if (crc32c(bytes, 0, at + LENGTH, end) !== crc) return null;
  return {
    crc,
    chain: view.getUint32(at + CHAIN, true),
    round: view.getUint32(at + ROUND, true),
    type: view.getUint8(at + TYPE),
    version: view.getUint8(at + VERSION),
    payloadStart: at + RECORD_HEADER_BYTES,
    end,
  };
}

/** Length of the payload if a record could begin at `at`, judged without its CRC. */
export function plausibleLength(view: DataView, at: number): number | null {
  if (at + RECORD_HEADER_BYTES > view.byteLength) return null;
  if (view.getUint16(at + ZERO) !== 0 || view.getUint8(at + TYPE) === 0 || view.getUint8(at + VERSION) === 0)
    return null;
  const length = view.getUint32(at + LENGTH, true);
  if (length > RECORD_PAYLOAD_BYTES || at + RECORD_HEADER_BYTES + length > view.byteLength) return null;
  return readRound(view, at) <= at ? length : null;
}

/** The field `round` of what begins at `at`, whether or not it is a record. */
export function readRound(view: DataView, at: number): number {
  return view.getUint32(at + ROUND, true);
}

const TWO_32 = 2 ** 32;

/** Safe integers as 8 bytes. */
export function putSafeInteger(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % TWO_32, true);
  view.setUint32(at + 4, Math.floor(value / TWO_32), true);
}

export function getSafeInteger(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * TWO_32 + view.getUint32(at, true);
}
