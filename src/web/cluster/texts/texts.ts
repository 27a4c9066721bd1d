/** Which catalogue is spoken. */
import { de } from './de.ts';
import { type Catalogue, en } from './en.ts';

export type { Catalogue } from './en.ts';

/** The languages of the browser, the best first. */
export function catalogueFor(preferred: readonly string[]): Catalogue {
  for (const language of preferred) {
    const [code] = language.toLowerCase().split('-');
    if (code === 'de') return de;
    if (code === 'en') return en;
  }
  return en;
}
