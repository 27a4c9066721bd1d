/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4), eight bytes a step over eight tables. Node offers a CRC-32 only from
 * 20.15 on, and a client in a browser has none at all.
 */
const POLYNOMIAL = 0x82f63b78;
const TABLES = 8;

function makeTables(): Int32Array {
  const tables = new Int32Array(256 * TABLES);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
    tables[byte] = value;
  }
  for (let index = 256; index < tables.length; index++) {
    const before = tables[index - 256] ?? 0;
    tables[index] = (before >>> 8) ^ (tables[before & 255] ?? 0);
  }
  return tables;
}

const T = makeTables();

/**
 * Checksum of `bytes[start, end)`, an unsigned 32-bit number. `seed` is the checksum of the bytes before, so that
 * `crc32c(b, crc32c(a))` is the checksum of a and b in a row.
 */
export function crc32c(bytes: Uint8Array, seed = 0, start = 0, end: number = bytes.length): number {
  let crc = ~seed;
  let at = start;
  // Indices stay inside the tables and the range: the assertions tell the compiler, and cost nothing at run time.
  for (const last = end - 8; at <= last; at += 8) {
    crc ^=
      byte(bytes, at) |
      (byte(bytes, at + 1) << 8) |
      (byte(bytes, at + 2) << 16) |
      (byte(bytes, at + 3) << 24);
    crc =
      entry(1792 + (crc & 255)) ^
      entry(1536 + ((crc >>> 8) & 255)) ^
      entry(1280 + ((crc >>> 16) & 255)) ^
      entry(1024 + (crc >>> 24)) ^
      entry(768 + byte(bytes, at + 4)) ^
      entry(512 + byte(bytes, at + 5)) ^
      entry(256 + byte(bytes, at + 6)) ^
      entry(byte(bytes, at + 7));
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ entry((crc ^ byte(bytes, at)) & 255);
  return ~crc >>> 0;
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] as number;
}

function entry(index: number): number {
  return T[index] as number;
}
