/** The rows of an open conversation, in order: days, the marker of what is unread, messages, and what has not been confirmed yet. */
import type { MessageEntry } from '../../protocol/requests.ts';
import type { Conversation } from './conversations.ts';
import type { Outbox, OutboxEntry } from './outbox.ts';

export type Row =
  | { readonly kind: 'start'; readonly key: string }
  | { readonly kind: 'day'; readonly key: string; readonly atMs: number }
  | { readonly kind: 'unread'; readonly key: string }
  | {
      readonly kind: 'message';
      readonly key: string;
      readonly message: MessageEntry;
      /** The same person went on: name and picture are not repeated. */
      readonly isContinued: boolean;
    }
  | {
      readonly kind: 'open';
      readonly key: string;
      readonly entry: OutboxEntry;
      readonly isContinued: boolean;
    };

/** After a longer pause a message begins anew, with name and time. */
const pauseMs = 5 * 60_000;

/** `dayOf`: the local day that a time lies in, as any number that differs from day to day. */
export function rowsOf(
  { window, marker, name }: Pick<Conversation, 'window' | 'marker' | 'name'>,
  outbox: Outbox,
  me: string,
  dayOf: (atMs: number) => number,
): readonly Row[] {
  const rows: Row[] = [];
  if (!window.hasOlder) rows.push({ kind: 'start', key: 'start' });
  let before: MessageEntry | null = null;
  let day = Number.NaN;
  for (const message of window.messages) {
    const today = dayOf(message.sentMs);
    const isNewDay = today !== day;
    const isFirstUnread = message.sequence === marker;
    if (isNewDay) rows.push({ kind: 'day', key: `d${today}`, atMs: message.sentMs });
    if (isFirstUnread) rows.push({ kind: 'unread', key: 'unread' });
    const isContinued: boolean =
      !isNewDay && !isFirstUnread && message.replyTo === undefined && goesOn(before, message);
    rows.push({ kind: 'message', key: `m${message.sequence}`, message, isContinued });
    before = message;
    day = today;
  }
  if (window.hasNewer) return rows;
  for (const entry of outbox) {
    if (entry.to !== name || entry.claimed !== null) continue;
    const isFirst = rows.at(-1)?.kind !== 'open';
    const isContinued: boolean = !isFirst || goesOn(before, { from: me, sentMs: entry.madeMs });
    rows.push({ kind: 'open', key: `o${entry.key}`, entry, isContinued });
  }
  return rows;
}

function goesOn(
  before: MessageEntry | null,
  { from, via, sentMs }: Pick<MessageEntry, 'from' | 'via' | 'sentMs'>,
): boolean {
  return before !== null && before.from === from && before.via === via && sentMs - before.sentMs < pauseMs;
}
