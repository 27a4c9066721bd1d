/** Who asks over HTTP: a session of the replicated state, or an access token. */
import { CodedError } from '../../base/errors.ts';
import type { TokenView } from '../../chat/vocabulary/token-types.ts';
import type { SessionId } from '../../chat/vocabulary/types.ts';
import type { ChatView } from '../../chat/vocabulary/view.ts';
import type { Identity } from '../connections/context.ts';
import { identityOf } from '../requests/scopes.ts';
import { hashSecret, sameText } from '../secrets/identifiers.ts';
import type { Credentials } from './credentials.ts';

/** Who asks, once that is proven. */
export interface Caller {
  readonly identity: Identity;
  /** Null for whoever showed an access token. */
  readonly session: SessionId | null;
  readonly credentials: Credentials;
}

interface Sessions {
  barrier(read: { readonly stale: boolean }): Promise<void>;
  readonly tokens: { used(token: TokenView): void };
}

export class HttpSessions {
  readonly #view: ChatView;
  readonly #sessions: Sessions;

  constructor(view: ChatView, sessions: Sessions) {
    this.#view = view;
    this.#sessions = sessions;
  }

  /**
   * Behind a barrier: what has ended on another node is not honoured here, or, where a stale answer will do, not for longer than that may be
   * old. Rejects AUTH_REQUIRED or UNAVAILABLE.
   */
  async authenticate(credentials: Credentials, stale = false): Promise<Caller> {
    await this.#sessions.barrier({ stale });
    const identity =
      credentials.kind === 'token' ? this.#byToken(credentials.secret) : this.#bySession(credentials);
    if (identity === null) throw new CodedError('AUTH_REQUIRED');
    return { identity, session: credentials.kind === 'token' ? null : credentials.session, credentials };
  }

  #bySession({ session: id, secret }: Extract<Credentials, { kind: 'session' }>): Identity | null {
    const session = this.#view.session(id);
    const isProven = session !== undefined && sameText(session.secretHash, hashSecret(secret));
    return isProven ? identityOf(this.#view, session) : null;
  }

  #byToken(secret: string): Identity | null {
    const token = this.#view.tokenByHash(hashSecret(secret));
    const account = token === undefined ? undefined : this.#view.accountById(token.account);
    if (token === undefined || account === undefined) return null;
    this.#sessions.tokens.used(token);
    return { account: account.id, name: account.name, token };
  }
}
