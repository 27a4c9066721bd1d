import { bearerName } from '../names/names.ts';
import { isUuid } from '../names/uuid.ts';
import type { Account, Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';
import { firstCredential } from './register.ts';

type RegisterBearer = Extract<Command, { kind: 'register-bearer' }>;

/** Its name follows from its secret, and is of a form that no registration can ask for. NAME_TAKEN: make another secret. */
export function registerBearer(context: Context, command: RegisterBearer): Result {
  const { actor, moment, session, tables } = context;
  const { secretHash, uuid } = command;
  if (actor !== null || session !== null) return reject('ALREADY_LOGGED_IN');
  if (!/^[0-9a-f]{64}$/.test(secretHash) || !isUuid(uuid)) return reject('BAD_REQUEST');
  const name = bearerName(secretHash);
  if (tables.accounts.byName(name) !== undefined) return reject('NAME_TAKEN');
  const { invitation } = command;
  if (invitation !== undefined && !tables.invitations.isGood(invitation, moment.clusterMs)) {
    return reject('INVITATION_INVALID');
  }
  const account: Account = {
    id: moment.index,
    kind: 'bearer',
    name,
    passwordHash: secretHash,
    credential: firstCredential,
    createdMs: moment.wallMs,
    uuid,
    displayName: null,
    email: null,
  };
  if (invitation !== undefined) tables.invitations.use(invitation);
  tables.accounts.add(account);
  context.emit({ kind: 'account-registered', account: account.id, name });
  return accept({ kind: 'bearer-registered', account: account.id, name });
}
