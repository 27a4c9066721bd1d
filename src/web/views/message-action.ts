/** What a person may do with a message that is on the screen. */
export type MessageAction =
  | { readonly kind: 'reply' | 'copy' | 'edit' | 'delete' | 'choose-reaction' }
  | { readonly kind: 'react'; readonly reaction: string; readonly remove: boolean };
