/**
 * Which rows of a state mean something still when it is put back from a backup, in a history of its own. Sessions do not: their numbered
 * requests, and what their clients have seen, may be of the time after the backup; for the same reason, answers to requests with a key. Uploads under way neither: their chunks are not in it.
 */
import { rowPrefix } from './row-codec.ts';

const ofConnections: readonly string[] = [rowPrefix.session, rowPrefix.lease, rowPrefix.keyedAnswer];

export function outlivesRestore(key: string): boolean {
  return !ofConnections.some((prefix) => key.startsWith(prefix));
}
