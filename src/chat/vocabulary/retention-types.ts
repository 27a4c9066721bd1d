/** How long messages are kept: part of the vocabulary in `types.ts`. */
import type { ConversationId } from './ids.ts';

export type RetentionCommand =
  /** Its owner's. Null: as the configuration says; 0: for ever. */
  | { readonly kind: 'set-group-retention'; readonly name: string; readonly ageMs: number | null }
  /**
   * A node's own, as far as the conversation's share of it is due (`retentionDue`): what is older than its age goes, in steps. `defaultMs`: of the
   * configuration, for conversations that have no age of their own; null: for ever.
   */
  | { readonly kind: 'retain'; readonly conversation: ConversationId; readonly defaultMs: number | null };

/** `more`: another step is due at once. */
export interface RetentionReceipt {
  readonly kind: 'retained';
  readonly conversation: ConversationId;
  /** Sequence of the first message that is left. */
  readonly first: number;
  readonly more: boolean;
}

/** All messages of the conversation below that sequence are gone. */
export interface TrimEvent {
  readonly kind: 'trimmed';
  readonly conversation: ConversationId;
  readonly below: number;
}

/** At that cluster time the conversation went so far: what is up to there was there by then. */
export interface Checkpoint {
  readonly clusterMs: number;
  readonly sequence: number;
  readonly revision: number;
}

/** What is known of a conversation for the sake of its age. */
export interface RetentionData {
  readonly conversation: ConversationId;
  /** Its own; null: that of the configuration; 0: for ever. */
  readonly ageMs: number | null;
  readonly firstSequence: number;
  readonly firstRevision: number;
  /** Oldest first. */
  readonly checkpoints: readonly Checkpoint[];
}
