import { crc32c } from '../../src/base/crc.ts';

/** Of text and bytes, for comparisons within one run. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash | 0;
}

export function hashBytes(bytes: Uint8Array): number {
  return crc32c(bytes);
}

export function mixed(a: number, b: number): number {
  let hash = Math.imul(a ^ (b | 0), 0x85ebca6b);
  hash ^= hash >>> 13;
  return Math.imul(hash, 0xc2b2ae35) | 0;
}
