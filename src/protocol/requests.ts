/**
 * What people ask of a chat server, whatever dialect they speak: each codec turns its lines into these requests and these replies
 * into its lines. The terminal client uses the same codec on the other side of the native protocol.
 */
import type { ErrorCode } from '../base/errors.ts';

/** Changes: numbered on the native protocol, so that a retry is recognised. */
export type ChangeRequest =
  | {
      readonly op: 'register';
      readonly user: string;
      readonly password: string;
      readonly displayName?: string;
      readonly email?: string;
      /** Code of an invitation, where registration is by invitation. */
      readonly invitation?: string;
    }
  /** `user`: the name or the e-mail address. */
  | { readonly op: 'login'; readonly user: string; readonly password: string }
  /** Ends all other sessions of the account. Without the present password it is refused. */
  | { readonly op: 'change-password'; readonly current?: string; readonly password: string }
  /** Null takes away; absent leaves as it is. */
  | {
      readonly op: 'set-profile';
      readonly displayName?: string | null;
      readonly email?: string | null;
    }
  | { readonly op: 'logout' }
  | { readonly op: 'delete'; readonly user: string }
  | { readonly op: 'send'; readonly to: string; readonly text: string };

/** Reads: linearizable, without a number. */
export type ReadRequest =
  /** One's own account. */
  | { readonly op: 'profile' }
  | { readonly op: 'users' }
  | { readonly op: 'search'; readonly pattern: string }
  /** The newest `limit` messages with that user, oldest first; `before` pages back by sequence. */
  | { readonly op: 'history'; readonly with: string; readonly limit: number; readonly before?: number };

export type ClientRequest = ChangeRequest | ReadRequest;

export interface UserEntry {
  readonly name: string;
  readonly online: boolean;
}

/** An account as its owner sees it. */
export interface Profile {
  readonly user: string;
  readonly displayName: string | null;
  readonly email: string | null;
  /** For other systems; never changes. */
  readonly uuid: string;
  readonly createdMs: number;
}

/** A message as people see it; `from` and `to` are names, or `deleted account`. */
export interface MessageEntry {
  readonly conversation: string;
  readonly sequence: number;
  readonly index: number;
  readonly from: string;
  readonly to: string;
  readonly text: string;
  readonly sentMs: number;
}

/** The shown name of an account that is gone. */
export const deletedAccountName = 'deleted account';

export type Success =
  | { readonly op: 'register'; readonly user: string }
  | { readonly op: 'login'; readonly user: string }
  | { readonly op: 'logout' }
  | { readonly op: 'delete'; readonly user: string }
  | { readonly op: 'change-password' }
  | { readonly op: 'set-profile' }
  | ({ readonly op: 'profile' } & Profile)
  | {
      readonly op: 'send';
      readonly to: string;
      /** Whether the receiver was online anywhere in the cluster when the answer was made. */
      readonly online: boolean;
      readonly conversation: string;
      readonly sequence: number;
      readonly index: number;
      readonly sentMs: number;
    }
  | { readonly op: 'users'; readonly users: readonly UserEntry[] }
  | { readonly op: 'search'; readonly users: readonly UserEntry[] }
  | { readonly op: 'history'; readonly messages: readonly MessageEntry[] };

/** Three outcomes, never two. */
export type Reply =
  | { readonly kind: 'receipt'; readonly value: Success }
  | { readonly kind: 'rejection'; readonly code: ErrorCode; readonly text: string }
  | { readonly kind: 'unknown'; readonly text: string };
