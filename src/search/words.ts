/** What somebody types to find something, and how texts are cut so that it is found. Pure. */

/** One of the things that were typed. Its text is found as it stands: several words are a phrase. */
export interface Word {
  readonly text: string;
  /** The last word as one types it: its continuations count. */
  readonly isPrefix: boolean;
  readonly isExcluded: boolean;
}

/** More are not looked for. */
export const wordsMax = 16;
/** A shorter beginning has too many continuations. */
const prefixMinChars = 3;

/** The categories that `index-file.ts` has SQLite make tokens of. */
const tokenChar = /[\p{L}\p{M}\p{N}\p{Co}\p{So}]/u;
/** Scripts that write without spaces: every character stands alone, and what was typed of them is a phrase. */
const unspaced =
  /([\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}])/gu;

/**
 * `two words` must both be there, `"a phrase"` as it stands, `-word` must not. What holds no letter, digit or symbol is left out. The last
 * word counts as a beginning, unless a space or quotation mark ends it.
 */
export function readWords(typed: string): readonly Word[] {
  const words: Word[] = [];
  for (const [whole, minus = '', phrase, bare = ''] of typed.matchAll(/(-?)(?:"([^"]*)"?|([^\s"]+))/gu)) {
    const text = spaced(phrase ?? bare).trim();
    if (!tokenChar.test(text)) continue;
    const isLast = phrase === undefined && typed.endsWith(whole);
    const isExcluded = minus === '-';
    words.push({ text, isExcluded, isPrefix: isLast && !isExcluded && text.length >= prefixMinChars });
    if (words.length === wordsMax) break;
  }
  return words;
}

/** Text as it is indexed: compatible forms are one, and what is written without spaces gets them. To SQLite a NUL would be the end. */
export function spaced(text: string): string {
  return text.normalize('NFKC').replaceAll('\0', ' ').replaceAll(unspaced, ' $1 ');
}
