import type { TokenId } from '../vocabulary/token-types.ts';
import type { AccountId, Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';
import { endSession } from './end-session.ts';

type RevokeToken = Extract<Command, { kind: 'revoke-token' }>;

/** One's own. */
export function revokeToken(context: Context, { token }: RevokeToken): Result {
  const { actor, moment, tables } = context;
  if (actor === null) return reject('AUTH_REQUIRED');
  if (tables.tokens.byId(token, moment.clusterMs)?.account !== actor.id) return reject('UNKNOWN_TOKEN');
  endToken(context, actor.id, token);
  return accept({ kind: 'token-revoked', token });
}

/** With it go the sessions that it opened. */
export function endToken(context: Context, account: AccountId, token: TokenId): void {
  const { tables } = context;
  for (const session of tables.sessions.of(account)) {
    if (session.token === token) endSession(context, session);
  }
  tables.tokens.remove(token);
  context.emit({ kind: 'token-ended', token });
}

export function endTokensOf(context: Context, account: AccountId): void {
  for (const { id } of context.tables.tokens.of(account)) endToken(context, account, id);
}
