/** What search needs and gives. */
import type { ConversationId } from '../chat/vocabulary/types.ts';
import type { Word } from './words.ts';

/** A message as the index takes it. */
export interface SearchDocument {
  /** Log index of the message. */
  readonly id: number;
  readonly conversation: ConversationId;
  readonly sequence: number;
  readonly text: string;
  readonly scopes: readonly string[];
}

/** How far a conversation is in the index. */
export interface Place {
  /** All messages from this one … */
  readonly first: number;
  /** … up to this one, … */
  readonly sequence: number;
  /** … as the amendments up to this one left them. */
  readonly revision: number;
}

/** One transaction. */
export interface IndexBatch {
  readonly documents: readonly SearchDocument[];
  /** How far these are with this batch; what is older than their first message goes. */
  readonly places: readonly (readonly [ConversationId, Place])[];
  /** These go with all that the index has of them. */
  readonly gone: readonly ConversationId[];
  /** Log indexes of messages that go. */
  readonly removed: readonly number[];
}

export interface IndexQuestion {
  readonly words: readonly Word[];
  /** A document must have one of these. */
  readonly scopes: readonly string[];
  /** And all of these. */
  readonly also: readonly string[];
  /** Only of this conversation; null: of any. */
  readonly conversation: ConversationId | null;
  /** Only messages with a lower log index; null: from the newest on. */
  readonly before: number | null;
  readonly limit: number;
}

export interface Hit {
  readonly id: number;
  readonly conversation: ConversationId;
  readonly sequence: number;
}

/** Port: the index on disk. Every method rejects with `CodedError` UNAVAILABLE when the index is not there now. */
export interface SearchIndex {
  places(): Promise<ReadonlyMap<ConversationId, Place>>;
  write(batch: IndexBatch): Promise<void>;
  /** The newest first. */
  find(question: IndexQuestion): Promise<readonly Hit[]>;
  stop(): Promise<void>;
}
