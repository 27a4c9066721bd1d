import type { HookId } from '../../chat/vocabulary/hook-types.ts';
import type { TokenView } from '../../chat/vocabulary/token-types.ts';
import type { AccountId, SessionId } from '../../chat/vocabulary/types.ts';

export interface Identity {
  readonly account: AccountId;
  readonly name: string;
  /** Of a raw line connection: what its login verified, so that a password changed since is noticed by the state. */
  readonly credential?: number;
  /** The access token that was shown, or that opened the session: it bounds what may be asked. Absent: nothing does. */
  readonly token?: Pick<TokenView, 'id' | 'scopes'>;
  /** The webhook that something was posted to, in whose maker's name it is. */
  readonly hook?: HookId;
}

/** One request over HTTP, which is all that its connection is for the chat. */
export interface AskedOnce {
  /** As of `Asked`; null: a repetition is another request. */
  readonly key: string | null;
}

/** Who is behind one connection. Changed by the service as the replicated state decides, and by the connection's session when it ends. */
export class ConnectionContext {
  /** The session of a native client or of an HTTP request; null on a raw line connection. */
  readonly session: SessionId | null;
  /** Where the connection comes from; null when it did not come over a network. */
  readonly address: string | null;
  /** Null on a connection that stays, where requests have numbers or come one behind the other. */
  readonly asked: AskedOnce | null;
  identity: Identity | null = null;
  /** Of the request over HTTP that it stands for, as the log names it; null on a connection that stays. */
  requestId: string | null = null;
  /** Code of an invitation that was shown before the registration it is for. */
  invitation: string | null = null;
  /** Settles when the running request that may change `identity` is done; null when there is none. */
  gate: Promise<void> | null = null;

  constructor(session: SessionId | null, address: string | null, asked: AskedOnce | null = null) {
    this.session = session;
    this.address = address;
    this.asked = asked;
  }

  /** A request without a number may be a repetition all the same. */
  get mayRepeat(): boolean {
    return this.asked !== null && this.asked.key !== null;
  }
}
