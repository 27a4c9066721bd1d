/** One message of a conversation, as it stands there or as it waits to be confirmed. */
import type { JSX } from 'preact';
import type { MessageEntry } from '../../protocol/requests.ts';
import { mayDelete, mayEdit, offeredReactions } from '../model/amendments.ts';
import type { Mark } from '../model/marks.ts';
import type { OutboxEntry } from '../model/outbox.ts';
import { errorText } from '../texts/texts.ts';
import { Avatar } from './avatar.tsx';
import type { Surroundings } from './context.ts';
import { FileCard } from './file-card.tsx';
import { Icon, IconButton, type IconName } from './icons.tsx';
import { MarkPicture } from './mark.tsx';
import type { MessageAction } from './message-action.ts';
import { MessageText } from './message-text.tsx';
import { Pure } from './pure.ts';
import { Reactions } from './reactions.tsx';
import { shownText } from './sidebar.tsx';

export interface MessageRowProps {
  readonly surroundings: Surroundings;
  readonly rowKey: string;
  readonly message: MessageEntry;
  readonly isContinued: boolean;
  readonly me: string;
  /** Of the group that it stands in. */
  readonly isOwner: boolean;
  /** Null: somebody else's. */
  readonly mark: Mark | null;
  /** The message that this one answers, if it is loaded. */
  readonly quoted: MessageEntry | null;
  /** The pointer or the keyboard is on it. */
  readonly isActive: boolean;
  readonly isFlashed: boolean;
  /** A reaction is being chosen. */
  readonly isChoosing: boolean;
  readonly onAction: (action: MessageAction, message: MessageEntry) => void;
  readonly onJump: (sequence: number) => void;
}

export class MessageRow extends Pure<MessageRowProps> {
  override render(): JSX.Element {
    const { surroundings, rowKey, message, isContinued, me, isFlashed } = this.props;
    const { formats, texts } = surroundings;
    const { sequence, from, sentMs } = message;
    const classes = `message${isContinued ? ' is-continued' : ''}${isFlashed ? ' is-flashed' : ''}`;
    return (
      <article
        class={classes}
        data-key={rowKey}
        data-sequence={sequence}
        tabIndex={-1}
        aria-posinset={sequence}
        aria-setsize={-1}
        aria-label={`${from}, ${formats.time(sentMs)}: ${shownText(message, texts)}`}
      >
        {isContinued ? (
          <time class="side-time" aria-hidden="true">
            {formats.time(sentMs)}
          </time>
        ) : (
          <Avatar name={from} />
        )}
        <div class="body">
          {this.#quote()}
          {!isContinued && (
            <div class="byline">
              <bdi class="author">{from}</bdi>
              {message.via !== undefined && <bdi class="hint">{texts.message.via(message.via)}</bdi>}
              <time title={formats.moment(sentMs)}>{formats.time(sentMs)}</time>
            </div>
          )}
          <div class="content">
            {this.#content()}
            {message.editedMs !== undefined && (
              <span class="edited" title={formats.moment(message.editedMs)}>
                {texts.message.edited}
              </span>
            )}
            {this.props.mark !== null && <MarkPicture mark={this.props.mark} />}
          </div>
          <Reactions message={message} me={me} texts={texts} onAction={this.props.onAction} />
        </div>
        {(this.props.isActive || this.props.isChoosing) && this.#actions()}
      </article>
    );
  }

  #quote(): JSX.Element | null {
    const { message, quoted, surroundings, onJump } = this.props;
    const { replyTo } = message;
    if (replyTo === undefined) return null;
    const { texts } = surroundings;
    return (
      <button type="button" class="quote" onClick={() => onJump(replyTo)}>
        <Icon name="reply" />
        <span class="sr-only">{texts.message.inReply(quoted?.from ?? texts.message.earlier)}: </span>
        {quoted === null ? (
          <span>{texts.message.earlier}</span>
        ) : (
          <>
            <bdi class="author">{quoted.from}</bdi>{' '}
            <span dir="auto">{shownText(quoted, texts).slice(0, 120)}</span>
          </>
        )}
      </button>
    );
  }

  #content(): JSX.Element {
    const { message, me, surroundings } = this.props;
    if (message.deleted === true) return <p class="text deleted">{surroundings.texts.message.deleted}</p>;
    return message.file === undefined ? (
      <MessageText text={message.text} me={me} />
    ) : (
      <FileCard file={message.file} />
    );
  }

  #actions(): JSX.Element | null {
    const { message, me, isOwner, surroundings, onAction, isChoosing } = this.props;
    const { message: words, reactions } = surroundings.texts;
    if (message.deleted === true) return null;
    const button = (kind: 'reply' | 'copy' | 'edit' | 'delete', icon: IconName, label: string) => (
      <IconButton icon={icon} label={label} onClick={() => onAction({ kind }, message)} />
    );
    if (isChoosing) {
      return (
        <div class="actions" role="toolbar" aria-label={reactions}>
          {offeredReactions.map((reaction, at) => (
            <button
              type="button"
              class="icon-button emoji"
              key={reaction}
              autofocus={at === 0}
              onClick={() => onAction({ kind: 'react', reaction, remove: false }, message)}
            >
              {reaction}
            </button>
          ))}
        </div>
      );
    }
    return (
      <div class="actions" role="toolbar" aria-label={words.actions}>
        <IconButton
          icon="smile"
          label={words.react}
          onClick={() => onAction({ kind: 'choose-reaction' }, message)}
        />
        {button('reply', 'reply', words.reply)}
        {mayEdit(message, me) && button('edit', 'edit', words.edit)}
        {button('copy', 'copy', words.copy)}
        {mayDelete(message, me, isOwner) && button('delete', 'trash', words.remove)}
      </div>
    );
  }
}

export interface OpenRowProps {
  readonly surroundings: Surroundings;
  readonly rowKey: string;
  readonly entry: OutboxEntry;
  readonly isContinued: boolean;
  readonly me: string;
  readonly mark: Mark;
}

export class OpenRow extends Pure<OpenRowProps> {
  override render(): JSX.Element {
    const { surroundings, rowKey, entry, isContinued, me, mark } = this.props;
    const { formats } = surroundings;
    const { body, madeMs } = entry;
    return (
      <article
        class={`message is-open${isContinued ? ' is-continued' : ''}`}
        data-key={rowKey}
        data-outbox={entry.key}
        tabIndex={-1}
        aria-posinset={-1}
        aria-setsize={-1}
        aria-label={`${me}, ${formats.time(madeMs)}: ${body.kind === 'text' ? body.text : body.name}`}
      >
        {isContinued ? <span /> : <Avatar name={me} />}
        <div class="body">
          {!isContinued && (
            <div class="byline">
              <bdi class="author">{me}</bdi>
              <time>{formats.time(madeMs)}</time>
            </div>
          )}
          <div class="content">
            {body.kind === 'text' ? <MessageText text={body.text} me={me} /> : this.#upload()}
            <MarkPicture mark={mark} />
          </div>
          {this.#trouble()}
        </div>
      </article>
    );
  }

  #upload(): JSX.Element | null {
    const { entry, surroundings } = this.props;
    const { texts, formats } = surroundings;
    const { body } = entry;
    if (body.kind !== 'file') return null;
    return (
      <div class="file">
        <div class="file-line">
          <Icon name="file" />
          <span class="file-name">
            <bdi>{body.name}</bdi>
            <span class="hint">
              {formats.bytes(body.done)} / {formats.bytes(body.bytes)}
            </span>
          </span>
        </div>
        <progress
          max={Math.max(1, body.bytes)}
          value={body.done}
          aria-label={texts.file.progress(body.name)}
        />
      </div>
    );
  }

  #trouble(): JSX.Element | null {
    const { entry, surroundings } = this.props;
    const { app, texts } = surroundings;
    const { state, key } = entry;
    if (state.kind !== 'refused' && state.kind !== 'unknown') return null;
    const why = state.kind === 'unknown' ? texts.mark.unknown : errorText(texts, state.code, state.text);
    return (
      <div class="trouble">
        <span>{why}</span>
        <button type="button" onClick={() => app.sendAgain(key)}>
          {texts.mark.again}
        </button>
        <button type="button" onClick={() => app.discard(key)}>
          {texts.mark.discard}
        </button>
      </div>
    );
  }
}
