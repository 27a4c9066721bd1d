import { limits } from '../../base/limits.ts';
import { isUuid } from '../names/uuid.ts';
import type { Account, Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';
import { nameFault } from './name-fault.ts';
import { firstCredential } from './register.ts';

type EnterGuest = Extract<Command, { kind: 'enter-guest' }>;

/**
 * An account for as long as its lease is renewed. It takes no name that anybody has, and nobody can log in to it. A session that asks is
 * bound to it by the same entry, so that a repeated number finds either both or neither.
 */
export function enterGuest(context: Context, command: EnterGuest): Result {
  const { actor, moment, session, tables } = context;
  const { name, uuid } = command;
  if (actor !== null) return reject('ALREADY_LOGGED_IN');
  const fault = nameFault(tables.accounts, name, command.names);
  if (fault !== null) return reject(fault);
  if (!isUuid(uuid)) return reject('BAD_REQUEST');
  if (tables.leases.size >= limits.guests) return reject('LIMIT_REACHED');
  const account: Account = {
    id: moment.index,
    kind: 'guest',
    name,
    passwordHash: '',
    credential: firstCredential,
    createdMs: moment.wallMs,
    uuid,
    displayName: null,
    email: null,
  };
  tables.accounts.add(account);
  tables.leases.grant(account.id, moment);
  if (session !== null) tables.sessions.bind(session, account.id, moment);
  context.emit({ kind: 'account-registered', account: account.id, name });
  return accept({ kind: 'guest-entered', account: account.id, name });
}
