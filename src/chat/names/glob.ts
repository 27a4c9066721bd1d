/** Matching of names against what people type. Patterns come from strangers: no backtracking, and a bound on their length. */
import { limits } from '../../base/limits.ts';

export function isGlob(pattern: string): boolean {
  return pattern.includes('*') || pattern.includes('?');
}

/**
 * `*` stands for any characters, none too; `?` for exactly one. Letter case counts: fold both sides first.
 *
 * Only the last `*` met is ever taken up again, since an earlier one could not match more by being longer. So each
 * character of the name is tried at most once for each character of the pattern: 20 × 64 steps at the very most.
 * A pattern over `limits.searchPatternChars` matches nothing.
 */
export function matchesGlob(name: string, pattern: string): boolean {
  if (pattern.length > limits.searchPatternChars) return false;
  let atName = 0;
  let atPattern = 0;
  let afterStar = -1;
  let starMatchedTo = 0;
  while (atName < name.length) {
    const wanted = pattern[atPattern];
    if (wanted === '*') {
      afterStar = ++atPattern;
      starMatchedTo = atName;
    } else if (wanted === '?' || wanted === name[atName]) {
      atName++;
      atPattern++;
    } else if (afterStar >= 0) {
      atPattern = afterStar;
      atName = ++starMatchedTo;
    } else {
      return false;
    }
  }
  while (pattern[atPattern] === '*') atPattern++;
  return atPattern === pattern.length;
}
