/** What travels between a node and its hashing process. */

/** argon2id as OWASP's minimum (SECURITY of passwords: 19 MiB, two passes, one lane). */
export const hashOptions = { type: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** Whether a hash in PHC form was made with weaker parameters than today's. Of another form: no, it is left alone. */
export function isOutdated(hash: string): boolean {
  const [, kind = '', version = '', parameters = ''] = hash.split('$');
  if (!kind.startsWith('argon2')) return false;
  if (kind !== 'argon2id' || Number(version.slice('v='.length)) < phcVersion) return true;
  const figures = new Map(parameters.split(',').map((part) => [part.slice(0, 2), Number(part.slice(2))]));
  const { memoryCost, timeCost } = hashOptions;
  return (figures.get('m=') ?? 0) < memoryCost || (figures.get('t=') ?? 0) < timeCost;
}

/** Of argon2 itself, as RFC 9106 describes it: 1.3. */
const phcVersion = 0x13;

export type HashQuestion =
  | { readonly id: number; readonly kind: 'hash'; readonly password: string }
  /** `hash` null: nobody's; costs as much as any other and is never right. */
  | { readonly id: number; readonly kind: 'verify'; readonly password: string; readonly hash: string | null };

export type HashAnswer =
  /** The process is up: from now on it does nothing but hash. */
  | { readonly id: null }
  | { readonly id: number; readonly ok: true; readonly value: string | boolean }
  | { readonly id: number; readonly ok: false };
