/** Which catalogue is spoken. */
import { de } from './de.ts';
import { type Catalogue, en } from './en.ts';

export type { Catalogue } from './en.ts';

/** `choice`: what was chosen in the chat; else the languages of the browser count, the best first. */
export function catalogueFor(choice: 'system' | 'en' | 'de', preferred: readonly string[]): Catalogue {
  if (choice !== 'system') return choice === 'de' ? de : en;
  for (const language of preferred) {
    const [code] = language.toLowerCase().split('-');
    if (code === 'de') return de;
    if (code === 'en') return en;
  }
  return en;
}
