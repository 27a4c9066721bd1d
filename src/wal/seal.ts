import { crc32c } from '../base/crc.ts';
import type { Disk } from '../base/disk.ts';
import { LogDamage } from './damage.ts';
import { getSafeInteger, putSafeInteger } from './record.ts';
import { SEAL_NAME } from './segment.ts';

/** The end of a log that was stopped cleanly: nothing may be missing before it, and nothing may follow it. */
export interface Seal {
  readonly identity: number;
  readonly segment: number;
  /** Length of the records of that segment. */
  readonly end: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly chain: number;
}

const VERSION = 1;
const BYTES = 56;
const CRC = 52;

export async function writeSeal(disk: Disk, directory: string, seal: Seal): Promise<void> {
  const bytes = new Uint8Array(BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, VERSION, true);
  putSafeInteger(view, 4, seal.identity);
  putSafeInteger(view, 12, seal.segment);
  putSafeInteger(view, 20, seal.end);
  putSafeInteger(view, 28, seal.lastIndex);
  putSafeInteger(view, 36, seal.lastTerm);
  view.setUint32(44, seal.chain, true);
  view.setUint32(CRC, crc32c(bytes, 0, 0, CRC), true);
  await disk.replace(`${directory}/${SEAL_NAME}`, bytes);
}

/** Null when there is none. It is written whole or not at all, so a wrong one is damage. */
export async function readSeal(disk: Disk, directory: string): Promise<Seal | null> {
  const path = `${directory}/${SEAL_NAME}`;
  const bytes = await disk.read(path);
  if (bytes === null) return null;
  if (bytes.length !== BYTES) throw new LogDamage('seal', path, 0, 'the seal of the log has a wrong length');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(CRC, true) !== crc32c(bytes, 0, 0, CRC)) {
    throw new LogDamage('seal', path, 0, 'the checksum of the seal is wrong');
  }
  if (view.getUint32(0, true) !== VERSION) {
    throw new LogDamage('version', path, 0, 'the seal was written by a newer version');
  }
  return {
    identity: getSafeInteger(view, 4),
    segment: getSafeInteger(view, 12),
    end: getSafeInteger(view, 20),
    lastIndex: getSafeInteger(view, 28),
    lastTerm: getSafeInteger(view, 36),
    chain: view.getUint32(44, true),
  };
}
