/** What travels between a node and its hashing process. */

/** argon2id as OWASP's minimum (SECURITY of passwords: 19 MiB, two passes, one lane). */
export const hashOptions = { type: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

export type HashQuestion =
  | { readonly id: number; readonly kind: 'hash'; readonly password: string }
  /** `hash` null: nobody's; costs as much as any other and is never right. */
  | { readonly id: number; readonly kind: 'verify'; readonly password: string; readonly hash: string | null };

export type HashAnswer =
  /** The process is up: from now on it does nothing but hash. */
  | { readonly id: null }
  | { readonly id: number; readonly ok: true; readonly value: string | boolean }
  | { readonly id: number; readonly ok: false };
