/**
 * Registration, login and the change of a password: passwords end here, as hashes. Bounds are checked before anything is hashed, and an
 * unknown user costs as much as a wrong password.
 */
import type { ErrorCode } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { accountKey } from '../../chat/accounts/attempts.ts';
import { fingerprintTexts } from '../../chat/codecs/fingerprint.ts';
import { foldName, isName } from '../../chat/names/names.ts';
import { isDisplayName, isEmail } from '../../chat/names/profile-fields.ts';
import type { Account, AccountId, Command, Numbering, Result } from '../../chat/vocabulary/types.ts';
import type { ChatView } from '../../chat/vocabulary/view.ts';
import type { ChangeRequest, Reply } from '../../protocol/requests.ts';
import type { Outcome } from '../../replication/ports/engine.ts';
import type { AddressLimits } from '../connections/address-limits.ts';
import type { ConnectionContext } from '../connections/context.ts';
import type { Hasher } from '../secrets/hasher.ts';
import { isOutdated } from '../secrets/hasher-messages.ts';
import { hashSecret, newUuid, type SecureBytes } from '../secrets/identifiers.ts';
import { normalisedPassword, weaknessOf } from '../secrets/passwords.ts';
import { type Guard, limitedReply } from './guard.ts';
import { isAllowedName } from './name-preparation.ts';
import { type Policy, registrationFault } from './policy.ts';
import { registrationLimited, rejection } from './replies.ts';

export type Propose = (
  context: ConnectionContext,
  command: Command,
  numbering: Numbering | null,
) => Promise<Reply>;

export interface AuthenticationOptions {
  readonly view: ChatView;
  readonly presence: { isOnline(account: number): boolean };
  readonly hasher: Pick<Hasher, 'hash' | 'verify'>;
  readonly policy: Policy;
  readonly guard: Pick<Guard, 'run'>;
  readonly addresses: Pick<AddressLimits, 'register'>;
  readonly secureBytes: SecureBytes;
  readonly barrier: () => Promise<void>;
  readonly propose: Propose;
  /** A command of the node itself, for nobody. */
  readonly proposeOwn: (command: Command) => Promise<Outcome<Result>>;
}

type Request<Op> = Extract<ChangeRequest, { op: Op }>;

/** No account has it, so what names it is refused by every state. */
export const impossibleCredential = Number.MAX_SAFE_INTEGER;
const impossibleLogin = { kind: 'login', account: 0, credential: impossibleCredential } as const;
/** No state takes it: longer than a hash may be. */
const impossibleHash = 'x'.repeat(limits.passwordHashChars + 1);

export class Authentication {
  readonly #options: AuthenticationOptions;

  constructor(options: AuthenticationOptions) {
    this.#options = options;
  }

  async register(
    context: ConnectionContext,
    request: Request<'register'>,
    numbering: Numbering | null,
  ): Promise<Reply> {
    const { hasher, policy, secureBytes, barrier, propose, addresses } = this.#options;
    const { user: name, displayName, email } = request;
    if (numbering === null && context.identity !== null) return rejection('ALREADY_LOGGED_IN');
    const fault = this.#faultOf(request);
    if (fault !== null) return this.refuse(context, fault, numbering);
    const code = request.invitation ?? context.invitation;
    const closed = registrationFault(policy, code);
    if (closed !== null) return this.refuse(context, 'DENIED', numbering, closed);
    const password = normalisedPassword(request.password);
    if (password === null) return this.refuse(context, 'TOO_LONG', numbering);
    const weakness = weaknessOf(password, { name, ...request }, policy.passwords);
    if (weakness !== null) return this.refuse(context, 'WEAK_PASSWORD', numbering, weakness);
    await barrier();
    const command: Command = {
      kind: 'register',
      name,
      passwordHash: impossibleHash,
      uuid: newUuid(secureBytes),
      ...(displayName === undefined ? {} : { displayName }),
      ...(email === undefined ? {} : { email }),
      ...(code === null ? {} : { invitation: hashSecret(code) }),
      ...(isName(name) ? {} : { names: 'unicode' as const }),
    };
    if (this.isAnswered(numbering)) return propose(context, command, numbering);
    const taken = numbering === null ? this.#registrationFault(command) : null;
    if (taken !== null) return rejection(taken);
    const waitMs = addresses.register(context.address);
    if (waitMs !== null) return registrationLimited(waitMs);
    return propose(context, { ...command, passwordHash: await hasher.hash(password) }, numbering);
  }

  async login(
    context: ConnectionContext,
    request: Request<'login'>,
    numbering: Numbering | null,
  ): Promise<Reply> {
    const { view, hasher, policy, guard, barrier, propose } = this.#options;
    if (numbering === null && context.identity !== null) return rejection('ALREADY_LOGGED_IN');
    const password = normalisedPassword(request.password);
    if (password === null) return this.refuse(context, 'TOO_LONG', numbering);
    await barrier();
    const account = this.#memberBy(request.user);
    const refused: Command = { ...impossibleLogin, account: account?.id ?? 0, ...previousOf(request) };
    if (account !== undefined && this.isAnswered(numbering)) return propose(context, refused, numbering);
    const verdict = await guard.run(attemptKey(account, request.user), () =>
      hasher.verify(account?.passwordHash ?? null, password),
    );
    if (verdict.kind === 'limited') return limitedReply(verdict);
    if (account === undefined || verdict.kind === 'wrong') {
      const code = account === undefined && policy.revealUnknownUser ? 'UNKNOWN_USER' : 'BAD_CREDENTIALS';
      return this.refuse(context, code, numbering, undefined, refused);
    }
    if (policy.singleSessions && this.#isElsewhere(context, account.id)) {
      return this.refuse(context, 'LOGGED_IN_ELSEWHERE', numbering, undefined, refused);
    }
    const { id, credential, name } = account;
    if (isOutdated(account.passwordHash)) void this.#rehash(account, password);
    const command: Command = { kind: 'login', account: id, credential, ...previousOf(request) };
    if (numbering !== null) return propose(context, command, numbering);
    // A raw line has no session in the state. The account may have gone while its password was verified.
    if (view.accountById(id)?.credential !== credential) return rejection('BAD_CREDENTIALS');
    context.identity = { account: id, name, credential };
    return { kind: 'receipt', value: { op: 'login', user: name } };
  }

  async changePassword(
    context: ConnectionContext,
    request: Request<'change-password'>,
    numbering: Numbering | null,
  ): Promise<Reply> {
    const { view, hasher, policy, guard, barrier, propose } = this.#options;
    const [current, password] = [request.current ?? '', request.password].map(normalisedPassword);
    if (current == null || password == null) return rejection('TOO_LONG');
    if (context.identity === null) return rejection('AUTH_REQUIRED');
    const { account: id } = context.identity;
    await barrier();
    const refused = { kind: 'change-password', credential: impossibleCredential, passwordHash: '' } as const;
    // Also since its current password is the present one no more: the state knows the answer.
    if (this.isAnswered(numbering) || this.#isKeyAnswered(context)) {
      return propose(context, refused, numbering);
    }
    const account = view.accountById(id);
    if (account?.kind !== 'member') return rejection('DENIED');
    const weakness = weaknessOf(password, account, policy.passwords);
    if (weakness !== null) return rejection('WEAK_PASSWORD', weakness);
    const verdict = await guard.run(accountKey(id), () => hasher.verify(account.passwordHash, current));
    if (verdict.kind === 'limited') return limitedReply(verdict);
    // Proposed even so: it may have been answered while it was looked at.
    if (verdict.kind === 'wrong') {
      const isOnce = numbering === null && !context.mayRepeat;
      return isOnce ? rejection('DENIED') : propose(context, refused, numbering);
    }
    const passwordHash = await hasher.hash(password);
    const command = { kind: 'change-password', credential: account.credential, passwordHash } as const;
    return propose(context, command, numbering);
  }

  /** Whom the session belongs to, if this number is answered already. */
  answeredFor(numbering: Numbering): AccountId | null {
    return this.isAnswered(numbering)
      ? (this.#options.view.session(numbering.session)?.account ?? null)
      : null;
  }

  /**
   * A refusal of the gateway's own. Request 1 opens its session even so, or the session's later numbers would count as expired:
   * it is proposed as a login that cannot succeed.
   */
  async refuse(
    context: ConnectionContext,
    code: ErrorCode,
    numbering: Numbering | null,
    text?: string,
    command: Command = impossibleLogin,
  ): Promise<Reply> {
    if (numbering?.sequence !== 1) return rejection(code, text);
    const reply = await this.#options.propose(context, command, numbering);
    const answered = reply.kind === 'rejection' && reply.code === 'BAD_CREDENTIALS';
    return answered ? rejection(code, text) : reply;
  }

  /** While the password is known. Nobody waits for it, and nothing is lost if it fails: the next login tries again. */
  async #rehash(account: Account, password: string): Promise<void> {
    const { hasher, proposeOwn } = this.#options;
    const passwordHash = await hasher.hash(password).catch(() => null);
    if (passwordHash === null) return;
    const { id, credential } = account;
    await proposeOwn({ kind: 'rehash', account: id, credential, passwordHash });
  }

  /**
   * A retry of a request whose first answer was lost gets that answer: nothing is hashed for it, and no limit stands in its way. What
   * is proposed then must not succeed, should the answer have been forgotten meanwhile.
   */
  isAnswered(numbering: Numbering | null): boolean {
    if (numbering === null) return false;
    const session = this.#options.view.session(numbering.session);
    return session?.secretHash === numbering.secretHash && session.answered(numbering.sequence);
  }

  #isKeyAnswered({ identity, asked }: ConnectionContext): boolean {
    if (identity === null || asked === null || asked.key === null) return false;
    return this.#options.view.hasKeyedAnswer(identity.account, asked.key);
  }

  /** What `apply` would refuse needs no hash; of a numbered request the state must be asked, since it may be a retry. */
  #registrationFault({ name, email, invitation }: Extract<Command, { kind: 'register' }>): ErrorCode | null {
    const { view } = this.#options;
    if (holdsName(view.accountByName(name))) return 'NAME_TAKEN';
    if (email !== undefined && view.accountByEmail(email) !== undefined) return 'EMAIL_TAKEN';
    return invitation !== undefined && !view.hasInvitation(invitation) ? 'INVITATION_INVALID' : null;
  }

  /** What looks like somebody is said to, also where no such name could be registered at all. */
  #faultOf({ user, displayName, email }: Request<'register'>): ErrorCode | null {
    const { view, policy } = this.#options;
    if (!isAllowedName(user, policy.names)) return view.isConfusable(user) ? 'NAME_CONFUSABLE' : 'BAD_NAME';
    if (displayName !== undefined && !isDisplayName(displayName)) return 'BAD_DISPLAY_NAME';
    return email !== undefined && !isEmail(email) ? 'BAD_EMAIL' : null;
  }

  /** Guests and bearers have no password to log in with: for a login they do not exist. */
  #memberBy(user: string): Account | undefined {
    const { view } = this.#options;
    const account = user.includes('@') ? view.accountByEmail(user) : view.accountByName(user);
    return account?.kind === 'member' ? account : undefined;
  }

  /** A session that is already bound to the account is its own first login, asked again. */
  #isElsewhere(context: ConnectionContext, account: number): boolean {
    const { view, presence } = this.#options;
    const own = context.session === null ? undefined : view.session(context.session);
    return presence.isOnline(account) && own?.account !== account;
  }
}

/** A guest's lease may be over without an entry that noticed: the state must be asked. */
export function holdsName(account: Account | undefined): boolean {
  return account !== undefined && account.kind !== 'guest';
}

/** Of a name that nobody has a fingerprint: people type passwords into the wrong field. */
function attemptKey(account: Account | undefined, user: string): string {
  return account === undefined
    ? `n:${fingerprintTexts(foldName(user)).toString(36)}`
    : accountKey(account.id);
}

function previousOf({ previous, previousSecret }: Request<'login'>) {
  if (previous === undefined || previousSecret === undefined) return {};
  return { previous: { session: previous, secretHash: hashSecret(previousSecret) } };
}
