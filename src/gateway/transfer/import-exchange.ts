/** What an operator sends of an import, and what it is told. */

/**
 * One record as an operator sends it: `ImportRecord`, with `password` in place of `passwordHash` where it is not hashed yet; a `file` with its
 * manifest, and `chunk`s behind it.
 */
export type WireRecord = Readonly<Record<string, unknown>>;

export type ImportAnswer =
  | { readonly kind: 'done'; readonly account: number | null; readonly conversation: string | null }
  | { readonly kind: 'refused'; readonly code: string; readonly text: string }
  /** Send it again: what is there already is accepted again. */
  | { readonly kind: 'unknown' };
