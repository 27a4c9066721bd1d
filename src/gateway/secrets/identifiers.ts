/** What a gateway makes for the replicated state, from secure bytes or from names; the hash under which the state knows a secret, and how two are compared. */
import { createHash, timingSafeEqual } from 'node:crypto';

export type SecureBytes = (count: number) => Uint8Array;

/** Version 4 of RFC 9562: all random but for version and variant. */
export function newUuid(secureBytes: SecureBytes): string {
  const bytes = Buffer.from(secureBytes(16));
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const digits = bytes.toString('hex');
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    digits.slice(12, 16),
    digits.slice(16, 20),
    digits.slice(20),
  ].join('-');
}

/** In the form of version 4, from a name of some source: the same again for the same. */
export function uuidFor(source: string, name: string): string {
  const digits = createHash('sha256').update(`${source} ${name}`).digest('hex');
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `4${digits.slice(13, 16)}`,
    `8${digits.slice(17, 20)}`,
    digits.slice(20, 32),
  ].join('-');
}

/** SHA-256 in hexadecimal: enough for secrets of 122 random bits and more, which nobody can try out. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** In a time that does not depend on where they differ. */
export function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
