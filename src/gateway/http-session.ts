/** Who asks over HTTP: a session of the replicated state, named and proven in a header, so that no token stands in an address. */
import { createHash } from 'node:crypto';
import { CodedError } from '../base/errors.ts';
import type { ChatView } from '../chat/view.ts';
import type { Identity } from './context.ts';
import { sameText } from './native-frames.ts';

/** `Authorization: Bearer SESSION.SECRET`, both as in the native protocol's hello. */
const bearer = /^Bearer ([0-9a-f]{32})\.([0-9a-f]{64})$/i;

export class HttpSessions {
  readonly #view: ChatView;
  readonly #barrier: () => Promise<void>;

  constructor(view: ChatView, barrier: () => Promise<void>) {
    this.#view = view;
    this.#barrier = barrier;
  }

  /** Behind a barrier: a session that has ended on another node is not honoured here. Rejects AUTH_REQUIRED or UNAVAILABLE. */
  async authenticate(authorization: string | undefined): Promise<Identity> {
    const [, id, secret] = bearer.exec(authorization ?? '') ?? [];
    if (id === undefined || secret === undefined) throw new CodedError('AUTH_REQUIRED');
    await this.#barrier();
    const session = this.#view.session(id);
    const hash = createHash('sha256').update(secret).digest('hex');
    const isProven = session !== undefined && sameText(session.secretHash, hash);
    const account =
      isProven && session.account !== null ? this.#view.accountById(session.account) : undefined;
    if (account === undefined) throw new CodedError('AUTH_REQUIRED');
    return { account: account.id, name: account.name };
  }
}
