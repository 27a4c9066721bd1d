import { limits } from '../../base/limits.ts';
import { isDisplayName, isEmail } from '../names/profile-fields.ts';
import { derivedUuid, isUuid } from '../names/uuid.ts';
import type { Account, Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';
import { nameFault } from './name-fault.ts';

type Register = Extract<Command, { kind: 'register' }>;

/** The first password. A change of it counts on, so that a login verified against an older hash is refused. */
export const firstCredential = 1;

/** Makes an account; logs nobody in. */
export function register(context: Context, command: Register): Result {
  const { accounts } = context.tables;
  const { name, passwordHash, displayName = null, email = null } = command;
  if (context.actor !== null) return reject('ALREADY_LOGGED_IN');
  const fault = nameFault(accounts, name, command.names);
  if (fault !== null) return reject(fault);
  if (passwordHash.length > limits.passwordHashChars) return reject('BAD_REQUEST');
  if (displayName !== null && !isDisplayName(displayName)) return reject('BAD_DISPLAY_NAME');
  if (email !== null && !isEmail(email)) return reject('BAD_EMAIL');
  const { clusterMs, index, wallMs } = context.moment;
  const uuid = command.uuid ?? derivedUuid(index, name);
  if (!isUuid(uuid)) return reject('BAD_REQUEST');
  if (email !== null && accounts.byEmail(email) !== undefined) return reject('EMAIL_TAKEN');
  const { invitation } = command;
  if (invitation !== undefined && !context.tables.invitations.isGood(invitation, clusterMs)) {
    return reject('INVITATION_INVALID');
  }
  const account: Account = {
    id: index,
    kind: 'member',
    name,
    passwordHash,
    credential: firstCredential,
    createdMs: wallMs,
    uuid,
    displayName,
    email,
  };
  if (invitation !== undefined) context.tables.invitations.use(invitation);
  accounts.add(account);
  context.emit({ kind: 'account-registered', account: account.id, name });
  return accept({ kind: 'registered', account: account.id, name });
}
