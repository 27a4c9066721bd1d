/** Where messages are written. What is begun is kept until it is sent, also over a reload. */
import type { JSX } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { limits } from '../../base/limits.ts';
import { deletedAccountName, type UserEntry } from '../../protocol/requests.ts';
import { lastEditable } from '../model/amendments.ts';
import type { Conversation } from '../model/conversations.ts';
import { type MentionAtCaret, mentionAt, withMention } from '../model/mentions.ts';
import { messageAt } from '../model/message-window.ts';
import { errorText } from '../texts/texts.ts';
import { useApp, useSelect, useSurroundings, useTexts } from './context.ts';
import { IconButton } from './icons.tsx';
import { titleOf } from './sidebar.tsx';

const suggested = 6;
const encoder = new TextEncoder();

export function Composer(props: {
  readonly conversation: Conversation;
  readonly onFiles: (files: readonly File[]) => void;
}): JSX.Element {
  const { conversation, onFiles } = props;
  const { name } = conversation;
  const app = useApp();
  const { texts, formats } = useSurroundings();
  const field = useRef<HTMLTextAreaElement>(null);
  const files = useRef<HTMLInputElement>(null);
  const [isTooLong, setTooLong] = useState(false);
  const mention = useMention(field);
  const title = titleOf(conversation, texts);
  const intent = useSelect((state) => state.intent);
  const me = useSelect((state) => state.me);
  const edited = intent.kind === 'edit' ? intent.sequence : null;

  useLayoutEffect(() => {
    if (field.current === null) return;
    const message = edited === null ? null : messageAt(conversation.window, edited);
    field.current.value = message?.text ?? app.settings.draft(name);
    fitHeight(field.current);
    field.current.focus();
  }, [name, edited]);
  useEffect(() => {
    if (intent.kind !== 'say') field.current?.focus();
  }, [intent]);

  const written = (): void => {
    const { current } = field;
    if (current === null) return;
    fitHeight(current);
    setTooLong(encoder.encode(current.value).length > limits.messageBytes);
    if (app.store.state.intent.kind !== 'edit') app.settings.keepDraft(name, current.value);
    if (current.value !== '' && edited === null) app.people.writes(name);
    void mention.look();
  };
  const send = (): void => {
    const text = field.current?.value.trim() ?? '';
    if (edited !== null) {
      change(edited, text);
      return;
    }
    if (text === '' || encoder.encode(text).length > limits.messageBytes) return;
    if (!app.say(name, text)) {
      app.tellFault(texts.chat.sendFailed);
      return;
    }
    if (field.current !== null) field.current.value = '';
    written();
  };
  /** The draft comes back at once; a change that is refused is told. */
  const change = (sequence: number, text: string): void => {
    const before = messageAt(conversation.window, sequence)?.text;
    app.intend({ kind: 'say' });
    if (text === '' || text === before) return;
    void app.amend({ op: 'edit', conversation: conversation.id, sequence, text }).then((reply) => {
      if (reply.kind === 'rejection') app.tellFault(errorText(texts, reply.code, reply.text));
    });
  };
  const key = (event: KeyboardEvent): void => {
    if (mention.key(event)) {
      written();
      return;
    }
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      send();
    } else if (event.key === 'ArrowUp' && field.current?.value === '' && intent.kind === 'say') {
      const last = lastEditable(conversation, me);
      if (last === null) return;
      event.preventDefault();
      app.intend({ kind: 'edit', sequence: last.sequence });
    } else if (event.key === 'Escape' && intent.kind !== 'say') {
      event.preventDefault();
      app.intend({ kind: 'say' });
    }
  };
  const paste = (event: ClipboardEvent): void => {
    const pasted = [...(event.clipboardData?.files ?? [])];
    if (pasted.length === 0) return;
    event.preventDefault();
    onFiles(pasted);
  };

  const sendLabel = edited === null ? texts.composer.send : texts.composer.save;
  if (name === deletedAccountName) return <p class="composer-gone">{texts.composer.gone}</p>;
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <IntentLine conversation={conversation} />
      {mention.list}
      <div class="composer-line">
        <IconButton icon="clip" label={texts.composer.attach} onClick={() => files.current?.click()} />
        <input
          ref={files}
          type="file"
          multiple
          class="sr-only"
          tabIndex={-1}
          aria-hidden="true"
          id="attach"
          onChange={(event) => {
            onFiles([...(event.currentTarget.files ?? [])]);
            event.currentTarget.value = '';
          }}
        />
        <textarea
          ref={field}
          id="composer"
          rows={1}
          dir="auto"
          aria-label={texts.composer.label(title)}
          placeholder={texts.composer.placeholder(title)}
          {...mention.attributes}
          onInput={written}
          onKeyDown={key}
          onPaste={paste}
          onBlur={mention.close}
        />
        <button type="submit" class="send" aria-label={sendLabel} title={sendLabel}>
          <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <path d="M12 19V5M6 11l6-6 6 6" />
          </svg>
        </button>
      </div>
      {isTooLong && (
        <p class="fault" role="alert">
          {texts.composer.tooLong(formats.bytes(limits.messageBytes))}
        </p>
      )}
    </form>
  );
}

function IntentLine({ conversation }: { readonly conversation: Conversation }): JSX.Element | null {
  const app = useApp();
  const texts = useTexts();
  const intent = useSelect((state) => state.intent);
  if (intent.kind === 'say') return null;
  const message = messageAt(conversation.window, intent.sequence);
  return (
    <div class="intent">
      <span class="intent-text">
        <strong>
          {intent.kind === 'reply' ? texts.composer.replying(message?.from ?? '') : texts.composer.editing}
        </strong>
        <span dir="auto"> {message?.text.slice(0, 140)}</span>
      </span>
      <IconButton icon="close" label={texts.composer.cancel} onClick={() => app.intend({ kind: 'say' })} />
    </div>
  );
}

interface MentionList {
  readonly list: JSX.Element | null;
  readonly attributes: JSX.IntrinsicElements['textarea'];
  look(): Promise<void>;
  close(): void;
  /** Whether the key was for the list. */
  key(event: KeyboardEvent): boolean;
}

/** Names that fit what is being written behind an `@`, to choose from. */
function useMention(field: { readonly current: HTMLTextAreaElement | null }): MentionList {
  const app = useApp();
  const texts = useTexts();
  const id = useId();
  const [people, setPeople] = useState<readonly UserEntry[]>([]);
  const [chosen, setChosen] = useState(0);
  const wanted = useRef<MentionAtCaret | null>(null);

  const close = (): void => {
    wanted.current = null;
    setPeople([]);
  };
  const look = async (): Promise<void> => {
    const { current } = field;
    const mention = current === null ? null : mentionAt(current.value, current.selectionStart);
    wanted.current = mention;
    if (mention === null) {
      setPeople([]);
      return;
    }
    const found = await app.people.find(mention.beginning);
    if (wanted.current !== mention) return;
    setPeople(found.slice(0, suggested));
    setChosen(0);
  };
  const take = (name: string): void => {
    const { current } = field;
    if (current === null || wanted.current === null) return;
    const next = withMention(current.value, wanted.current, name);
    current.value = next.text;
    current.setSelectionRange(next.caret, next.caret);
    close();
    current.focus();
  };
  const key = (event: KeyboardEvent): boolean => {
    const person = people[chosen];
    if (person === undefined) return false;
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step !== undefined) setChosen((chosen + step + people.length) % people.length);
    else if (event.key === 'Enter' || event.key === 'Tab') take(person.name);
    else if (event.key === 'Escape') close();
    else return false;
    event.preventDefault();
    return step === undefined;
  };
  const isOpen = people.length > 0;
  const list = isOpen ? (
    <div class="mentions" role="listbox" id={`${id}-list`} aria-label={texts.composer.people}>
      {people.map(({ name, online }, at) => (
        <div
          key={name}
          id={`${id}-${at}`}
          role="option"
          tabIndex={-1}
          aria-selected={at === chosen}
          onPointerDown={(event) => {
            event.preventDefault();
            take(name);
          }}
        >
          {name}
          {online && <span class="hint">{texts.list.online}</span>}
        </div>
      ))}
    </div>
  ) : null;
  const attributes = {
    'aria-autocomplete': 'list',
    'aria-haspopup': 'listbox',
    ...(isOpen ? { 'aria-controls': `${id}-list`, 'aria-activedescendant': `${id}-${chosen}` } : {}),
  } as const;
  return { list, attributes, look, close, key };
}

/** As high as what is written in it, within the bounds of the style. */
function fitHeight(field: HTMLTextAreaElement): void {
  field.style.height = 'auto';
  field.style.height = `${field.scrollHeight + 2}px`;
}
