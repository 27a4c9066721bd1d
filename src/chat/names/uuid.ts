/** UUIDs in the form of version 4 (RFC 9562). Made by gateways from a secure source; here they are checked, or derived where none came. */
import { fingerprintTexts } from '../codecs/fingerprint.ts';

const form = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export function isUuid(text: string): boolean {
  return text.length === 36 && form.test(text);
}

/** The same on every node, and another for another account: for accounts that were registered without one. Not a secret. */
export function derivedUuid(account: number, name: string): string {
  const digits = [0, 1, 2]
    .map((part) =>
      fingerprintTexts('uuid', String(account), name, String(part)).toString(16).padStart(14, '0'),
    )
    .join('');
  const variant = '89ab'[Number.parseInt(digits.charAt(15), 16) % 4] ?? '8';
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `4${digits.slice(12, 15)}`,
    `${variant}${digits.slice(16, 19)}`,
    digits.slice(19, 31),
  ].join('-');
}
