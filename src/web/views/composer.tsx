/** Where messages are written. What is begun is kept until it is sent, also over a reload. */
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { limits } from '../../base/limits.ts';
import { deletedAccountName } from '../../protocol/requests.ts';
import type { Conversation } from '../model/conversations.ts';
import { messageAt } from '../model/message-window.ts';
import { useApp, useSelect, useSurroundings, useTexts } from './context.ts';
import { Icon, IconButton } from './icons.tsx';
import { titleOf } from './sidebar.tsx';
import { useMention } from './use-mention.tsx';
import { useWriting } from './use-writing.ts';

interface ComposerProps {
  readonly conversation: Conversation;
  readonly onFiles: (files: readonly File[]) => void;
}

export function Composer({ conversation, onFiles }: ComposerProps): JSX.Element {
  const texts = useTexts();
  if (conversation.name === deletedAccountName) return <p class="composer-gone">{texts.composer.gone}</p>;
  return <Writer conversation={conversation} onFiles={onFiles} />;
}

function Writer({ conversation, onFiles }: ComposerProps): JSX.Element {
  const { texts, formats } = useSurroundings();
  const field = useRef<HTMLTextAreaElement>(null);
  const mention = useMention(field);
  const writing = useWriting(field, conversation);
  const title = titleOf(conversation, texts);
  const sendLabel = writing.isEditing ? texts.composer.save : texts.composer.send;

  const written = (): void => {
    writing.written();
    void mention.look();
  };
  const key = (event: KeyboardEvent): void => {
    if (mention.key(event)) writing.written();
    else if (isTaken(event, writing)) event.preventDefault();
  };
  const paste = (event: ClipboardEvent): void => {
    const pasted = [...(event.clipboardData?.files ?? [])];
    if (pasted.length === 0) return;
    event.preventDefault();
    onFiles(pasted);
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        writing.send();
      }}
    >
      <IntentLine conversation={conversation} />
      {mention.list}
      <div class="composer-line">
        <AttachButton onFiles={onFiles} />
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
          <Icon name="up" />
        </button>
      </div>
      {writing.isTooLong && (
        <p class="fault" role="alert">
          {texts.composer.tooLong(formats.bytes(limits.messageBytes))}
        </p>
      )}
    </form>
  );
}

/** What a key does beside writing. */
function isTaken(event: KeyboardEvent, writing: ReturnType<typeof useWriting>): boolean {
  switch (event.key) {
    case 'Enter':
      // Shift makes a line; while a character is being composed, Enter belongs to that.
      if (event.shiftKey || event.isComposing) return false;
      writing.send();
      return true;
    case 'ArrowUp':
      return writing.editLast();
    case 'Escape':
      return writing.giveUp();
    default:
      return false;
  }
}

function AttachButton({ onFiles }: Pick<ComposerProps, 'onFiles'>): JSX.Element {
  const texts = useTexts();
  const files = useRef<HTMLInputElement>(null);
  return (
    <>
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
    </>
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
