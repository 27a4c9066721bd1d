/**
 * Names of accounts and groups: ASCII, so that letter case means the same on every platform and version. Where other scripts are
 * configured, a gateway prepares names before they are proposed (small letters, composed); here only their shape is checked.
 */
import { limits } from '../../base/limits.ts';

export function isName(text: string): boolean {
  if (text.length < limits.nameMinChars || text.length > limits.nameMaxChars) return false;
  for (let at = 0; at < text.length; at++) {
    if (!isAlphanumeric(text.charCodeAt(at))) return false;
  }
  return true;
}

/** The shape of a prepared name: nothing that ends a field, commands a terminal or hides, and some letter that is not ASCII. */
export function isPreparedName(text: string): boolean {
  if (text.length < limits.nameMinChars || text.length > limits.nameMaxChars) return false;
  let beyondAscii = false;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 127) beyondAscii = true;
    else if (!isAlphanumeric(unit) || (unit >= 65 && unit <= 90)) return false;
  }
  return beyondAscii && !unprintable.test(text);
}

// Built from escapes: C1, soft hyphen, spaces, marks of direction, joiners, separators, half characters, private and non-characters.
const unprintable =
  /[\u0080-\u00a0\u00ad]|\u034f|[\u061c\u115f\u1160\u1680]|[\u180b-\u180f]|[\u2000-\u206f\u3000\u3164\ud800-\uf8ff]|[\ufe00-\ufe0f]|[\ufeff\uff00-\uffff]/;

/** The public name of an account of the registry dialect, from the SHA-256 (hex) of its secret. No `isName`. */
export function bearerName(secretHash: string): string {
  return `user-${secretHash.slice(0, 8)}`;
}

/** ASCII letters, digits, `-` and `_`: nothing that ends a field or a word in any dialect. */
export function isGroupName(text: string): boolean {
  if (text.length < 1 || text.length > limits.groupNameMaxChars) return false;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (!isAlphanumeric(unit) && unit !== 0x2d && unit !== 0x5f) return false;
  }
  return true;
}

function isAlphanumeric(unit: number): boolean {
  const digit = unit >= 48 && unit <= 57;
  const letter = (unit >= 65 && unit <= 90) || (unit >= 97 && unit <= 122);
  return digit || letter;
}

/**
 * The form in which names are compared: ASCII capitals made small, everything else left alone. Not `toLowerCase`, which makes the
 * Kelvin sign a `k` and changes with the tables of the platform.
 */
export function foldName(name: string): string {
  return name.replace(/[A-Z]/g, (capital) => capital.toLowerCase());
}
