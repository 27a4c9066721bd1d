import type { Indexes } from './batch.ts';
import { encodeDigest } from './head.ts';

/**
 * What two nodes compare: count and two checksums of all rows, and the same of the heads of all streams, which cover every record. Kept up
 * to date with each batch, so it costs nothing to ask for.
 */
export function digestText({ rows, streams }: Indexes): string {
  return Buffer.concat([encodeDigest(rows.digest), encodeDigest(streams.digest)]).toString('hex');
}
