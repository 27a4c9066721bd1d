import { crc32c } from '../base/crc.ts';
import { StateDamage } from './damage.ts';

/**
 * Every value in `level` begins with a version byte and a CRC-32C of its key, that byte and its content, so that neither a
 * flipped bit nor a value under another's key is taken for good: `level` verifies nothing on an ordinary read.
 */
const VERSION = 1;
export const VALUE_HEADER_BYTES = 5;

export function wrapValue(key: string, content: Uint8Array): Buffer {
  const value = Buffer.allocUnsafe(VALUE_HEADER_BYTES + content.length);
  value.set(content, VALUE_HEADER_BYTES);
  return sealValue(key, value);
}

/** For a value whose content already lies behind room for the header. */
export function sealValue(key: string, value: Buffer): Buffer {
  return sealUnder(keyChecksum(key), value);
}

/** The same, for whoever keeps the checksum of the key. */
export function sealUnder(keySum: number, value: Buffer): Buffer {
  value[0] = VERSION;
  value.writeUInt32LE(checksumUnder(keySum, value), 1);
  return value;
}

/** The content, sharing the value's memory. Throws `StateDamage`. */
export function unwrapValue(key: string, value: Buffer): Buffer {
  if (value.length < VALUE_HEADER_BYTES || valueChecksum(value) !== checksum(key, value)) {
    throw new StateDamage('value', `The value of ${JSON.stringify(key)} in the state is damaged.`);
  }
  if (value[0] !== VERSION) {
    throw new StateDamage('version', `The value of ${JSON.stringify(key)} was written by a newer version.`);
  }
  return value.subarray(VALUE_HEADER_BYTES);
}

/** The same memory without what sets a `Buffer` apart (its `slice` does not copy): for all that leaves the store. */
export function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

/** The checksum that the value carries. */
export function valueChecksum(value: Buffer): number {
  return value.readUInt32LE(1);
}

export function keyChecksum(key: string): number {
  return crc32c(Buffer.from(key, 'utf8'));
}

function checksum(key: string, value: Buffer): number {
  return checksumUnder(keyChecksum(key), value);
}

function checksumUnder(keySum: number, value: Buffer): number {
  const afterVersion = crc32c(value, keySum, 0, 1);
  return crc32c(value, afterVersion, VALUE_HEADER_BYTES);
}
