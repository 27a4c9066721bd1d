/**
 * What this person has said and the cluster has not confirmed yet. It survives a loss of the connection, and a reload of the page: a
 * message that has left carries its session's number, and is repeated under it, so that it is said once.
 */
import type { ErrorCode } from '../../base/errors.ts';

export type OutboxBody =
  | { readonly kind: 'text'; readonly text: string; readonly replyTo: number | null }
  | {
      readonly kind: 'file';
      readonly name: string;
      readonly bytes: number;
      /** Of `bytes`, held by a majority. */
      readonly done: number;
    };

export type OutboxState =
  /** On this device; it leaves when there is a connection. */
  | { readonly kind: 'waiting' }
  /** It has left at least once. */
  | { readonly kind: 'sent' }
  /** Held by a majority, under this sequence; it goes from here when it is seen in the conversation. */
  | { readonly kind: 'held'; readonly conversation: string; readonly sequence: number }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly text: string }
  /** Its session ended before an answer came: it may have been said. */
  | { readonly kind: 'unknown' };

export interface OutboxEntry {
  /** Of this device; never used twice. */
  readonly key: string;
  readonly to: string;
  readonly body: OutboxBody;
  readonly madeMs: number;
  /** In the session, once it has left. */
  readonly number: number | null;
  readonly state: OutboxState;
  /** Sequence of a message that is believed to be this one, told before the answer came. */
  readonly claimed: number | null;
}

export type Outbox = readonly OutboxEntry[];

/** Unconfirmed messages of a page; who writes more is told to wait. */
export const largestOutbox = 500;

export function changed(outbox: Outbox, key: string, change: Partial<OutboxEntry>): Outbox {
  return outbox.map((entry) => (entry.key === key ? { ...entry, ...change } : entry));
}

export function without(outbox: Outbox, key: string): Outbox {
  return outbox.filter((entry) => entry.key !== key);
}

/** No answer will come to what has left in a session that is gone. */
export function afterSessionLoss(outbox: Outbox): Outbox {
  return outbox.map((entry) =>
    entry.state.kind === 'sent' ? { ...entry, number: null, state: { kind: 'unknown' } } : entry,
  );
}

/** What leaves again by itself: of the entries kept by an earlier life of the page, those with a number first, in its order. */
export function repeatable(outbox: Outbox): Outbox {
  const open = outbox.filter(({ state }) => state.kind === 'waiting' || state.kind === 'sent');
  const numbered = open.filter(({ number }) => number !== null);
  return [
    ...numbered.sort((a, b) => (a.number ?? 0) - (b.number ?? 0)),
    ...open.filter(({ number }) => number === null),
  ];
}

interface Said {
  readonly conversation: string;
  readonly sequence: number;
  readonly to: string;
  readonly text: string;
}

/**
 * An own message was told. The entry that it answers goes; if the answer has not come yet, the oldest one of the same words is taken to be
 * it, and shown as it stands in the conversation.
 */
export function afterOwnMessage(outbox: Outbox, said: Said): Outbox {
  const held = outbox.find(({ state }) => isAt(state, said));
  if (held !== undefined) return without(outbox, held.key);
  if (outbox.some(({ to, claimed }) => to === said.to && claimed === said.sequence)) return outbox;
  const same = outbox.find(
    ({ to, state, body, claimed }) =>
      to === said.to &&
      claimed === null &&
      state.kind === 'sent' &&
      (body.kind === 'file' || body.text === said.text),
  );
  return same === undefined ? outbox : changed(outbox, same.key, { claimed: said.sequence });
}

/** The cluster's answer says where it stands. `isShown`: whether the message at that sequence has been told already. */
export function afterReceipt(
  outbox: Outbox,
  key: string,
  place: { readonly conversation: string; readonly sequence: number },
  isShown: boolean,
): Outbox {
  if (isShown) return without(outbox, key);
  return changed(outbox, key, { claimed: null, state: { kind: 'held', ...place } });
}

function isAt(state: OutboxState, { conversation, sequence }: Said): boolean {
  return state.kind === 'held' && state.conversation === conversation && state.sequence === sequence;
}

/** Texts only: the content of a file is gone with the page. Confirmed ones are the cluster's. */
export function encodeOutbox(session: string, outbox: Outbox): string {
  const entries = outbox.filter(({ body, state }) => body.kind === 'text' && state.kind !== 'held');
  return JSON.stringify({ v: 1, session, entries });
}

/** What an earlier life of the page kept. In another session nothing can be repeated under its number. */
export function decodeOutbox(text: string | null, session: string): Outbox {
  if (text === null) return [];
  try {
    const kept = JSON.parse(text) as { v?: number; session?: string; entries?: OutboxEntry[] };
    if (kept.v !== 1 || !Array.isArray(kept.entries)) return [];
    const entries = kept.entries
      .slice(0, largestOutbox)
      .map((entry): OutboxEntry => ({ ...entry, claimed: null }));
    return kept.session === session ? entries : afterSessionLoss(entries);
  } catch {
    return [];
  }
}
