import { limits } from '../../base/limits.ts';
import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';

type SetRole = Extract<Command, { kind: 'set-role' }>;

/** A node's own command. A guest, whose name anybody may have tomorrow, is no administrator. */
export function setRole(context: Context, { account, administrator }: SetRole): Result {
  const { actor, session, tables } = context;
  if (session !== null || actor !== null) return reject('DENIED');
  const found = tables.accounts.byId(account);
  if (found === undefined) return reject('UNKNOWN_USER');
  if (found.kind === 'guest') return reject('DENIED');
  if (!administrator) tables.administrators.revoke(account);
  else if (tables.administrators.has(account) || tables.administrators.size < limits.administrators) {
    tables.administrators.grant(account);
  } else return reject('LIMIT_REACHED');
  return accept({ kind: 'noted' });
}
