/**
 * Names that people type → names as they are kept. ASCII names stay as they are; others are prepared as RFC 8265 says for user names
 * (UsernameCaseMapped): half and full widths become ordinary, letters small, composed; then letters and digits of one script only.
 */
import { isName, isPreparedName } from '../../chat/names/names.ts';

export type NameRule = 'ascii' | 'unicode';

/** Scripts that names may be written in; the second of a pair may stand beside the first. */
const scripts: readonly RegExp[] = [
  /^[\p{Script=Latin}\p{Nd}\p{M}]+$/u,
  /^[\p{Script=Greek}\p{Nd}\p{M}]+$/u,
  /^[\p{Script=Cyrillic}\p{Nd}\p{M}]+$/u,
  /^[\p{Script=Armenian}\p{Nd}\p{M}]+$/u,
  /^[\p{Script=Georgian}\p{Nd}\p{M}]+$/u,
  /^[\p{Script=Hebrew}\p{M}]+[0-9]*$/u,
  /^[\p{Script=Arabic}\p{M}]+$/u,
  /^[\p{Script=Devanagari}\p{Nd}\p{M}]+$/u,
  /^[\p{Script=Thai}\p{Nd}\p{M}]+$/u,
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー\p{Nd}]+$/u,
  /^[\p{Script=Han}\p{Script=Hangul}\p{Nd}]+$/u,
];

/** The form in which a name is looked up, whether or not it is one. */
export function preparedName(text: string): string {
  if (isAscii(text)) return text;
  const widthMapped = text.replace(/[\uff00-\uffef]/g, (char) => char.normalize('NFKC'));
  return isAscii(widthMapped) ? widthMapped : widthMapped.toLowerCase().normalize('NFC');
}

const nameKeys = ['user', 'to', 'with'] as const;

/** A request with the names in it as they are looked up. */
export function withPreparedNames<Asked extends object>(request: Asked): Asked {
  let prepared = request;
  for (const key of nameKeys) {
    const typed: unknown = Reflect.get(request, key);
    const name = typeof typed === 'string' ? preparedName(typed) : typed;
    if (name !== typed) prepared = { ...prepared, [key]: name };
  }
  return prepared;
}

/** Whether a prepared name may be registered, apart from others that are there. */
export function isAllowedName(name: string, rule: NameRule): boolean {
  if (isName(name)) return true;
  if (rule === 'ascii' || !isPreparedName(name)) return false;
  // What has a plainer equivalent would be two names that are one (HasCompat, RFC 8264).
  if (name.normalize('NFKC') !== name || /^\p{M}/u.test(name)) return false;
  return scripts.some((script) => script.test(name));
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 127) return false;
  return true;
}
