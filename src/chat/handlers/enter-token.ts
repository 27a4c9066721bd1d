import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';
import { endSession } from './end-session.ts';

type EnterToken = Extract<Command, { kind: 'enter-token' }>;

/** As a login, with a token in place of a name and a password. Of a numbered request only: without a session there is nothing to bind. */
export function enterToken(context: Context, { hash }: EnterToken): Result {
  const { actor, moment, session, tables } = context;
  if (actor !== null) return reject('ALREADY_LOGGED_IN');
  const token = tables.tokens.byHash(hash, moment.clusterMs);
  const account = token === undefined ? undefined : tables.accounts.byId(token.account);
  if (token === undefined || account === undefined) return reject('TOKEN_INVALID');
  if (session === null) return reject('BAD_REQUEST');
  session.restrictTo(token.id);
  tables.sessions.bind(session, account.id, moment);
  const oldest = tables.sessions.oldestTooMany(account.id, token.id);
  if (oldest !== null) endSession(context, oldest);
  tables.tokens.markUsed(token.id, moment.wallMs);
  return accept({ kind: 'token-entered', account: account.id, name: account.name, token: token.id });
}
