/**
 * The same picture in fewer bytes. A browser writes its rows as differences to their neighbours, as photographs want it; pages are flat and
 * repeat themselves, and take a fifth less as they are. Knows what browsers write: 8 bits a channel, without interlacing.
 */
import { deflateSync, inflateSync } from 'node:zlib';

const signatureBytes = 8;
/** Length, name and checksum around the content of a chunk. */
const frameBytes = 12;
const channels: Readonly<Record<number, number>> = { 2: 3, 6: 4 };

interface Chunk {
  readonly name: string;
  readonly content: Buffer;
}

/** Throws for a picture of another kind. */
export function repack(png: Buffer): Buffer {
  const chunks = chunksOf(png);
  const header = chunks.find(({ name }) => name === 'IHDR')?.content;
  const pixelBytes = channels[header?.[9] ?? -1];
  if (header === undefined || pixelBytes === undefined || header[8] !== 8 || header[12] !== 0) {
    throw new Error('a picture of another kind than browsers write');
  }
  const data = Buffer.concat(chunks.filter(({ name }) => name === 'IDAT').map(({ content }) => content));
  const rows = plainRows(inflateSync(data), header.readUInt32BE(0) * pixelBytes, pixelBytes);
  return Buffer.concat([
    png.subarray(0, signatureBytes),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows, { level: 9, memLevel: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunksOf(png: Buffer): readonly Chunk[] {
  const chunks: Chunk[] = [];
  for (let at = signatureBytes; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const name = png.toString('latin1', at + 4, at + 8);
    chunks.push({ name, content: png.subarray(at + 8, at + 8 + length) });
    at += frameBytes + length;
  }
  return chunks;
}

/** Every row begins with the number of its filter; in the result each has none. */
function plainRows(filtered: Buffer, rowBytes: number, pixelBytes: number): Buffer {
  const rows = Buffer.alloc(filtered.length);
  const stride = rowBytes + 1;
  for (let start = 0; start < filtered.length; start += stride) {
    const filter = filtered[start] ?? 0;
    for (let x = 0; x < rowBytes; x++) {
      const at = start + 1 + x;
      const hasLeft = x >= pixelBytes;
      const left = hasLeft ? (rows[at - pixelBytes] ?? 0) : 0;
      const above = start > 0 ? (rows[at - stride] ?? 0) : 0;
      const corner = hasLeft && start > 0 ? (rows[at - stride - pixelBytes] ?? 0) : 0;
      rows[at] = (filtered[at] ?? 0) + predicted(filter, left, above, corner);
    }
  }
  return rows;
}

/** PNG specification, section 9. */
function predicted(filter: number, left: number, above: number, corner: number): number {
  switch (filter) {
    case 0:
      return 0;
    case 1:
      return left;
    case 2:
      return above;
    case 3:
      return (left + above) >> 1;
    case 4: {
      const guess = left + above - corner;
      const [dl, da, dc] = [Math.abs(guess - left), Math.abs(guess - above), Math.abs(guess - corner)];
      return dl <= da && dl <= dc ? left : da <= dc ? above : corner;
    }
    default:
      throw new Error(`there is no filter ${filter} in a PNG`);
  }
}

function chunk(name: string, content: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(name, 'latin1'), content]);
  const framed = Buffer.alloc(frameBytes + content.length);
  framed.writeUInt32BE(content.length, 0);
  named.copy(framed, 4);
  framed.writeUInt32BE(crc32(named), frameBytes - 4 + content.length);
  return framed;
}

/** The one of zip and PNG (ISO 3309), bit by bit: the platform has it from Node 20.15 on only. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb8_8320 : crc >>> 1;
  }
  return ~crc >>> 0;
}
