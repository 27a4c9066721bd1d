/** What every view may use: the session, the words, and pieces of the state as they change. */
import { createContext } from 'preact';
import { useContext, useLayoutEffect, useReducer, useRef } from 'preact/hooks';
import type { AppState, Dialog } from '../model/app-state.ts';
import type { Formats } from '../model/format.ts';
import { addressFor } from '../model/route.ts';
import type { App } from '../session/app.ts';
import type { Catalogue } from '../texts/texts.ts';

export interface Surroundings {
  readonly app: App;
  readonly texts: Catalogue;
  readonly formats: Formats;
}

/** Filled by the root before anything else is drawn. */
export const SurroundingsContext = createContext<Surroundings | null>(null);

export function useSurroundings(): Surroundings {
  const surroundings = useContext(SurroundingsContext);
  if (surroundings === null) throw new Error('a view was drawn outside of the root');
  return surroundings;
}

export function useApp(): App {
  return useSurroundings().app;
}

export function useTexts(): Catalogue {
  return useSurroundings().texts;
}

/** The dialog that a view stands in. */
export const DialogContext = createContext<Dialog | null>(null);

/**
 * Closes the dialog that the caller stands in. Not another one that was asked for meanwhile: the browser closes a dialog at once and says so
 * later, and what a dialog waited for may come when it is long gone. Returns whether it was still there: who closed it is somewhere else, and
 * is not to be taken away from there.
 */
export function useClose(): () => boolean {
  const app = useApp();
  const own = useContext(DialogContext);
  return () => {
    if (app.store.state.dialog !== own) return false;
    app.store.set({ dialog: null });
    return true;
  };
}

/** The conversation with that address comes up, also when the page stands there already. */
export function goTo(app: App, address: string): void {
  const hash = addressFor(address);
  if (location.hash === hash) void app.open(address);
  else location.hash = hash;
}

/** Draws again when that piece of the state has become another. */
export function useSelect<T>(select: (state: AppState) => T): T {
  return useSelectFrom(useApp(), select);
}

export function useSelectFrom<T>(app: App, select: (state: AppState) => T): T {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const value = select(app.store.state);
  const drawn = useRef({ value, select });
  drawn.current = { value, select };
  useLayoutEffect(() => {
    const look = (): void => {
      if (!Object.is(drawn.current.select(app.store.state), drawn.current.value)) redraw(null);
    };
    look();
    return app.store.subscribe(look);
  }, [app]);
  return value;
}
