/** What an e-mail address and a display name may be. Judged by fixed ranges, never by the platform's tables: all nodes must agree. */
import { limits } from '../../base/limits.ts';

/** `local@label.label`, ASCII: what one types at a login, not every form that RFC 5321 allows. */
export function isEmail(text: string): boolean {
  if (text.length > limits.emailChars) return false;
  const at = text.indexOf('@');
  if (at < 1 || at > localChars || !/^[!-?A-~]+$/.test(text.slice(0, at))) return false;
  const labels = text.slice(at + 1).split('.');
  return labels.length > 1 && labels.every((label) => /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})$/.test(label));
}

const localChars = 64;

/** One line that no terminal or page takes for anything but text: no control characters, nothing that reorders, no half characters. */
export function isDisplayName(text: string): boolean {
  return (
    text.length > 0 && text.length <= limits.displayNameChars && text.trim() === text && !forbidden.test(text)
  );
}

// Built from escapes, since the characters themselves have no place in a source file.
const forbidden = new RegExp(
  '[\\u0000-\\u001f\\u007f-\\u009f\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u2069\\ufeff]|' +
    '[\\ud800-\\udbff](?![\\udc00-\\udfff])|(?<![\\ud800-\\udbff])[\\udc00-\\udfff]',
);
