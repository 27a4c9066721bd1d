/** The page: the entrance or the chat, in the chosen language. */
import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { formatsOf } from '../model/format.ts';
import type { App } from '../session/app.ts';
import { catalogueFor } from '../texts/texts.ts';
import { SurroundingsContext, useSelectFrom } from './context.ts';
import { Entrance } from './entrance.tsx';
import { Shell } from './shell.tsx';

export function Root({ app, invitation }: { readonly app: App; readonly invitation: string }): JSX.Element {
  const language = useSelectFrom(app, (state) => state.settings.language);
  const theme = useSelectFrom(app, (state) => state.settings.theme);
  const phase = useSelectFrom(app, (state) => state.phase);
  const isUnreachable = useSelectFrom(app, ({ line }) => line?.kind === 'unreachable');
  const unread = useSelectFrom(app, ({ conversations }) =>
    [...conversations.values()].reduce((sum, conversation) => sum + conversation.unread, 0),
  );
  const [code, setCode] = useState(invitation);
  const texts = catalogueFor(language, navigator.languages);
  const formats = useMemo(() => formatsOf(localeFor(texts.code)), [texts]);
  const surroundings = useMemo(() => ({ app, texts, formats }), [app, texts, formats]);
  useEffect(() => {
    document.documentElement.lang = texts.code;
    document.documentElement.dataset.theme = theme;
  }, [texts, theme]);
  useEffect(() => {
    // Whoever has come in needs it no more.
    if (phase === 'chat') setCode('');
  }, [phase]);
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) Conclave` : 'Conclave';
  }, [unread]);
  return (
    <SurroundingsContext.Provider value={surroundings}>
      {phase === 'starting' && (
        <main class="entrance">
          <p class="hint" role="status">
            {isUnreachable ? texts.line.unreachable : texts.entrance.starting}
          </p>
        </main>
      )}
      {phase === 'entrance' && <Entrance invitation={code} />}
      {phase === 'chat' && <Shell />}
    </SurroundingsContext.Provider>
  );
}

/** The person's own habits of writing times where they are of that language. */
function localeFor(code: string): string {
  return navigator.languages.find((language) => language.toLowerCase().startsWith(code)) ?? code;
}
