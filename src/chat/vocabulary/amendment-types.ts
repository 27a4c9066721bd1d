/** What is proposed, kept and told of changes to messages that were sent: part of the vocabulary in `types.ts`. */
import type { AccountId, ConversationId } from './ids.ts';

/**
 * A message as its record says, which never changes: read by the gateway, since `apply` reads no records. The record is not there, or not this
 * conversation's: `index` and `from` are 0.
 */
export interface MessageReference {
  readonly conversation: ConversationId;
  readonly sequence: number;
  readonly index: number;
  readonly from: AccountId;
}

export type AmendmentCommand =
  /** Its author's: another text. */
  | { readonly kind: 'edit-message'; readonly message: MessageReference; readonly text: string }
  /** Its author's, and the owner's of the group: nobody is given its text or its file any more. */
  | { readonly kind: 'delete-message'; readonly message: MessageReference }
  /** Anybody's who is in the conversation: `present` false takes the own reaction back. */
  | {
      readonly kind: 'react';
      readonly message: MessageReference;
      readonly reaction: string;
      readonly present: boolean;
    };

/** `revision`: of the message, which stays where nothing changed. */
export interface AmendmentReceipt {
  readonly kind: 'amended';
  readonly conversation: ConversationId;
  readonly sequence: number;
  readonly revision: number;
  readonly index: number;
}

export type AmendmentChange =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'deleted' }
  | { readonly kind: 'reaction'; readonly reaction: string; readonly present: boolean };

/** One change, as stored in the conversation's stream of amendments. */
export interface Amendment {
  readonly conversation: ConversationId;
  /** 1, 2, 3 … within the conversation, without gaps. */
  readonly revision: number;
  /** Log index: the same cursor as that of messages. */
  readonly index: number;
  /** Of the message. */
  readonly sequence: number;
  readonly by: AccountId;
  readonly amendedMs: number;
  readonly change: AmendmentChange;
}

/** Told to everyone in the conversation. */
export interface AmendmentEvent {
  readonly kind: 'amended';
  readonly amendment: Amendment;
}

/** Those who reacted to a message in this way, in the order of their reactions. */
export interface Reaction {
  readonly reaction: string;
  readonly accounts: readonly AccountId[];
}

/** What has become of a message. Its present text is not here: see `textRevision`. */
export interface AmendedMessage {
  readonly sequence: number;
  /** Of the newest amendment. */
  readonly revision: number;
  /** Of the amendment that holds the present text; 0: it is the record's own. */
  readonly textRevision: number;
  /** When the text was changed for the last time; 0: never. */
  readonly editedMs: number;
  readonly isDeleted: boolean;
  /** Of the newest reaction, or of the newest one taken back; 0: there never was one. */
  readonly reactionRevision: number;
  readonly reactions: readonly Reaction[];
}

/** How far the amendments of a conversation go. */
export interface AmendmentHead {
  readonly conversation: ConversationId;
  readonly lastRevision: number;
  /** Log index of the newest one. */
  readonly lastIndex: number;
}
