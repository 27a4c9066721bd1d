/** Words and scopes as an expression of SQLite's FTS5 (sqlite.org/fts5.html, section 3). Pure. */
import type { IndexQuestion } from './ports.ts';
import type { Word } from './words.ts';

/** Columns: `text`, `scope`. Null: there is nothing to look for, since what is only excluded finds nothing. */
export function matchOf({
  words,
  scopes,
  also,
}: Pick<IndexQuestion, 'words' | 'scopes' | 'also'>): string | null {
  const wanted = words.filter(({ isExcluded }) => !isExcluded).map(inText);
  if (scopes.length === 0 || (wanted.length === 0 && also.length === 0)) return null;
  const parts = [...wanted, ...also.map((scope) => inScope([scope])), inScope(scopes)];
  const unwanted = words.filter(({ isExcluded }) => isExcluded).map(inText);
  return unwanted.reduce((match, word) => `(${match}) NOT ${word}`, parts.join(' AND '));
}

function inText({ text, isPrefix }: Word): string {
  return `(text : ${quoted(text)}${isPrefix ? ' *' : ''})`;
}

function inScope(scopes: readonly string[]): string {
  return `(scope : (${scopes.map(quoted).join(' OR ')}))`;
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}
