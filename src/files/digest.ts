import { createHash } from 'node:crypto';
import type { ChunkAddress } from '../protocol/manifest.ts';

export function addressOf(content: Uint8Array): ChunkAddress {
  return createHash('sha256').update(content).digest('hex');
}
