/** What is proposed and answered about sessions beside login and logout: part of the vocabulary in `types.ts`. */
import type { Command, SessionId } from './types.ts';

export type SessionCommand =
  /** Opens a session for the account of the one that asks, which it ends with. The client made id and secret, as for any session. */
  { readonly kind: 'derive-session'; readonly session: SessionId; readonly secretHash: string };

export type SessionReceipt = { readonly kind: 'session-derived'; readonly session: SessionId };

/**
 * A request without a number, of a connection that lasts no longer than it: over HTTP. The actor's session must live when it is applied,
 * not only when the gateway looked.
 */
export interface Asked {
  readonly kind: 'asked';
  /** Of the account's choice, as 32 hex digits of its hash: the same again within `limits.keyedAnswerMs` gets the first answer. Null: none. */
  readonly key: string | null;
  readonly command: Command;
}
