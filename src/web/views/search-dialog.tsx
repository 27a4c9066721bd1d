/** Full text over everything that one may read; a result leads to its place. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { MessageEntry } from '../../protocol/requests.ts';
import { addressOf } from '../model/conversations.ts';
import { addressFor } from '../model/route.ts';
import type { Catalogue } from '../texts/texts.ts';
import { useClose, useSelect, useSurroundings, useTexts } from './context.ts';
import { DialogFrame } from './dialog-frame.tsx';
import { type Found, useSearch } from './use-search.ts';

const shownChars = 300;

export function SearchDialog(): JSX.Element {
  const texts = useTexts();
  const close = useClose();
  // One that was not used yet has nothing to be found in.
  const open = useSelect(({ openId }) => (openId === null || openId.startsWith('to:') ? null : openId));
  const [text, setText] = useState('');
  const [isHere, setHere] = useState(false);
  const { found, fault, isAsking, ask, more } = useSearch();
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
          if (event.key === 'Escape') close();
        }}
        onInput={(event) => {
          const typed = event.currentTarget.value.trim();
          setText(typed);
          ask({ text: typed, conversation: isHere ? open : null });
        }}
      />
      {open !== null && (
        <label class="check">
          <input
            type="checkbox"
            checked={isHere}
            onChange={(event) => {
              const { checked } = event.currentTarget;
              setHere(checked);
              ask({ text, conversation: checked ? open : null });
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
          <Result key={message.index} message={message} />
        ))}
      </ul>
      {found !== null && found.next !== null && (
        <button type="button" onClick={more}>
          {texts.search.more}
        </button>
      )}
    </DialogFrame>
  );
}

function foundText(found: Found | null, { search }: Catalogue): string {
  if (found === null) return '';
  const { length } = found.messages;
  const counted = length === 0 ? search.nothing : search.found(length);
  return found.complete ? counted : `${counted} ${search.incomplete}`;
}

function Result({ message }: { readonly message: MessageEntry }): JSX.Element {
  const { app, formats } = useSurroundings();
  const me = useSelect((state) => state.me);
  const close = useClose();
  const address = addressOf(message, me);
  const go = (): void => {
    close();
    app.aim(message.conversation, message.sequence);
    location.hash = addressFor(address);
  };
  return (
    <li>
      <button type="button" class="result" onClick={go}>
        <span class="byline">
          <bdi class="author">{message.from}</bdi>
          <bdi class="hint">{address}</bdi>
          <time>{formats.moment(message.sentMs)}</time>
        </span>
        <span class="result-text" dir="auto">
          {message.text.slice(0, shownChars)}
        </span>
      </button>
    </li>
  );
}
