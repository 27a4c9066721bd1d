import { limits } from '../../base/limits.ts';
import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';

type Rehash = Extract<Command, { kind: 'rehash' }>;

/** The same password under a stronger hash. Nobody is logged out, and a password changed meanwhile stays as it is. */
export function rehash(context: Context, command: Rehash): Result {
  const { session, actor, tables } = context;
  if (session !== null || actor !== null) return reject('DENIED');
  if (command.passwordHash.length > limits.passwordHashChars) return reject('BAD_REQUEST');
  const account = tables.accounts.byId(command.account);
  if (account?.kind === 'member' && account.credential === command.credential) {
    tables.accounts.replace({ ...account, passwordHash: command.passwordHash });
  }
  return accept({ kind: 'noted' });
}
