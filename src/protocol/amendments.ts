/** Changes of messages that were sent, as people ask for them and see them: part of the vocabulary in `requests.ts`. */

/** `conversation`: its id, as messages name it. */
export type AmendmentRequest =
  /** Another text for a message of one's own. */
  | {
      readonly op: 'edit';
      readonly conversation: string;
      readonly sequence: number;
      readonly text: string;
    }
  /** One of one's own, or any in a group that one owns. */
  | { readonly op: 'delete-message'; readonly conversation: string; readonly sequence: number }
  /** An emoji or a short word; `remove` takes it back. */
  | {
      readonly op: 'react';
      readonly conversation: string;
      readonly sequence: number;
      readonly reaction: string;
      readonly remove?: boolean;
    };

/** What has become of messages: the first `limit` amendments behind the revision `after`. */
export interface AmendmentsRequest {
  readonly op: 'amendments';
  readonly conversation: string;
  readonly limit: number;
  readonly after?: number;
}

/** Who reacted to a message in this way, by name, in the order of their reactions. */
export interface ReactionEntry {
  readonly reaction: string;
  readonly users: readonly string[];
}

/**
 * What has become of a message: all of what changed, not the difference. Revisions count the amendments of a conversation; one that a later one has
 * overtaken may be left out.
 */
export type AmendedEntry = {
  readonly conversation: string;
  /** Of the message. */
  readonly sequence: number;
  readonly revision: number;
  /** Log index: the same cursor as that of messages. */
  readonly index: number;
  readonly by: string;
  readonly amendedMs: number;
} & (
  | { readonly text: string; readonly editedMs: number }
  | { readonly deleted: true }
  | { readonly reactions: readonly ReactionEntry[] }
);

export type AmendmentSuccess = AmendmentRequest['op'] extends infer Op
  ? Op extends string
    ? { readonly op: Op } & AmendedValue
    : never
  : never;

/** `revision` and `index`: of the newest amendment of the message, where nothing was left to change. */
export interface AmendedValue {
  readonly conversation: string;
  readonly sequence: number;
  readonly revision: number;
  readonly index: number;
}

const amendmentOperations = {
  edit: true,
  'delete-message': true,
  react: true,
} satisfies Record<AmendmentRequest['op'], true>;

export function isAmendmentRequest(request: { readonly op: string }): request is AmendmentRequest {
  return Object.hasOwn(amendmentOperations, request.op);
}
