import type { History, HistoryEvent, Violation } from './history.ts';
import { checkLosses } from './losses.ts';
import { checkReaderOrder } from './reader-order.ts';

/** One person, in one session after the other. */
export interface Reading {
  readonly person: string;
  /** As their readers are called in the history. */
  readonly sessions: readonly string[];
  /** That the person has all of, at the end. */
  readonly conversations: readonly string[];
}

/**
 * A session begins where the account had got to: what came again counts as had before, and all sessions together are held to what a single
 * one is held to. Nothing is left out between two of them.
 */
export function checkJoinedSessions(history: History, readings: readonly Reading[]): Violation[] {
  const several = readings.filter(({ sessions }) => sessions.length > 1);
  if (several.length === 0) return [];
  const joined = joinedHistory(history, several);
  return [...checkReaderOrder(joined), ...checkLosses(joined)];
}

function joinedHistory(history: History, readings: readonly Reading[]): History {
  const joined: HistoryEvent[] = [];
  const readers = new Map(readings.flatMap((reading) => reading.sessions.map((one) => [one, reading])));
  const had = new Set<string>();
  for (const event of history) {
    if (event.kind === 'begin' || event.kind === 'complete') continue;
    if (event.kind !== 'read') {
      joined.push(event);
      continue;
    }
    const reading = readers.get(event.reader);
    if (reading === undefined) continue;
    const reader = readerOf(reading);
    const place = `${reader}\n${event.conversation}\n${event.sequence}`;
    if (had.has(place)) continue;
    had.add(place);
    joined.push({ ...event, reader });
  }
  const atMs = history.at(-1)?.atMs ?? 0;
  for (const reading of readings)
    for (const conversation of reading.conversations)
      joined.push({ kind: 'complete', reader: readerOf(reading), conversation, atMs });
  return joined;
}

function readerOf({ person, sessions }: Reading): string {
  return `${person}, over ${sessions.length} sessions,`;
}
