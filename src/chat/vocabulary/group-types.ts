/** What is proposed, answered and told about groups: part of the vocabulary in `types.ts`. */
import type { AccountId, ConversationId } from './ids.ts';

/** Where a group lives that was announced from elsewhere. */
export interface GroupAddress {
  readonly host: string;
  readonly port: number;
}

export type GroupCommand =
  /** Makes a group, open without a hash, and its maker the owner and first member. */
  | { readonly kind: 'create-group'; readonly name: string; readonly passwordHash: string | null }
  /** Announces an open group that has an address of its own and no owner; again with the same address is no error. */
  | { readonly kind: 'announce-group'; readonly name: string; readonly address: GroupAddress }
  | {
      readonly kind: 'join-group';
      readonly name: string;
      /** The group that the gateway saw, and the credential whose password it has verified (0: none); null when there was no group. */
      readonly seen: { readonly group: ConversationId; readonly credential: number } | null;
      /** If there is no such group and none was seen, it is made, with this password. */
      readonly create: boolean;
      readonly passwordHash: string | null;
    }
  | { readonly kind: 'leave-group'; readonly name: string }
  /** A member comes into the group's room, or goes out of it, and stays a member. */
  | { readonly kind: 'visit-group'; readonly name: string; readonly entering: boolean }
  | { readonly kind: 'rename-group'; readonly name: string; readonly newName: string }
  | { readonly kind: 'set-group-password'; readonly name: string; readonly passwordHash: string | null }
  | { readonly kind: 'remove-member'; readonly name: string; readonly member: string }
  | { readonly kind: 'transfer-group'; readonly name: string; readonly owner: string }
  /** A node's own, for an operator: every node opens this port for the group; null: none. */
  | { readonly kind: 'set-group-listener'; readonly name: string; readonly port: number | null }
  | { readonly kind: 'delete-group'; readonly name: string };

/** `group-changed`: renamed, its password or its port set, or handed to another owner; `name` is the one it has since. */
export interface GroupReceipt {
  readonly kind:
    | 'group-created'
    | 'group-announced'
    | 'group-joined'
    | 'group-left'
    | 'group-visited'
    | 'group-changed'
    | 'member-removed'
    | 'group-deleted';
  readonly group: ConversationId;
  readonly name: string;
}

/** What happened to a group. Told to those who are online; not part of its history. */
export type GroupEvent = { readonly group: ConversationId; readonly name: string } & (
  | { readonly kind: 'group-created'; readonly by: AccountId | null }
  | { readonly kind: 'member-joined'; readonly account: AccountId; readonly accountName: string }
  | {
      readonly kind: 'member-left';
      readonly account: AccountId;
      readonly accountName: string;
      /** `deleted`: the account is gone. */
      readonly reason: 'left' | 'removed' | 'deleted';
    }
  | {
      readonly kind: 'member-entered' | 'member-exited';
      readonly account: AccountId;
      readonly accountName: string;
    }
  | { readonly kind: 'group-renamed'; readonly oldName: string }
  | { readonly kind: 'owner-changed'; readonly owner: AccountId; readonly ownerName: string }
  /** `members`: as it was. */
  | { readonly kind: 'group-deleted'; readonly members: ReadonlySet<AccountId> }
);
