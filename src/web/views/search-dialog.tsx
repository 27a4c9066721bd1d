/** Full text over everything that one may read; a result leads to its place. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { errorTable } from '../../base/errors.ts';
import type { MessageEntry } from '../../protocol/requests.ts';
import { addressOf } from '../model/conversations.ts';
import { addressFor } from '../model/route.ts';
import type { Catalogue } from '../texts/texts.ts';
import { useApp, useSelect, useSurroundings } from './context.ts';
import { DialogFrame } from './dialog-frame.tsx';

const pageResults = 30;
/** An index that is still being built, or a node that is busy, is asked again after so long. */
const againMs = 1_500;

interface Found {
  readonly messages: readonly MessageEntry[];
  readonly next: number | null;
  readonly complete: boolean;
}

function foundText(found: Found | null, { search }: Catalogue): string {
  if (found === null) return '';
  const { length } = found.messages;
  const counted = length === 0 ? search.nothing : search.found(length);
  return found.complete ? counted : `${counted} ${search.incomplete}`;
}

export function SearchDialog(): JSX.Element {
  const app = useApp();
  const { texts, formats } = useSurroundings();
  const me = useSelect((state) => state.me);
  const open = useSelect(({ openId, conversations }) =>
    openId === null ? undefined : conversations.get(openId),
  );
  const [found, setFound] = useState<Found | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const [isHere, setHere] = useState(false);
  const [isAsking, setAsking] = useState(false);
  const asked = useRef('');

  const ask = async (text: string, here: boolean, before?: number): Promise<void> => {
    asked.current = `${here} ${text}`;
    if (text === '') {
      setAsking(false);
      setFound(null);
      return;
    }
    const place = here && open !== undefined && !open.id.startsWith('to:') ? { with: open.id } : {};
    const page = before === undefined ? {} : { before };
    setAsking(true);
    const outcome = await app.client.find(text, { limit: pageResults, ...place, ...page });
    if (asked.current !== `${here} ${text}`) return;
    // A node that cannot say yet is asked once more, as long as nobody asks for something else.
    const isOpen = outcome.kind === 'rejection' && errorTable[outcome.code].retry;
    if (before === undefined && (isOpen || (outcome.kind === 'receipt' && !outcome.value.complete))) {
      setTimeout(() => {
        if (asked.current === `${here} ${text}`) void ask(text, here);
      }, againMs);
      if (isOpen) return;
    }
    setAsking(false);
    setFault(outcome.kind === 'receipt' ? null : texts.search.failed);
    if (outcome.kind !== 'receipt') return;
    const { messages, next, complete } = outcome.value;
    const earlier = before === undefined ? [] : (found?.messages ?? []);
    setFound({ messages: [...earlier, ...messages], next, complete });
  };
  useEffect(
    () => () => {
      asked.current = '';
    },
    [],
  );
  const [text, setText] = useState('');
  const go = (message: MessageEntry): void => {
    app.store.set({ dialog: null });
    app.aim(message.conversation, message.sequence);
    location.hash = addressFor(addressOf(message, me));
  };
  return (
    <DialogFrame title={texts.search.title} size="large">
      <input
        class="jump-field"
        type="search"
        aria-label={texts.search.hint}
        placeholder={texts.search.hint}
        autofocus
        onKeyDown={(event) => {
          // The browser would only empty the field.
          if (event.key === 'Escape') app.store.set({ dialog: null });
        }}
        onInput={(event) => {
          setText(event.currentTarget.value.trim());
          void ask(event.currentTarget.value.trim(), isHere);
        }}
      />
      {open !== undefined && (
        <label class="check">
          <input
            type="checkbox"
            checked={isHere}
            onChange={(event) => {
              setHere(event.currentTarget.checked);
              void ask(text, event.currentTarget.checked);
            }}
          />
          <span>{texts.search.here}</span>
        </label>
      )}
      <p class="hint" role="status">
        {isAsking ? texts.search.asking : foundText(found, texts)}
      </p>
      <p class="fault" role="alert">
        {fault}
      </p>
      <ul class="results">
        {found?.messages.map((message) => (
          <li key={message.index}>
            <button type="button" class="result" onClick={() => go(message)}>
              <span class="byline">
                <bdi class="author">{message.from}</bdi>
                <bdi class="hint">{addressOf(message, me)}</bdi>
                <time>{formats.moment(message.sentMs)}</time>
              </span>
              <span class="result-text" dir="auto">
                {message.text.slice(0, 300)}
              </span>
            </button>
          </li>
        ))}
      </ul>
      {found !== null && found.next !== null && (
        <button type="button" onClick={() => void ask(text, isHere, found.next ?? undefined)}>
          {texts.search.more}
        </button>
      )}
    </DialogFrame>
  );
}
