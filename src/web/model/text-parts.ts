/**
 * What a message's text is made of, for display: plain text, web addresses, names of people, code. Nothing is ever taken as markup: each
 * part becomes a text node. In linear time, whatever the text.
 */
export type TextPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'link'; readonly text: string; readonly address: string }
  | { readonly kind: 'mention'; readonly text: string; readonly name: string }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'block'; readonly text: string };

/** A block of code, code in a line, a web address, a name: what comes first wins. */
const pattern =
  /```(?:[^\S\n]*\n)?([\s\S]+?)\n?```|`([^`\n]+)`|(https?:\/\/[^\s<>"'`]+)|(?<![\p{L}\p{N}_@.])@([\p{L}\p{N}]{2,20})(?![\p{L}\p{N}_])/gu;

export function partsOf(text: string): readonly TextPart[] {
  const parts: TextPart[] = [];
  let at = 0;
  const plain = (end: number): void => {
    if (end > at) parts.push({ kind: 'text', text: visible(text.slice(at, end)) });
  };
  for (const match of text.matchAll(pattern)) {
    const [whole, block, code, link, name] = match;
    const part = block !== undefined ? blockOf(block) : code !== undefined ? codeOf(code) : null;
    const found = part ?? (link !== undefined ? linkOf(link) : mentionOf(whole, name ?? ''));
    if (found === null) continue;
    plain(match.index);
    parts.push(found);
    at = match.index + (found.kind === 'link' ? found.text.length : whole.length);
  }
  plain(text.length);
  return parts;
}

function blockOf(text: string): TextPart {
  return { kind: 'block', text: visible(text) };
}

function codeOf(text: string): TextPart {
  return { kind: 'code', text: visible(text) };
}

function mentionOf(text: string, name: string): TextPart {
  return { kind: 'mention', text, name };
}

/** Without what ends the sentence around it. Null: no address after all. */
function linkOf(found: string): TextPart | null {
  let text = found;
  for (;;) {
    const shorter = text.replace(/[.,;:!?…]+$/, '');
    const isOpen = shorter.endsWith(')') && !shorter.includes('(');
    const next = isOpen ? shorter.slice(0, -1) : shorter;
    if (next === text) break;
    text = next;
  }
  const address = URL.parse(text);
  if (address === null || !/^https?:$/.test(address.protocol) || address.username !== '') return null;
  return { kind: 'link', text, address: address.href };
}

/** Control characters have no picture of their own: a terminal's escape sequence is to be seen as what it is. */
function visible(text: string): string {
  return text.replace(/\p{Cc}/gu, (control) => {
    if (control === '\n' || control === '\t') return control;
    return `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

/** Whether the text calls that person, or everyone in a group. */
export function calls(text: string, me: string): boolean {
  const wanted = me.toLowerCase();
  return partsOf(text).some(
    (part) =>
      part.kind === 'mention' && (part.name.toLowerCase() === wanted || part.name.toLowerCase() === 'all'),
  );
}
