/** Which passwords are taken. Length and known bad ones only (NIST SP 800-63B-4): nobody has to use a digit or a symbol. */
import { readFileSync } from 'node:fs';
import { limits } from '../../base/limits.ts';

export interface PasswordRules {
  /** Counted in code points, after normalisation. */
  readonly minChars: number;
  /** Refuse the most used ones, and what is made of the user's or the service's name. */
  readonly refuseCommon: boolean;
  /** Names of this service. */
  readonly serviceNames: readonly string[];
}

/** Whose password it is to be. */
export interface Owner {
  readonly name: string;
  readonly displayName?: string | null;
  readonly email?: string | null;
}

/** As it is hashed (NFKC, so that two keyboards give the same password); null when it is too long, before or after. */
export function normalisedPassword(password: string): string | null {
  if (Buffer.byteLength(password) > limits.passwordBytes) return null;
  const normal = password.normalize('NFKC');
  return Buffer.byteLength(normal) > limits.passwordBytes ? null : normal;
}

/** Why a normalised password is refused, for people; null when it is taken. */
export function weaknessOf(password: string, owner: Owner, rules: PasswordRules): string | null {
  const chars = [...password].length;
  if (chars < rules.minChars) {
    const unit = rules.minChars === 1 ? 'character' : 'characters';
    return `The password is too short: at least ${rules.minChars} ${unit}.`;
  }
  if (!rules.refuseCommon) return null;
  const folded = password.toLowerCase();
  if (commonPasswords().has(folded)) return 'The password is one of the most used ones.';
  if (namesOf(owner).some((name) => isMadeOf(folded, name)))
    return 'The password is made of the name of its user.';
  if (rules.serviceNames.some((name) => isMadeOf(folded, name.toLowerCase()))) {
    return 'The password is made of the name of this service.';
  }
  return null;
}

function namesOf({ name, displayName, email }: Owner): readonly string[] {
  const local = email?.split('@')[0];
  return [name, displayName, email, local].filter((text) => text != null).map((text) => text.toLowerCase());
}

/** Of this name, once or several times, and nothing beside it but digits and signs. */
function isMadeOf(password: string, name: string): boolean {
  const core = coreOf(name);
  if (core === '' || !password.includes(core)) return false;
  const rest = password.replaceAll(core, '');
  // A name of digits is in many a number.
  return /\p{L}/u.test(core) ? !/\p{L}/u.test(rest) : rest === '';
}

/** Without what people hang on to a word to make it pass: digits and signs around it. A name of only those stays as it is. */
function coreOf(text: string): string {
  const isLetter = (char: string | undefined): boolean => char !== undefined && /\p{L}/u.test(char);
  const chars = [...text];
  const from = chars.findIndex(isLetter);
  return from < 0 ? text : chars.slice(from, chars.findLastIndex(isLetter) + 1).join('');
}

let common: ReadonlySet<string> | null = null;

/** Read when the first password is judged, which no request of a running conversation waits for: 50 kB, once. */
function commonPasswords(): ReadonlySet<string> {
  common ??= new Set(
    readFileSync(new URL('./common-passwords.txt', import.meta.url), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('# ')),
  );
  return common;
}
