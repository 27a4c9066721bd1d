/** What is of the moment: part of the vocabulary in `requests.ts`. */
export type LiveRequest =
  /** To be told on this connection who comes and goes, and who is typing. `on` false: no more. */
  | { readonly op: 'watch'; readonly on?: boolean }
  /** In this conversation (as in `history`) one is typing: those who watch are told. */
  | { readonly op: 'typing'; readonly with: string };

export type LiveSuccess = { readonly op: 'watch'; readonly on: boolean } | { readonly op: 'typing' };
