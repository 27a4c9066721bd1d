/** The open conversation: who it is with, what was said, and where one writes. */
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Conversation } from '../model/conversations.ts';
import { addressFor } from '../model/route.ts';
import { type Row, rowsOf } from '../model/timeline.ts';
import { sourceOf } from '../platform/file-blobs.ts';
import { errorText } from '../texts/texts.ts';
import { Avatar } from './avatar.tsx';
import { Composer } from './composer.tsx';
import { useApp, useSelect, useSurroundings, useTexts } from './context.ts';
import { Feed } from './feed.tsx';
import { IconButton } from './icons.tsx';
import { titleOf } from './sidebar.tsx';
import { useAttention } from './use-attention.ts';
import { useMessageActions } from './use-message-actions.ts';

export function ChatPane(): JSX.Element {
  const texts = useTexts();
  const conversation = useSelect(({ openId, conversations }) =>
    openId === null ? undefined : conversations.get(openId),
  );
  const isNowhere = useSelect((state) => state.isNowhere);
  if (conversation === undefined) {
    return (
      <main class="pane pane-empty">
        {isNowhere ? <p role="alert">{errorText(texts, 'UNKNOWN_GROUP')}</p> : <p>{texts.chat.none}</p>}
      </main>
    );
  }
  return <OpenChat conversation={conversation} />;
}

function OpenChat({ conversation }: { readonly conversation: Conversation }): JSX.Element {
  const app = useApp();
  const surroundings = useSurroundings();
  const { texts } = surroundings;
  const { name } = conversation;
  const me = useSelect((state) => state.me);
  const isConnected = useSelect((state) => state.node !== null);
  const isLoading = useSelect((state) => state.loading.older || state.loading.newer);
  const feed = useRef<Feed>(null);
  const rows = useRows(conversation, me);
  const act = useMessageActions();
  const tellEnd = useAttention();
  const isOwner = useOwnership(conversation);
  const [isDropping, setDropping] = useState(false);
  useAim(conversation, feed);
  useNewName(conversation);

  const sendFiles = (files: readonly File[]): void => {
    if (!isSecureContext) {
      app.tellFault(texts.file.insecure);
      return;
    }
    for (const file of files) app.sendFile(name, sourceOf(file));
    void feed.current?.toNewest();
  };
  const dragged = (event: DragEvent, isOver: boolean): void => {
    if (event.dataTransfer?.types.includes('Files') !== true) return;
    event.preventDefault();
    setDropping(isOver);
  };
  return (
    <main
      class={`pane${isDropping ? ' is-dropping' : ''}`}
      onKeyDown={(event) => {
        if (event.key === 'Escape' && !event.defaultPrevented) void feed.current?.toNewest();
      }}
      onDragOver={(event) => dragged(event, true)}
      onDragLeave={(event) => dragged(event, false)}
      onDrop={(event) => {
        dragged(event, false);
        sendFiles([...(event.dataTransfer?.files ?? [])]);
      }}
    >
      <ChatHead conversation={conversation} />
      <Feed
        ref={feed}
        key={name}
        surroundings={surroundings}
        conversation={conversation}
        rows={rows}
        me={me}
        isOwner={isOwner}
        isConnected={isConnected}
        isLoading={isLoading}
        onAction={act}
        onAtEnd={tellEnd}
      />
      <TypingLine conversation={conversation.id} />
      <Composer conversation={conversation} onFiles={sendFiles} />
      {isDropping && <div class="drop-hint">{texts.chat.drop}</div>}
    </main>
  );
}

function useRows(conversation: Conversation, me: string): readonly Row[] {
  const { formats } = useSurroundings();
  const outbox = useSelect((state) => state.outbox);
  const { window, marker, name } = conversation;
  return useMemo(
    () => rowsOf(conversation, outbox, me, (atMs) => formats.dayNumber(atMs)),
    [window, marker, name, outbox, me, formats],
  );
}

/** A message that was found comes into view once its conversation is open. */
function useAim({ id }: Conversation, feed: { readonly current: Feed | null }): void {
  const app = useApp();
  const aim = useSelect((state) => state.aim);
  useEffect(() => {
    if (aim === null || aim.conversation !== id) return;
    app.store.set({ aim: null });
    void feed.current?.jumpTo(aim.sequence);
  }, [aim, id]);
}

/** The address of the page follows a group to its new name. */
function useNewName({ id, name }: Conversation): void {
  const known = useRef({ id, name });
  useEffect(() => {
    const isRenamed = known.current.id === id && known.current.name !== name;
    known.current = { id, name };
    if (isRenamed) history.replaceState(null, '', addressFor(name));
  }, [id, name]);
}

/** Whether this person owns the group: then others' messages are theirs to delete. */
function useOwnership({ id, kind }: Conversation): boolean {
  const app = useApp();
  const me = useSelect((state) => state.me);
  const news = useSelect((state) => state.groupNews);
  const [owned, setOwned] = useState<string | null>(null);
  useEffect(() => {
    if (kind !== 'group') return;
    let isWanted = true;
    void app.groups.list().then((groups) => {
      const isOwner = groups.some((group) => group.conversation === id && group.owner === me);
      if (isWanted) setOwned(isOwner ? id : null);
    });
    return () => {
      isWanted = false;
    };
  }, [app, id, kind, me, news]);
  return owned === id;
}

const noOne: readonly string[] = [];

function TypingLine({ conversation }: { readonly conversation: string }): JSX.Element {
  const texts = useTexts();
  const names = useSelect((state) => state.typing.get(conversation) ?? noOne);
  return <p class="typing">{names.length > 0 && texts.chat.typing(names)}</p>;
}

function ChatHead({ conversation }: { readonly conversation: Conversation }): JSX.Element {
  const app = useApp();
  const texts = useTexts();
  const { name, kind } = conversation;
  const isOnline = useSelect((state) => kind === 'direct' && state.online.has(name));
  return (
    <header class="pane-head">
      <a class="icon-button back" href="#/" title={texts.chat.back}>
        <span class="sr-only">{texts.chat.back}</span>
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
          <path d="M15 5l-7 7 7 7" />
        </svg>
      </a>
      <Avatar name={name} isOnline={isOnline} />
      <div class="pane-title">
        <h2>
          <bdi>{titleOf(conversation, texts)}</bdi>
        </h2>
        {kind === 'direct' && <span class="hint">{isOnline ? texts.list.online : texts.list.offline}</span>}
        {kind === 'lobby' && <span class="hint">{texts.list.everyone}</span>}
      </div>
      {kind === 'group' && (
        <IconButton
          icon="people"
          label={texts.chat.details}
          onClick={() => app.store.set({ dialog: { kind: 'group', group: name.slice(1) } })}
        />
      )}
    </header>
  );
}
