/**
 * What a program shows to read `/metrics` and `/cluster` of a node that strangers can reach: it follows from the cluster key, so that
 * every node of a cluster takes the same one, and it opens nothing else.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

export function operationsToken(clusterKey: Uint8Array): string {
  return createHmac('sha256', clusterKey).update('conclave operations token').digest('hex');
}

/** `authorization`: the header, `Bearer TOKEN`. */
export function showsToken(authorization: string | undefined, token: string): boolean {
  const given = Buffer.from(authorization ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
