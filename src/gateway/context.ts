import type { TokenView } from '../chat/token-types.ts';
import type { AccountId, SessionId } from '../chat/types.ts';

export interface Identity {
  readonly account: AccountId;
  readonly name: string;
  /** Of a raw line connection: what its login verified, so that a password changed since is noticed by the state. */
  readonly credential?: number;
  /** The access token that was shown, or that opened the session: it bounds what may be asked. Absent: nothing does. */
  readonly token?: Pick<TokenView, 'id' | 'scopes'>;
}

/** Who is behind one connection. Changed by the service as the replicated state decides, and by the connection's session when it ends. */
export class ConnectionContext {
  /** The session of a native client; null on a raw line connection. */
  readonly session: SessionId | null;
  /** Where the connection comes from; null when it did not come over a network. */
  readonly address: string | null;
  identity: Identity | null = null;
  /** Code of an invitation that was shown before the registration it is for. */
  invitation: string | null = null;
  /** Settles when the running request that may change `identity` is done; null when there is none. */
  gate: Promise<void> | null = null;

  constructor(session: SessionId | null, address: string | null) {
    this.session = session;
    this.address = address;
  }
}
