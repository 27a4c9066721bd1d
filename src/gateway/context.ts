import type { AccountId, SessionId } from '../chat/types.ts';

export interface Identity {
  readonly account: AccountId;
  readonly name: string;
}

/** Who is behind one connection. Changed by the service as the replicated state decides, and by the connection's session when it ends. */
export class ConnectionContext {
  /** The session of a native client; null on a raw line connection. */
  readonly session: SessionId | null;
  identity: Identity | null = null;
  /** Settles when the running request that may change `identity` is done; null when there is none. */
  gate: Promise<void> | null = null;

  constructor(session: SessionId | null) {
    this.session = session;
  }
}
