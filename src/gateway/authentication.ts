/**
 * Registration and login: passwords end here, as hashes. Bounds are checked before anything is hashed, and an unknown user costs as
 * much as a wrong password.
 */
import type { ErrorCode } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { isName } from '../chat/names.ts';
import type { ChatView, Command, Numbering } from '../chat/types.ts';
import type { ChangeRequest, Reply } from '../protocol/requests.ts';
import type { ConnectionContext } from './context.ts';
import type { Hasher } from './hasher.ts';
import type { Policy } from './policy.ts';
import { rejection } from './replies.ts';

export interface AuthenticationOptions {
  readonly view: ChatView;
  readonly presence: { isOnline(account: number): boolean };
  readonly hasher: Pick<Hasher, 'hash' | 'verify'>;
  readonly policy: Policy;
  readonly barrier: () => Promise<void>;
  readonly propose: (
    context: ConnectionContext,
    command: Command,
    numbering: Numbering | null,
  ) => Promise<Reply>;
}

type Credentials = Extract<ChangeRequest, { op: 'register' | 'login' }>;

/** No account has it, so a login that names it is refused by every state. */
const impossibleCredential = Number.MAX_SAFE_INTEGER;

export class Authentication {
  readonly #options: AuthenticationOptions;

  constructor(options: AuthenticationOptions) {
    this.#options = options;
  }

  async register(
    context: ConnectionContext,
    request: Credentials,
    numbering: Numbering | null,
  ): Promise<Reply> {
    const { view, hasher, policy, barrier, propose } = this.#options;
    if (numbering === null && context.identity !== null) return rejection('ALREADY_LOGGED_IN');
    if (!isName(request.user)) return this.#refuse(context, 'BAD_NAME', numbering);
    const password = normalised(request.password);
    if (password === null) return this.#refuse(context, 'TOO_LONG', numbering);
    if ([...password].length < policy.passwordMinChars)
      return this.#refuse(context, 'WEAK_PASSWORD', numbering);
    await barrier();
    // A numbered request may be a retry of the registration that took the name: the state must be asked.
    if (numbering === null && view.accountByName(request.user) !== undefined) return rejection('NAME_TAKEN');
    const passwordHash = await hasher.hash(password);
    return propose(context, { kind: 'register', name: request.user, passwordHash }, numbering);
  }

  async login(context: ConnectionContext, request: Credentials, numbering: Numbering | null): Promise<Reply> {
    const { view, hasher, policy, barrier, propose } = this.#options;
    if (numbering === null && context.identity !== null) return rejection('ALREADY_LOGGED_IN');
    const password = normalised(request.password);
    if (password === null) return this.#refuse(context, 'TOO_LONG', numbering);
    await barrier();
    const account = view.accountByName(request.user);
    const matches = await hasher.verify(account?.passwordHash ?? null, password);
    if (account === undefined || !matches) {
      const code = account === undefined && policy.revealUnknownUser ? 'UNKNOWN_USER' : 'BAD_CREDENTIALS';
      return this.#refuse(context, code, numbering, account?.id);
    }
    if (policy.singleSessions && this.#isElsewhere(context, account.id)) {
      return this.#refuse(context, 'LOGGED_IN_ELSEWHERE', numbering);
    }
    const command = { kind: 'login', account: account.id, credential: account.credential } as const;
    if (numbering !== null) return propose(context, command, numbering);
    // A raw line has no session in the state. The account may have gone while its password was verified.
    const current = view.accountById(account.id);
    if (current === undefined || current.credential !== account.credential)
      return rejection('BAD_CREDENTIALS');
    context.identity = { account: account.id, name: account.name };
    return { kind: 'receipt', value: { op: 'login', user: account.name } };
  }

  /** A session that is already bound to the account is its own first login, asked again. */
  #isElsewhere(context: ConnectionContext, account: number): boolean {
    const { view, presence } = this.#options;
    const own = context.session === null ? undefined : view.session(context.session);
    return presence.isOnline(account) && own?.account !== account;
  }

  /**
   * A refusal of the gateway's own. Request 1 opens its session even so, or the session's later numbers would count as expired:
   * it is proposed as a login that cannot succeed.
   */
  async #refuse(
    context: ConnectionContext,
    code: ErrorCode,
    numbering: Numbering | null,
    account = 0,
  ): Promise<Reply> {
    if (numbering?.sequence !== 1) return rejection(code);
    const command = { kind: 'login', account, credential: impossibleCredential } as const;
    const reply = await this.#options.propose(context, command, numbering);
    const answered = reply.kind === 'rejection' && reply.code === 'BAD_CREDENTIALS';
    return answered ? rejection(code) : reply;
  }
}

/** As it is hashed (NFKC, so that two keyboards give the same password); null when it is too long, before or after. */
function normalised(password: string): string | null {
  if (Buffer.byteLength(password) > limits.passwordBytes) return null;
  const normal = password.normalize('NFKC');
  return Buffer.byteLength(normal) > limits.passwordBytes ? null : normal;
}
