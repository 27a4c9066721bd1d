/**
 * Who asks over HTTP: a session of the replicated state, or an access token, named and proven in a header, so that nothing secret stands in
 * an address.
 */
import { CodedError } from '../base/errors.ts';
import type { TokenView } from '../chat/token-types.ts';
import type { SessionId } from '../chat/types.ts';
import type { ChatView } from '../chat/view.ts';
import { identityOf } from './bots/scopes.ts';
import type { Identity } from './context.ts';
import { hashSecret } from './identifiers.ts';
import { sameText } from './native-frames.ts';

/** `session` is null for whoever showed an access token. */
export interface HttpIdentity extends Identity {
  readonly session: SessionId | null;
}

interface Sessions {
  barrier(): Promise<void>;
  readonly tokens: { used(token: TokenView): void };
}

/** `Authorization: Bearer SESSION.SECRET`, both as in the native protocol's hello. */
const sessionBearer = /^Bearer ([0-9a-f]{32})\.([0-9a-f]{64})$/i;
const tokenBearer = /^Bearer (cvt_[0-9a-f]{64})$/i;

export class HttpSessions {
  readonly #view: ChatView;
  readonly #sessions: Sessions;

  constructor(view: ChatView, sessions: Sessions) {
    this.#view = view;
    this.#sessions = sessions;
  }

  /** Behind a barrier: what has ended on another node is not honoured here. Rejects AUTH_REQUIRED or UNAVAILABLE. */
  async authenticate(authorization = ''): Promise<HttpIdentity> {
    const [, token] = tokenBearer.exec(authorization) ?? [];
    const [, session, secret] = sessionBearer.exec(authorization) ?? [];
    if (token !== undefined) return this.#byToken(token);
    if (session !== undefined && secret !== undefined) return this.#bySession(session, secret);
    throw new CodedError('AUTH_REQUIRED');
  }

  async #bySession(id: SessionId, secret: string): Promise<HttpIdentity> {
    await this.#sessions.barrier();
    const session = this.#view.session(id);
    const isProven = session !== undefined && sameText(session.secretHash, hashSecret(secret));
    const identity = isProven ? identityOf(this.#view, session) : null;
    if (identity === null) throw new CodedError('AUTH_REQUIRED');
    return { ...identity, session: id };
  }

  async #byToken(secret: string): Promise<HttpIdentity> {
    await this.#sessions.barrier();
    const token = this.#view.tokenByHash(hashSecret(secret));
    const account = token === undefined ? undefined : this.#view.accountById(token.account);
    if (token === undefined || account === undefined) throw new CodedError('AUTH_REQUIRED');
    this.#sessions.tokens.used(token);
    return { account: account.id, name: account.name, session: null, token };
  }
}
