import type { AccountId, Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';
import { endSession } from './end-session.ts';

type Login = Extract<Command, { kind: 'login' }>;

/** Whoever shows the secret of a session may end it; another one is left alone, and nothing is said about it. */
function endPrevious(context: Context, { previous }: Login): void {
  if (previous === undefined) return;
  const { session: own, tables } = context;
  const session = tables.sessions.byId(previous.session);
  if (session === undefined || session === own || session.ended) return;
  if (session.secretHash !== previous.secretHash) return;
  endSession(context, session);
}

/** Of too many the least recently used goes, so that nobody's sessions crowd out those of others. */
function endOldest(context: Context, account: AccountId): void {
  const oldest = context.tables.sessions.oldestTooMany(account);
  if (oldest !== null) endSession(context, oldest);
}

/**
 * The gateway has verified the password against the hash of `credential`. Here it is decided whether that hash is still the
 * account's: between the two the password may have changed or the account be gone. A raw line connection has no session: for it
 * the answer is all, and no state changes.
 */
export function login(context: Context, command: Login): Result {
  const { accounts, sessions } = context.tables;
  if (context.actor !== null) return reject('ALREADY_LOGGED_IN');
  const account = accounts.byId(command.account);
  if (account === undefined || account.credential !== command.credential) return reject('BAD_CREDENTIALS');
  if (context.session !== null) sessions.bind(context.session, account.id, context.moment);
  endPrevious(context, command);
  if (context.session !== null) endOldest(context, account.id);
  return accept({ kind: 'logged-in', account: account.id, name: account.name });
}
