/** What a person chose for this browser, and what they began to write. */
import { type AppState, firstSettings, type Settings } from '../model/app-state.ts';
import type { Keep } from './ports.ts';
import type { Store } from './store.ts';

const place = 'settings';
const draftPrefix = 'draft.';
/** Longer ones are not kept. */
const draftChars = 16_384;

export class SettingsKeeper {
  readonly #store: Store<AppState>;
  readonly #keep: Keep;

  constructor(store: Store<AppState>, keep: Keep) {
    this.#store = store;
    this.#keep = keep;
  }

  choose(change: Partial<Settings>): void {
    const settings = { ...this.#store.state.settings, ...change };
    this.#store.set({ settings });
    this.#keep.set(place, JSON.stringify(settings));
  }

  draft(address: string): string {
    return this.#keep.get(this.#draftPlace(address)) ?? '';
  }

  keepDraft(address: string, text: string): void {
    this.#keep.set(this.#draftPlace(address), text === '' || text.length > draftChars ? null : text);
  }

  /** What was begun in a group goes with it to its new name; another tab may have taken it there already. */
  moveDraft(before: string, after: string): void {
    const text = this.draft(before);
    if (text === '') return;
    this.keepDraft(after, text);
    this.keepDraft(before, '');
  }

  /** Addresses that have one. */
  get drafted(): readonly string[] {
    const prefix = this.#draftPlace('');
    return this.#keep.names(prefix).map((name) => name.slice(prefix.length));
  }

  /** Who leaves leaves nothing behind. */
  forgetDrafts(): void {
    for (const address of this.drafted) this.#keep.set(this.#draftPlace(address), null);
  }

  #draftPlace(address: string): string {
    return `${draftPrefix}${this.#store.state.me}.${address}`;
  }
}

export function readSettings(keep: Keep): Settings {
  try {
    const kept = JSON.parse(keep.get(place) ?? '{}') as Partial<Settings>;
    return {
      language: oneOf(['system', 'en', 'de'], kept.language) ?? firstSettings.language,
      theme: oneOf(['system', 'light', 'dark'], kept.theme) ?? firstSettings.theme,
      notifies: kept.notifies === true,
    };
  } catch {
    return firstSettings;
  }
}

function oneOf<T extends string>(choices: readonly T[], value: unknown): T | null {
  return choices.find((choice) => choice === value) ?? null;
}
