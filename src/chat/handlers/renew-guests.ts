import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';

type RenewGuests = Extract<Command, { kind: 'renew-guests' }>;

/** A node's own command, never a client's. Guests whose lease is over are passed over: they are gone. */
export function renewGuests(context: Context, command: RenewGuests): Result {
  if (context.session !== null || context.actor !== null) return reject('DENIED');
  context.tables.leases.renew(command.accounts, context.moment);
  return accept({ kind: 'noted' });
}
