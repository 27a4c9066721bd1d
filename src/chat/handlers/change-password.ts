import { limits } from '../../base/limits.ts';
import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';
import { endSession } from './end-session.ts';
import { endTokensOf } from './revoke-token.ts';

type ChangePassword = Extract<Command, { kind: 'change-password' }>;

/**
 * The gateway has verified the present password. Whoever else is logged in to the account is logged out everywhere, and a token that they
 * may have made for themselves is worth nothing.
 */
export function changePassword(context: Context, command: ChangePassword): Result {
  const { session, actor, tables } = context;
  if (actor === null) return reject('AUTH_REQUIRED');
  if (actor.kind !== 'member' || actor.credential !== command.credential) return reject('DENIED');
  if (command.passwordHash.length > limits.passwordHashChars) return reject('BAD_REQUEST');
  for (const other of tables.sessions.of(actor.id)) {
    // One that was derived lives on with the one it came from.
    if (other === session || other.id === session?.parent || other.ended) continue;
    endSession(context, other);
  }
  endTokensOf(context, actor.id);
  tables.accounts.replace({
    ...actor,
    passwordHash: command.passwordHash,
    credential: actor.credential + 1,
  });
  context.emit({ kind: 'credential-changed', account: actor.id, by: session?.id ?? null });
  return accept({ kind: 'password-changed' });
}
