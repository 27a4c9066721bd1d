/**
 * The vocabulary of the chat: what is proposed, what is answered, what is told to subscribers. Plain data: commands and results
 * travel in the log and between nodes, encoded by `codec.ts`.
 */

import type { AccountCommand, AccountReceipt } from './account-types.ts';
import type { AdministrationCommand, AdministrationReceipt } from './administration-types.ts';
import type { AmendmentCommand, AmendmentEvent, AmendmentReceipt } from './amendment-types.ts';
import type { FileCommand, FileReceipt } from './file-types.ts';
import type { GroupCommand, GroupEvent, GroupReceipt } from './group-types.ts';
import type { HookCommand, HookId, HookReceipt } from './hook-types.ts';
import type { AccountId, ConversationId, SessionId } from './ids.ts';
import type { ImportCommand, ImportReceipt } from './import-types.ts';
import type { Message, MessageBody } from './message-types.ts';
import type { RetentionCommand, RetentionReceipt, TrimEvent } from './retention-types.ts';
import type { SessionCommand, SessionReceipt } from './session-types.ts';
import type { TokenCommand, TokenEvent, TokenId, TokenReceipt } from './token-types.ts';

// Who speaks of commands and results speaks of these as well.
export type { AccountId, AttemptKey, ConversationId, SessionId } from './ids.ts';
export type { Message, MessageBody } from './message-types.ts';

/**
 * `member`: registered, with a password. `guest`: a name held by a lease, gone with its connection. `bearer`: of the registry
 * dialect, whoever shows its secret.
 */
export type AccountKind = 'member' | 'guest' | 'bearer';

export interface Account {
  readonly id: AccountId;
  readonly kind: AccountKind;
  /** As registered; unique without regard to case. */
  readonly name: string;
  /** Of a member argon2id in PHC form; of a bearer the SHA-256 (hex) of its secret; empty for a guest, which nobody logs in to. */
  readonly passwordHash: string;
  /** Raised by each change of the password: a login that verified an older hash is refused. */
  readonly credential: number;
  readonly createdMs: number;
  /** In the form of version 4, for other systems; unique for ever. Comes with the registration, since `apply` knows no chance. */
  readonly uuid: string;
  /** How others may show the account, beside its name; need not be unique. */
  readonly displayName: string | null;
  /** Unique without regard to case; stands for the name at a login. Shown to its owner only. */
  readonly email: string | null;
}

/** Who asks. The gateway has authenticated it; `apply` checks that it still exists. */
export interface Actor {
  readonly account: AccountId;
  /** Of a raw line connection: what its login verified. A password changed since makes it nobody. */
  readonly credential?: number;
  /** What was shown in place of a session: one that is no more makes it nobody. */
  readonly token?: TokenId;
  /** The same of a webhook that something was posted to. */
  readonly hook?: HookId;
  /** The session of a native client; null for a raw line connection. */
  readonly session: SessionId | null;
}

/**
 * Numbering of a request within its session: a retry carries the same `sequence` and gets the first answer.
 * Null on raw line connections, whose unanswered line is unknown.
 */
export interface Numbering {
  readonly session: SessionId;
  /** SHA-256 (hex) of the session's secret: opens the session with its first request, proves it later. */
  readonly secretHash: string;
  readonly sequence: number;
  /** Lowest sequence the client still waits for: receipts below it are dropped. */
  readonly lowest: number;
}

export type Command =
  | {
      readonly kind: 'register';
      readonly name: string;
      readonly passwordHash: string;
      /** Made by the gateway; one that follows from the entry stands in for it. */
      readonly uuid?: string;
      readonly displayName?: string;
      readonly email?: string;
      /** SHA-256 (hex) of an invitation's code: used up together with the registration, or the registration fails. */
      readonly invitation?: string;
      /** The gateway has prepared a name of another script, where that is configured; without it a name is ASCII. */
      readonly names?: 'unicode';
    }
  /** The password was verified by the gateway against `account`'s hash of that `credential`. */
  | {
      readonly kind: 'login';
      readonly account: AccountId;
      readonly credential: number;
      /** An earlier session of the same program, which this login replaces, if its secret has this hash. */
      readonly previous?: { readonly session: SessionId; readonly secretHash: string };
    }
  | { readonly kind: 'logout' }
  | { readonly kind: 'delete-account'; readonly name: string }
  | {
      readonly kind: 'send';
      /** A user's name, `#` and a group's name, or `#lobby`. */
      readonly to: string;
      readonly body: MessageBody;
      readonly replyTo: number | null;
      /** The sender is to be told, by a receipt that is kept until it is confirmed, when this direct message was delivered. */
      readonly wantsReceipt: boolean;
    }
  | FileCommand
  /** Coalesced by a node for its connections; cursors never move backwards. */
  | { readonly kind: 'advance-cursors'; readonly cursors: readonly CursorAdvance[] }
  /** The same for what is acknowledged message by message, and receipt by receipt. */
  | {
      readonly kind: 'acknowledge';
      readonly messages: readonly MessageAcknowledgement[];
      readonly receipts: readonly ReceiptConfirmation[];
    }
  | GroupCommand
  | AmendmentCommand
  | RetentionCommand
  | ImportCommand
  | TokenCommand
  | AdministrationCommand
  | SessionCommand
  | HookCommand
  | AccountCommand;

export interface CursorAdvance {
  readonly account: AccountId;
  readonly conversation: ConversationId;
  /** All messages of the conversation up to this sequence were delivered to the account; 0 leaves the cursor alone. */
  readonly delivered: number;
  /** All up to this sequence were read; 0 leaves the cursor alone. */
  readonly read: number;
}

/** This one message has reached the account, whatever became of those before it. */
export interface MessageAcknowledgement {
  readonly account: AccountId;
  readonly conversation: ConversationId;
  readonly sequence: number;
}

/** The sender of the message with this number knows that it was delivered. */
export interface ReceiptConfirmation {
  readonly account: AccountId;
  readonly number: number;
}

/** For the sender of a direct message: whether it was delivered. Kept until it was delivered and the sender has confirmed to know. */
export interface DeliveryReceipt {
  readonly from: AccountId;
  readonly number: number;
  readonly to: AccountId;
  readonly conversation: ConversationId;
  readonly sequence: number;
}

export interface ReceiptData extends DeliveryReceipt {
  /** The message was delivered; the sender has not confirmed to know. */
  readonly due: boolean;
}

/** Where an account stands in a conversation: since when, and how far it got. */
export interface MembershipData {
  readonly account: AccountId;
  /** Log index of the entry that let it in; 0 in a direct conversation, where nobody joins. */
  readonly joinedIndex: number;
  /** The last sequence before it came. Pushes begin behind it. */
  readonly joinedBehind: number;
  readonly delivered: number;
  readonly read: number;
  /** Acknowledged above `delivered`, ascending. */
  readonly singles: readonly number[];
}

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

export interface Proposal {
  readonly numbering: Numbering | null;
  readonly actor: Actor | null;
  /** One that was asked has no numbering. */
  readonly command: Command | Asked;
}

export type Receipt =
  | { readonly kind: 'registered'; readonly account: AccountId; readonly name: string }
  | { readonly kind: 'logged-in'; readonly account: AccountId; readonly name: string }
  | { readonly kind: 'logged-out' }
  | { readonly kind: 'account-deleted'; readonly account: AccountId; readonly name: string }
  | {
      readonly kind: 'sent';
      readonly conversation: ConversationId;
      readonly sequence: number;
      readonly index: number;
      readonly to: AccountId | null;
      readonly number: number;
      readonly sentMs: number;
    }
  | FileReceipt
  | { readonly kind: 'cursors-advanced' }
  | GroupReceipt
  | AmendmentReceipt
  | RetentionReceipt
  | ImportReceipt
  | TokenReceipt
  | AdministrationReceipt
  | SessionReceipt
  | HookReceipt
  | AccountReceipt;

export type RejectionCode =
  | 'BAD_REQUEST'
  | 'BAD_NAME'
  | 'TOO_LONG'
  | 'NAME_TAKEN'
  | 'BAD_CREDENTIALS'
  | 'AUTH_REQUIRED'
  | 'ALREADY_LOGGED_IN'
  | 'DENIED'
  | 'UNKNOWN_USER'
  | 'CONFLICT'
  | 'STALE_SEQUENCE'
  | 'SESSION_EXPIRED'
  | 'TOO_MANY_IN_FLIGHT'
  | 'TOO_LARGE'
  | 'QUOTA_EXCEEDED'
  | 'BAD_EMAIL'
  | 'EMAIL_TAKEN'
  | 'BAD_DISPLAY_NAME'
  | 'INVITATION_INVALID'
  | 'NAME_CONFUSABLE'
  | 'LIMIT_REACHED'
  | 'UNKNOWN_GROUP'
  | 'BAD_GROUP_NAME'
  | 'GROUP_TAKEN'
  | 'GROUP_PASSWORD_WRONG'
  | 'ALREADY_MEMBER'
  | 'NOT_A_MEMBER'
  | 'GROUP_FULL'
  | 'TOO_MANY_GROUPS'
  | 'TOO_MANY_PENDING'
  | 'UNKNOWN_MESSAGE'
  | 'UNKNOWN_UPLOAD'
  | 'UPLOAD_INCOMPLETE'
  | 'UNKNOWN_TOKEN'
  | 'TOKEN_INVALID'
  | 'TOO_MANY_REACTIONS'
  | 'UNKNOWN_HOOK';

export type Result =
  | { readonly ok: true; readonly receipt: Receipt }
  | { readonly ok: false; readonly code: RejectionCode };

export type ChatEvent =
  | {
      readonly kind: 'message';
      readonly message: Message;
      readonly fromName: string;
      readonly toName: string;
    }
  | { readonly kind: 'account-registered'; readonly account: AccountId; readonly name: string }
  | { readonly kind: 'account-deleted'; readonly account: AccountId; readonly name: string }
  /** The password changed: connections that logged in with an older one end, but for the session that changed it. */
  | { readonly kind: 'credential-changed'; readonly account: AccountId; readonly by: SessionId | null }
  | { readonly kind: 'session-ended'; readonly session: SessionId }
  | { readonly kind: 'cursor-advanced'; readonly advance: CursorAdvance }
  /** A message was delivered whose sender wants to know. */
  | { readonly kind: 'receipt'; readonly receipt: DeliveryReceipt }
  | TokenEvent
  | GroupEvent
  | AmendmentEvent
  | TrimEvent;
