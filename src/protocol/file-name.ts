/**
 * Names of files that come from others: reduced to what is safe to show, to put into a header, and to save under on any platform. A name
 * is a wish, never a path.
 */

/** Leaves room for a number behind the name where it is taken. */
const nameBytes = 240;
const fallback = 'file';
/** Device names of Windows, with or without an extension. */
const reserved = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i;

/** Base name only, without what hides, reorders or means something to a shell, a terminal or a file system. Never empty. */
export function safeFileName(wish: string): string {
  const base = wish.slice(Math.max(wish.lastIndexOf('/'), wish.lastIndexOf('\\')) + 1);
  const visible = [...base.normalize('NFC')]
    .map((character) => (isUnsafe(character) ? '_' : character))
    .join('');
  // Dots and blanks: hidden at the front, dropped at the end by Windows, and so the way to a name that is taken.
  const trimmed = visible.replace(/^[.\s]+/, '').replace(/[.\s]+$/, '');
  const named = reserved.test(trimmed) ? `_${trimmed}` : trimmed;
  return shorten(named) || fallback;
}

/** The n-th name to try where the ones before are taken: `a.txt`, `a (2).txt`, `a (3).txt` … */
export function numberedName(name: string, attempt: number): string {
  if (attempt <= 1) return name;
  const { stem, extension } = partsOf(name);
  return `${stem} (${attempt})${extension}`;
}

const typePattern = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,62}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}$/;
const unknownType = 'application/octet-stream';

/** A media type without parameters, or the one that says nothing. */
export function safeMediaType(wish: string): string {
  const type = wish.toLowerCase();
  return typePattern.test(type) ? type : unknownType;
}

/** Controls, format characters (among them those that reorder), lone surrogates, separators, and what file systems reserve. */
function isUnsafe(character: string): boolean {
  return /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}<>:"/\\|?*]/u.test(character);
}

function shorten(name: string): string {
  if (utf8Length(name) <= nameBytes) return name;
  const { stem, extension } = partsOf(name);
  let short = '';
  let left = nameBytes - utf8Length(extension);
  for (const character of stem) {
    left -= utf8Length(character);
    if (left < 0) break;
    short += character;
  }
  return short.trimEnd() + extension;
}

/** An extension is short: what follows a late dot of a long sentence is not one. */
function partsOf(name: string): { readonly stem: string; readonly extension: string } {
  const dot = name.lastIndexOf('.');
  const isExtension = dot > 0 && name.length - dot <= 17;
  return isExtension
    ? { stem: name.slice(0, dot), extension: name.slice(dot) }
    : { stem: name, extension: '' };
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}
