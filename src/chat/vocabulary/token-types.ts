/** What is proposed and answered about access tokens: part of the vocabulary in `types.ts`. */
import type { AccountId } from './ids.ts';

/** Log index of its creation. */
export type TokenId = number;

/** Place in this list is the bit in a row: new scopes go to the end. What each of them opens the gateway decides. */
export const tokenScopes = ['read', 'send', 'files', 'manage-groups', 'hooks', 'admin'] as const;
export type TokenScope = (typeof tokenScopes)[number];

/** Stands for its account wherever it is shown, within its scopes. */
export interface TokenView {
  readonly id: TokenId;
  readonly account: AccountId;
  /** SHA-256 (hex): the token itself is known to its owner only. */
  readonly hash: string;
  /** For its owner; unique within the account. */
  readonly name: string;
  /** In the order of `tokenScopes`, none twice, at least one. */
  readonly scopes: readonly TokenScope[];
  readonly createdMs: number;
  /** The end as people are told it; null: none. */
  readonly expiresMs: number | null;
  /** Wall clock, to the hour; null: not yet. */
  readonly usedMs: number | null;
}

export type TokenCommand =
  /** Whoever asks made the token, or had it made by their node: here comes its hash. */
  | {
      readonly kind: 'create-token';
      readonly name: string;
      readonly hash: string;
      readonly scopes: readonly TokenScope[];
      /** Null: until it is revoked. */
      readonly lifetimeMs: number | null;
    }
  | { readonly kind: 'revoke-token'; readonly token: TokenId }
  /** Binds the session to the token's account, as a login does; it lasts no longer than the token. */
  | { readonly kind: 'enter-token'; readonly hash: string }
  /** A node's own command: tokens that were shown to it lately. */
  | { readonly kind: 'note-token-uses'; readonly tokens: readonly TokenId[] };

export type TokenReceipt =
  | { readonly kind: 'token-created'; readonly token: TokenId; readonly expiresMs: number | null }
  | { readonly kind: 'token-revoked'; readonly token: TokenId }
  | {
      readonly kind: 'token-entered';
      readonly account: AccountId;
      readonly name: string;
      readonly token: TokenId;
    };

/** The token is no more: whatever goes on in its name stops. */
export interface TokenEvent {
  readonly kind: 'token-ended';
  readonly token: TokenId;
}
