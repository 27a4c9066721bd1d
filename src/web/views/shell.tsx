/** The chat as a whole: list and conversation side by side (one at a time where it is narrow), dialogs, shortcuts. */
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect } from 'preact/hooks';
import { inOrder } from '../model/conversations.ts';
import { addressFor, conversationIn } from '../model/route.ts';
import type { App } from '../session/app.ts';
import { ChatPane } from './chat-pane.tsx';
import { useApp, useSelect, useTexts } from './context.ts';
import { Dialogs } from './dialogs.tsx';
import { FailoverNotice } from './failover-line.tsx';
import { Sidebar } from './sidebar.tsx';

export function Shell(): JSX.Element {
  const app = useApp();
  const texts = useTexts();
  const hasOpen = useSelect((state) => state.openId !== null);
  const announced = useSelect((state) => state.announced);
  const fault = useSelect((state) => state.fault);
  useRoute(app);
  useShortcuts(app);
  return (
    <div class={`shell${hasOpen ? ' has-open' : ''}`}>
      <button type="button" class="skip" onClick={() => document.getElementById('messages')?.focus()}>
        {texts.list.skip}
      </button>
      <FailoverNotice />
      <Sidebar />
      <ChatPane />
      <div class="sr-only" aria-live="polite">
        {announced}
      </div>
      <div class="fault-line" role="alert">
        {fault !== null && <span>{fault}</span>}
      </div>
      <Dialogs />
    </div>
  );
}

/** The address of the page says which conversation is open. */
function useRoute(app: App): void {
  useEffect(() => {
    const follow = (): void => {
      const address = conversationIn(location.hash);
      if (address === null) app.close();
      else void app.open(address);
    };
    follow();
    window.addEventListener('hashchange', follow);
    return () => window.removeEventListener('hashchange', follow);
  }, [app]);
}

/** From the moment that the page is on the screen: an effect after it would let a quick key go to nobody. */
function useShortcuts(app: App): void {
  useLayoutEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (document.querySelector('dialog[open]') !== null) return;
      const action = shortcutOf(event, app);
      if (action === null) return;
      event.preventDefault();
      action();
    };
    window.addEventListener('keydown', pressed);
    return () => window.removeEventListener('keydown', pressed);
  }, [app]);
}

function shortcutOf(event: KeyboardEvent, app: App): (() => void) | null {
  const { key, altKey, shiftKey } = event;
  const isCommand = event.ctrlKey || event.metaKey;
  if (isCommand && !shiftKey && key.toLowerCase() === 'k')
    return () => app.store.set({ dialog: { kind: 'jump' } });
  if (isCommand && shiftKey && key.toLowerCase() === 'f')
    return () => app.store.set({ dialog: { kind: 'search' } });
  if (isCommand && !shiftKey && key.toLowerCase() === 'u')
    return () => document.getElementById('attach')?.click();
  if (altKey && (key === 'ArrowDown' || key === 'ArrowUp')) {
    return () => goBy(app, key === 'ArrowDown' ? 1 : -1, shiftKey);
  }
  const isWriting = event.target instanceof HTMLElement && event.target.matches('input, textarea, select');
  if (key === '?' && !isWriting) return () => app.store.set({ dialog: { kind: 'help' } });
  return null;
}

/** To the next conversation of the list, or the next one with something unread. */
function goBy(app: App, step: number, isUnread: boolean): void {
  const { conversations, openId } = app.store.state;
  const all = inOrder(conversations);
  const at = all.findIndex(({ id }) => id === openId);
  for (let tried = 1; tried <= all.length; tried++) {
    const start = at < 0 && step < 0 ? all.length : at;
    const next = all[(start + step * tried + all.length * 2) % all.length];
    if (next === undefined || (isUnread && next.unread === 0)) continue;
    location.hash = addressFor(next.name);
    return;
  }
}
