import { isName } from '../names.ts';
import type { Account, Command, Result } from '../types.ts';
import { accept, type Context, reject } from './context.ts';

type Register = Extract<Command, { kind: 'register' }>;

/** The first password. A change of it counts on, so that a login verified against an older hash is refused. */
const firstCredential = 1;
/** An argon2id hash in PHC form has about a hundred. */
const maxHashChars = 512;

/** Makes an account; logs nobody in. */
export function register(context: Context, command: Register): Result {
  const { accounts } = context.tables;
  if (context.actor !== null) return reject('ALREADY_LOGGED_IN');
  if (!isName(command.name)) return reject('BAD_NAME');
  if (command.passwordHash.length > maxHashChars) return reject('BAD_REQUEST');
  if (accounts.byName(command.name) !== undefined) return reject('NAME_TAKEN');
  const account: Account = {
    id: context.moment.index,
    name: command.name,
    passwordHash: command.passwordHash,
    credential: firstCredential,
    createdMs: context.moment.wallMs,
  };
  accounts.add(account);
  context.emit({ kind: 'account-registered', account: account.id, name: account.name });
  return accept({ kind: 'registered', account: account.id, name: account.name });
}
