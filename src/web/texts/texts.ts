/** Which catalogue is spoken, and how its errors are told. */
import { type ErrorCode, errorTable } from '../../base/errors.ts';
import type { LanguageChoice } from '../model/app-state.ts';
import { de } from './de.ts';
import { type Catalogue, en } from './en.ts';

export type { Catalogue } from './en.ts';

export const catalogues = { en, de } as const;

/** `preferred`: the languages of the browser, the best first. */
export function catalogueFor(choice: LanguageChoice, preferred: readonly string[]): Catalogue {
  if (choice !== 'system') return catalogues[choice];
  for (const language of preferred) {
    const [code = ''] = language.toLowerCase().split('-');
    if (code === 'de') return de;
    if (code === 'en') return en;
  }
  return en;
}

/** The catalogue's words where it has some; those of the node, which may say more, if they are in its language. */
export function errorText(texts: Catalogue, code: ErrorCode, told: string = errorTable[code].text): string {
  return texts.errors[code] ?? told;
}
