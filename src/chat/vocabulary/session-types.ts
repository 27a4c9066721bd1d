/** What is proposed and answered about sessions beside login and logout: part of the vocabulary in `types.ts`. */
import type { SessionId } from './ids.ts';

export type SessionCommand =
  /** Opens a session for the account of the one that asks, which it ends with. The client made id and secret, as for any session. */
  { readonly kind: 'derive-session'; readonly session: SessionId; readonly secretHash: string };

export type SessionReceipt = { readonly kind: 'session-derived'; readonly session: SessionId };
