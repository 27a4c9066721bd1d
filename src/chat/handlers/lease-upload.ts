import { chargedBytes } from '../conversations/files.ts';
import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';

type LeaseUpload = Extract<Command, { kind: 'lease-upload' }>;

/**
 * Promises an account room for a file and its chunks a place that no collection clears away, for a day from the last time it was asked for.
 * Asked again it is the same lease. The limits come with the command: nodes whose configurations differ must not part.
 */
export function leaseUpload(context: Context, command: LeaseUpload): Result {
  const { actor, tables, moment } = context;
  const { files } = tables;
  const { manifest, bytes, quota } = command;
  if (actor === null) return reject('AUTH_REQUIRED');
  if (!/^[0-9a-f]{64}$/.test(manifest)) return reject('BAD_REQUEST');
  if (bytes > quota.fileBytes) return reject('TOO_LARGE');
  const before = files.lease(actor.id, manifest);
  if (before === undefined) {
    const charged = chargedBytes(bytes);
    if (files.leaseCount(actor.id) >= files.bounds.leasesPerAccount) return reject('QUOTA_EXCEEDED');
    if (files.bytesOf(actor.id) + charged > quota.accountBytes) return reject('QUOTA_EXCEEDED');
    const isNew = !files.has(manifest);
    if (isNew && files.clusterBytes + charged > quota.clusterBytes) return reject('QUOTA_EXCEEDED');
  } else if (before.bytes !== bytes) {
    return reject('BAD_REQUEST');
  }
  const untilMs = moment.clusterMs + files.bounds.leaseMs;
  files.grant({ account: actor.id, manifest, bytes, untilMs, index: moment.index });
  return accept({ kind: 'upload-leased', manifest, bytes });
}
