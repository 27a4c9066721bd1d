/** Messages as they are stored and sent on: part of the vocabulary in `types.ts`. */
import type { FileDescription } from './file-types.ts';
import type { AccountId, ConversationId } from './ids.ts';

/** What a message says. Kinds are added, never changed: stored records keep theirs. */
export type MessageBody =
  | {
      readonly kind: 'text';
      readonly text: string;
      /** Name of the webhook that it came in by, in the name of `from`. */
      readonly via?: string;
    }
  | { readonly kind: 'file'; readonly file: FileDescription };

/** One message as stored in its conversation's stream. */
export interface Message {
  readonly conversation: ConversationId;
  /** 1, 2, 3 … within the conversation, without gaps. */
  readonly sequence: number;
  /** Log index: orders messages of different conversations, and is a subscriber's cursor. */
  readonly index: number;
  readonly from: AccountId;
  /** The receiver of a direct message; null in a group and in the lobby. */
  readonly to: AccountId | null;
  /** Counts all that its sender has sent: 1, 2, 3 … */
  readonly number: number;
  /** Sequence of the message of the same conversation that this one answers; null for none. */
  readonly replyTo: number | null;
  readonly body: MessageBody;
  readonly sentMs: number;
}
