/** Everything that the page shows. */
import type { Conversations } from './conversations.ts';
import type { FailoverLine } from './failover.ts';
import type { Outbox } from './outbox.ts';
import type { Typing } from './presence.ts';

export type Phase = 'starting' | 'entrance' | 'chat';
export type LanguageChoice = 'system' | 'en' | 'de';
export type ThemeChoice = 'system' | 'light' | 'dark';

export interface Settings {
  readonly language: LanguageChoice;
  readonly theme: ThemeChoice;
  readonly notifies: boolean;
}

export type Dialog =
  | { readonly kind: 'jump' }
  | { readonly kind: 'new-group' }
  | { readonly kind: 'join-group'; readonly group: string; readonly closed: boolean }
  | { readonly kind: 'group'; readonly group: string }
  | { readonly kind: 'account' }
  | { readonly kind: 'settings' }
  | { readonly kind: 'help' }
  | { readonly kind: 'delete-message'; readonly conversation: string; readonly sequence: number }
  | { readonly kind: 'search' }
  | { readonly kind: 'image'; readonly name: string; readonly address: string };

/** What the next message does beside being said. */
export type Intent =
  | { readonly kind: 'say' }
  | { readonly kind: 'reply'; readonly sequence: number }
  | { readonly kind: 'edit'; readonly sequence: number };

export interface AppState {
  readonly phase: Phase;
  /** Why the entrance is shown, if it was not asked for. */
  readonly entranceReason: 'session-lost' | null;
  readonly me: string;
  readonly node: number | null;
  readonly leader: number | null;
  readonly line: FailoverLine | null;
  readonly conversations: Conversations;
  /** The list has been read once. */
  readonly isListed: boolean;
  readonly openId: string | null;
  /** The address of the page names a group that is not there. */
  readonly isNowhere: boolean;
  /** Counts what was told of groups: who owns one may be somebody else. */
  readonly groupNews: number;
  readonly loading: { readonly older: boolean; readonly newer: boolean };
  readonly intent: Intent;
  /** A message that is to come into view when its conversation is open. */
  readonly aim: { readonly conversation: string; readonly sequence: number } | null;
  readonly outbox: Outbox;
  readonly online: ReadonlySet<string>;
  readonly typing: Typing;
  readonly dialog: Dialog | null;
  /** For screen readers, as it happens. */
  readonly announced: string;
  /** What went wrong, for a while. */
  readonly fault: string | null;
  readonly settings: Settings;
}

export const firstSettings: Settings = { language: 'system', theme: 'system', notifies: false };

export function firstState(settings: Settings): AppState {
  return {
    phase: 'starting',
    entranceReason: null,
    me: '',
    node: null,
    leader: null,
    line: null,
    conversations: new Map(),
    isListed: false,
    openId: null,
    isNowhere: false,
    groupNews: 0,
    loading: { older: false, newer: false },
    intent: { kind: 'say' },
    aim: null,
    outbox: [],
    online: new Set(),
    typing: new Map(),
    dialog: null,
    announced: '',
    fault: null,
    settings,
  };
}
