/** What is proposed and answered about accounts, beside register, login, logout and deletion: part of the vocabulary in `types.ts`. */
import type { AccountId, AttemptKey } from './ids.ts';

export type AccountCommand =
  /** The gateway has verified the present password, which is of that `credential`. Ends all other sessions of the account. */
  | { readonly kind: 'change-password'; readonly credential: number; readonly passwordHash: string }
  /** The same password, hashed with the parameters of today. A node's own command. */
  | {
      readonly kind: 'rehash';
      readonly account: AccountId;
      readonly credential: number;
      readonly passwordHash: string;
    }
  /** Null takes away; absent leaves as it is. */
  | {
      readonly kind: 'set-profile';
      readonly displayName?: string | null;
      readonly email?: string | null;
    }
  /** A guest under that name. Its connection's node renews the lease, and ends it by `delete-account`. */
  | { readonly kind: 'enter-guest'; readonly name: string; readonly uuid: string; readonly names?: 'unicode' }
  /** A node's own command, for all its guests at once. */
  | { readonly kind: 'renew-guests'; readonly accounts: readonly AccountId[] }
  /** An account whose secret is all that its owner has; `secretHash` is its SHA-256 in hex, of which the name is made. */
  | {
      readonly kind: 'register-bearer';
      readonly secretHash: string;
      readonly uuid: string;
      /** As of a registration. */
      readonly invitation?: string;
    }
  /** A node's own command, on behalf of an administrator. */
  | {
      readonly kind: 'create-invitation';
      readonly codeHash: string;
      readonly uses: number;
      readonly lifetimeMs: number;
    }
  /** A node's own command, for all that it counted lately. */
  | { readonly kind: 'note-attempts'; readonly attempts: readonly AttemptNote[] };

export interface AttemptNote {
  readonly key: AttemptKey;
  readonly failures: number;
  /** What was counted before is forgotten. */
  readonly cleared: boolean;
}

export type AccountReceipt =
  | { readonly kind: 'password-changed' }
  | { readonly kind: 'profile-set' }
  | { readonly kind: 'guest-entered'; readonly account: AccountId; readonly name: string }
  | { readonly kind: 'bearer-registered'; readonly account: AccountId; readonly name: string }
  /** Of a command that a node gave for itself: nobody waits for more. */
  | { readonly kind: 'noted' };
