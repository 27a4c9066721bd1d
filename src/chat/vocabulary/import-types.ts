/**
 * What an import puts into the state, one record an entry of the log: as `apply` takes it, with this cluster's ids. Outside, in an export,
 * accounts and conversations have names of their own (docs/export.md). A record that is there already is accepted again, so that an import that was
 * interrupted is repeated as a whole.
 */

import type { Reaction } from './amendment-types.ts';
import type { ManifestAddress } from './file-types.ts';
import type { GroupAddress } from './group-types.ts';
import type { AccountId, ConversationId } from './ids.ts';
import type { MessageBody } from './message-types.ts';

export interface ImportedPlace {
  readonly account: AccountId;
  readonly joinedBehind: number;
  readonly delivered: number;
  readonly read: number;
  /** Delivered above `delivered`, ascending. */
  readonly singles: readonly number[];
}

export type ImportRecord =
  | {
      readonly kind: 'account';
      readonly accountKind: 'member' | 'bearer';
      readonly uuid: string;
      readonly name: string;
      readonly displayName: string | null;
      readonly email: string | null;
      readonly passwordHash: string;
      readonly createdMs: number;
      /** Messages it has sent. */
      readonly sent: number;
    }
  /** An id for an account that is gone, and whose messages are not. */
  | { readonly kind: 'deleted-account'; readonly uuid: string }
  | {
      readonly kind: 'group';
      readonly name: string;
      readonly owner: AccountId | null;
      readonly passwordHash: string | null;
      readonly createdMs: number;
      readonly address: GroupAddress | null;
    }
  /** The two ends, be they gone; and the places of those who are there. */
  | {
      readonly kind: 'direct';
      readonly ends: readonly [AccountId, AccountId];
      readonly places: readonly ImportedPlace[];
    }
  /** Keeps a place for the content of a file, until messages that are still to come refer to it. */
  | { readonly kind: 'file'; readonly manifest: ManifestAddress; readonly bytes: number }
  /** In a group or in the lobby, in the order of joining. */
  | { readonly kind: 'member'; readonly conversation: ConversationId; readonly place: ImportedPlace }
  /** The next one of its conversation. */
  | {
      readonly kind: 'message';
      readonly conversation: ConversationId;
      readonly sequence: number;
      readonly from: AccountId;
      readonly to: AccountId | null;
      readonly number: number;
      readonly replyTo: number | null;
      readonly body: MessageBody;
      readonly sentMs: number;
    }
  /** How long messages are kept there (null: as configured; 0: for ever), and the first one that is left. */
  | {
      readonly kind: 'kept';
      readonly conversation: ConversationId;
      readonly ageMs: number | null;
      readonly first: number;
    }
  /** What has become of a message that is there; its text is in it already. */
  | {
      readonly kind: 'amended';
      readonly conversation: ConversationId;
      readonly sequence: number;
      readonly deleted: boolean;
      /** 0: its text is as it was sent. */
      readonly editedMs: number;
      readonly reactions: readonly Reaction[];
    }
  | {
      readonly kind: 'receipt';
      readonly from: AccountId;
      readonly number: number;
      readonly to: AccountId;
      readonly conversation: ConversationId;
      readonly sequence: number;
      readonly due: boolean;
    };

/** Only a node proposes it, for an operator. */
export interface ImportCommand {
  readonly kind: 'import';
  readonly record: ImportRecord;
}

/** `account` and `conversation`: what the record is called here. */
export interface ImportReceipt {
  readonly kind: 'imported';
  readonly account: AccountId | null;
  readonly conversation: ConversationId | null;
}
