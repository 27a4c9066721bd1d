/** The name that is being written at the caret, and how it is completed. */
export interface MentionAtCaret {
  /** Where its `@` stands. */
  readonly start: number;
  readonly beginning: string;
}

export function mentionAt(text: string, caret: number): MentionAtCaret | null {
  const before = text.slice(0, caret);
  const match = /(?:^|[^\p{L}\p{N}_@.])@([\p{L}\p{N}]{0,20})$/u.exec(before);
  const beginning = match?.[1];
  return beginning === undefined ? null : { start: caret - beginning.length - 1, beginning };
}

/** The text with the name in it, and where the caret stands then. */
export function withMention(
  text: string,
  { start, beginning }: MentionAtCaret,
  name: string,
): { readonly text: string; readonly caret: number } {
  const rest = text.slice(start + 1 + beginning.length);
  const inserted = `@${name}${rest.startsWith(' ') ? '' : ' '}`;
  return { text: text.slice(0, start) + inserted + rest, caret: start + name.length + 2 };
}
