/** The list of conversations, with what is unread and who is here; and where one goes from it. */
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { deletedAccountName, type MessageEntry } from '../../protocol/requests.ts';
import type { AppState } from '../model/app-state.ts';
import { type Conversation, inOrder, lobbyAddress } from '../model/conversations.ts';
import { addressFor } from '../model/route.ts';
import type { Catalogue } from '../texts/texts.ts';
import { Avatar } from './avatar.tsx';
import { useApp, useSelect, useSurroundings, useTexts } from './context.ts';
import { Emblem, IconButton } from './icons.tsx';

export function Sidebar(): JSX.Element {
  const app = useApp();
  const texts = useTexts();
  const conversations = useSelect((state) => state.conversations);
  const isListed = useSelect((state) => state.isListed);
  const ordered = useMemo(() => inOrder(conversations), [conversations]);
  const show = (dialog: AppState['dialog']) => () => app.store.set({ dialog });
  return (
    <nav class="sidebar" aria-label={texts.list.title}>
      <header class="sidebar-head">
        <Emblem />
        <h1>Conclave</h1>
        <IconButton icon="search" label={texts.list.search} onClick={show({ kind: 'search' })} />
        <IconButton icon="plus" label={texts.list.newGroup} onClick={show({ kind: 'new-group' })} />
      </header>
      <button type="button" class="jump-button" onClick={show({ kind: 'jump' })}>
        <span>{texts.list.jump}</span>
        <kbd>{texts.list.jumpKeys}</kbd>
      </button>
      <ul class="conversations">
        {ordered.map((conversation) => (
          <ConversationItem key={conversation.id} conversation={conversation} />
        ))}
      </ul>
      {isListed && ordered.length === 0 && <p class="hint">{texts.list.empty}</p>}
      <SidebarFoot />
    </nav>
  );
}

function SidebarFoot(): JSX.Element {
  const app = useApp();
  const texts = useTexts();
  const me = useSelect((state) => state.me);
  const node = useSelect((state) => state.node);
  const leader = useSelect((state) => state.leader);
  const title = node === null ? texts.connection.none : texts.connection.on(node, leader);
  return (
    <footer class="sidebar-foot">
      <button type="button" class="me" onClick={() => app.store.set({ dialog: { kind: 'account' } })}>
        <Avatar name={me} />
        <span class="me-text">
          <strong>{me}</strong>
          <span class={`link-state${node === null ? ' link-off' : ''}`} title={title}>
            {node === null ? texts.connection.none : texts.connection.short(node)}
          </span>
          <span class="sr-only">, {texts.list.account}</span>
        </span>
      </button>
      <IconButton
        icon="gear"
        label={texts.settings.title}
        onClick={() => app.store.set({ dialog: { kind: 'settings' } })}
      />
    </footer>
  );
}

function ConversationItem({ conversation }: { readonly conversation: Conversation }): JSX.Element {
  const { texts, formats } = useSurroundings();
  const { id, name, kind, unread, isCalled, window } = conversation;
  const isOpen = useSelect((state) => state.openId === id);
  const isOnline = useSelect((state) => kind === 'direct' && state.online.has(name));
  const last = window.hasNewer ? undefined : window.messages.at(-1);
  const badge = unread > 999 ? '999+' : `${unread}`;
  return (
    <li>
      <a
        class={`conversation${unread > 0 ? ' is-unread' : ''}`}
        href={addressFor(name)}
        aria-current={isOpen ? 'page' : undefined}
      >
        <Avatar name={name} isOnline={isOnline} />
        <span class="conversation-text">
          <span class="conversation-name">
            <bdi>{titleOf(conversation, texts)}</bdi>
            {isOnline && <span class="sr-only">, {texts.list.online}</span>}
          </span>
          <Preview conversation={conversation} />
        </span>
        <span class="conversation-side">
          {last !== undefined && <time class="brief">{formats.brief(last.sentMs, Date.now())}</time>}
          {unread > 0 && (
            <span class={`badge${isCalled ? ' badge-called' : ''}`}>
              <span aria-hidden="true">
                {isCalled ? '@' : ''}
                {badge}
              </span>
              <span class="sr-only">
                , {texts.list.unread(unread)}
                {isCalled ? `, ${texts.list.called}` : ''}
              </span>
            </span>
          )}
        </span>
      </a>
    </li>
  );
}

function Preview({ conversation }: { readonly conversation: Conversation }): JSX.Element | null {
  const app = useApp();
  const texts = useTexts();
  const { id, name, kind, window } = conversation;
  const me = useSelect((state) => state.me);
  const isOpen = useSelect((state) => state.openId === id);
  const writing = useSelect((state) => state.typing.get(id) ?? null);
  if (writing !== null) return <span class="preview preview-typing">{texts.chat.typing(writing)}</span>;
  const draft = isOpen ? '' : app.settings.draft(name);
  if (draft !== '') {
    return (
      <span class="preview">
        <em>{texts.list.draft}</em> {draft.slice(0, 100)}
      </span>
    );
  }
  const last = window.hasNewer ? undefined : window.messages.at(-1);
  if (last === undefined) return null;
  const who = last.from === me ? `${texts.list.you} ` : kind === 'direct' ? '' : `${last.from}: `;
  return (
    <span class="preview" dir="auto">
      {who}
      {shownText(last, texts).slice(0, 100)}
    </span>
  );
}

/** In the language of the page where the text is none of a person's. */
export function shownText({ text, file, deleted }: MessageEntry, { message }: Catalogue): string {
  if (deleted === true) return message.deleted;
  return file === undefined ? text : message.file(file.name);
}

export function titleOf({ name, kind }: Pick<Conversation, 'name' | 'kind'>, texts: Catalogue): string {
  if (name === lobbyAddress) return texts.list.lobby;
  return kind === 'direct' && name === deletedAccountName ? texts.list.gone : name;
}
