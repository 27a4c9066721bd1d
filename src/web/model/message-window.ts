/**
 * What is loaded of one conversation: one run of messages without gaps, which may end before the newest one (after a jump into the past)
 * and begin behind the first one. Sequences of a conversation have no gaps, so what is missing is seen by its number.
 */
import type { MessageEntry } from '../../protocol/requests.ts';

export interface MessageWindow {
  /** Ascending by sequence, no gap. */
  readonly messages: readonly MessageEntry[];
  readonly hasOlder: boolean;
  /** There are newer ones than the last of these. */
  readonly hasNewer: boolean;
}

/** As many as a conversation may hold loaded; the far end is let go beyond it. */
export const largestWindow = 20_000;

export const emptyWindow: MessageWindow = { messages: [], hasOlder: true, hasNewer: false };

/** The newest messages, as a node gave them when asked for `limit`. */
export function windowOfNewest(messages: readonly MessageEntry[], limit: number): MessageWindow {
  return { messages, hasOlder: hasMoreBefore(messages, limit), hasNewer: false };
}

/** A piece of the past. */
export function windowAround(messages: readonly MessageEntry[], lastSequence: number): MessageWindow {
  const last = messages.at(-1)?.sequence ?? lastSequence;
  return { messages, hasOlder: (messages[0]?.sequence ?? 1) > 1, hasNewer: last < lastSequence };
}

export function withOlder(
  window: MessageWindow,
  older: readonly MessageEntry[],
  limit: number,
): MessageWindow {
  const first = window.messages[0]?.sequence ?? Number.POSITIVE_INFINITY;
  const joined = [...older.filter(({ sequence }) => sequence < first), ...window.messages];
  const isOver = joined.length > largestWindow;
  return {
    messages: isOver ? joined.slice(0, largestWindow) : joined,
    hasOlder: hasMoreBefore(older, limit),
    hasNewer: window.hasNewer || isOver,
  };
}

/** `lastSequence`: of the conversation, as far as it is known. */
export function withNewer(
  window: MessageWindow,
  newer: readonly MessageEntry[],
  lastSequence: number,
): MessageWindow {
  const last = window.messages.at(-1)?.sequence ?? 0;
  const joined = [...window.messages, ...newer.filter(({ sequence }) => sequence > last)];
  const isOver = joined.length > largestWindow;
  const end = joined.at(-1)?.sequence ?? 0;
  return {
    messages: isOver ? joined.slice(-largestWindow) : joined,
    hasOlder: window.hasOlder || isOver,
    // Nothing came: what was believed to be there is gone.
    hasNewer: newer.length > 0 && end < lastSequence,
  };
}

/** A message that has just been said, or that is told again. Behind a gap it is left for later, and the window ends before it. */
export function withLive(window: MessageWindow, message: MessageEntry): MessageWindow {
  const last = window.messages.at(-1);
  if (last !== undefined && message.sequence <= last.sequence) return window;
  if (window.hasNewer) return window;
  if (last === undefined) {
    return { messages: [message], hasOlder: message.sequence > 1, hasNewer: false };
  }
  if (message.sequence !== last.sequence + 1) return { ...window, hasNewer: true };
  return withNewer(window, [message], message.sequence);
}

export function withReplaced(window: MessageWindow, changed: MessageEntry): MessageWindow {
  const at = placeOf(window, changed.sequence);
  if (at === null) return window;
  return { ...window, messages: window.messages.with(at, changed) };
}

export function messageAt(window: MessageWindow, sequence: number): MessageEntry | null {
  const at = placeOf(window, sequence);
  return at === null ? null : (window.messages[at] ?? null);
}

/** What is kept of a conversation that nobody looks at: its newest messages, if they are there. */
export function trimmed(window: MessageWindow, most: number): MessageWindow {
  if (window.hasNewer || window.messages.length <= most) return window;
  return { messages: window.messages.slice(-most), hasOlder: true, hasNewer: false };
}

function placeOf({ messages }: MessageWindow, sequence: number): number | null {
  const first = messages[0]?.sequence;
  if (first === undefined) return null;
  const at = sequence - first;
  return messages[at]?.sequence === sequence ? at : null;
}

/** A full answer may have more before it; one that begins at the first message has not. */
function hasMoreBefore(messages: readonly MessageEntry[], limit: number): boolean {
  return messages.length >= limit && (messages[0]?.sequence ?? 1) > 1;
}
