/** The list of conversations, and what happens to one as messages come and marks move. */
import { isGroupAddress } from '../../base/addresses.ts';
import type { ConversationEntry, MessageEntry } from '../../protocol/requests.ts';
import { emptyWindow, type MessageWindow, windowOfNewest, withLive } from './message-window.ts';

export interface Reached {
  readonly delivered: number;
  readonly read: number;
}

export interface Conversation {
  /** As the cluster names it; `to:ADDRESS` while nothing has been said in it. */
  readonly id: string;
  readonly kind: 'direct' | 'group' | 'lobby';
  /** Its address: what one writes to. */
  readonly name: string;
  readonly lastSequence: number;
  readonly lastIndex: number;
  /** Own read mark. */
  readonly read: number;
  readonly unread: number;
  /** One of the unread messages names this person. */
  readonly isCalled: boolean;
  /** What all others have got and read; null where that is not known. */
  readonly others: Reached | null;
  readonly window: MessageWindow;
  /** First unread sequence as the conversation was opened: where the marker stands until it is left. */
  readonly marker: number | null;
}

export type Conversations = ReadonlyMap<string, Conversation>;

export const lobbyAddress = '#lobby';

export function kindOf(address: string): Conversation['kind'] {
  if (address === lobbyAddress) return 'lobby';
  return isGroupAddress(address) ? 'group' : 'direct';
}

/** Nothing has been said in it, or nothing is known of it yet. */
export function newConversation(address: string, id = `to:${address}`): Conversation {
  return {
    id,
    kind: kindOf(address),
    name: address,
    lastSequence: 0,
    lastIndex: 0,
    read: 0,
    unread: 0,
    isCalled: false,
    others: null,
    window: emptyWindow,
    marker: null,
  };
}

/** The newest first; what has never been used comes last, by name. */
export function inOrder(conversations: Conversations): readonly Conversation[] {
  return [...conversations.values()].sort(
    (a, b) => b.lastIndex - a.lastIndex || a.name.localeCompare(b.name),
  );
}

export function byAddress(conversations: Conversations, address: string): Conversation | null {
  const wanted = address.toLowerCase();
  for (const conversation of conversations.values()) {
    if (conversation.name.toLowerCase() === wanted) return conversation;
  }
  return null;
}

/** A list from the cluster. What it does not name stays only if it was begun here and not used yet; a group that it does not name is another's. */
export function afterList(known: Conversations, entries: readonly ConversationEntry[]): Conversations {
  const next = new Map<string, Conversation>();
  for (const entry of entries) {
    const { conversation: id, kind, name, lastSequence, lastIndex, read, unread, others } = entry;
    const old = known.get(id) ?? known.get(`to:${name}`);
    const { window, marker, isCalled } = old ?? newConversation(name);
    const last = Math.max(lastSequence, old?.lastSequence ?? 0);
    const seen = Math.max(read, old?.read ?? 0);
    // What was read here since it was asked for is not unread again.
    const left = Math.min(unread, last - seen);
    next.set(id, {
      id,
      kind,
      name,
      lastSequence: last,
      lastIndex: Math.max(lastIndex, old?.lastIndex ?? 0),
      read: seen,
      unread: left,
      isCalled: isCalled && left > 0,
      others: mostOf(old?.others ?? null, others),
      window: afterAbsence(window, last),
      marker,
    });
  }
  for (const old of known.values()) {
    const isBegun = old.id.startsWith('to:') && old.kind !== 'group';
    if (isBegun && byAddress(next, old.name) === null) next.set(old.id, old);
  }
  // Everyone is in it, also while nobody has said anything there.
  if (byAddress(next, lobbyAddress) === null) {
    const lobby = newConversation(lobbyAddress);
    next.set(lobby.id, lobby);
  }
  return next;
}

/** Groups that go by another name than before, each as the old one and the new one. */
export function renamedGroups(
  known: Conversations,
  next: Conversations,
): readonly (readonly [before: string, after: string])[] {
  return [...known.values()].flatMap(({ id, kind, name }) => {
    const after = next.get(id)?.name ?? name;
    return kind === 'group' && after !== name ? [[name, after] as const] : [];
  });
}

/** More was said than was told here: the window ends before the newest. */
function afterAbsence(window: MessageWindow, lastSequence: number): MessageWindow {
  const last = window.messages.at(-1)?.sequence ?? 0;
  return last === 0 || last >= lastSequence ? window : { ...window, hasNewer: true };
}

function mostOf(a: Reached | null, b: Reached | null): Reached | null {
  if (a === null || b === null) return b ?? a;
  return { delivered: Math.max(a.delivered, b.delivered), read: Math.max(a.read, b.read) };
}

export interface Arrival {
  readonly message: MessageEntry;
  readonly me: string;
  /** Its conversation is open, and somebody looks at its end. */
  readonly isSeen: boolean;
  readonly isCalled: boolean;
}

/** The address of the conversation of a message, seen by `me`. */
export function addressOf({ from, to }: Pick<MessageEntry, 'from' | 'to'>, me: string): string {
  if (isGroupAddress(to)) return to;
  return from === me ? to : from;
}

export function afterMessage(known: Conversations, arrival: Arrival): Conversations {
  const { message, me, isSeen, isCalled } = arrival;
  const address = addressOf(message, me);
  const next = new Map(known);
  const begun = known.get(`to:${address}`);
  if (begun !== undefined) next.delete(begun.id);
  const old = known.get(message.conversation) ?? begun ?? newConversation(address);
  const isNew = message.sequence > old.lastSequence;
  const isOwn = message.from === me;
  const counts = isNew && !isOwn && !isSeen && message.sequence > old.read;
  const read = isOwn || isSeen ? Math.max(old.read, message.sequence) : old.read;
  next.set(message.conversation, {
    ...old,
    id: message.conversation,
    name: address,
    lastSequence: Math.max(old.lastSequence, message.sequence),
    lastIndex: Math.max(old.lastIndex, message.index),
    read,
    unread: read > old.read ? 0 : old.unread + (counts ? 1 : 0),
    isCalled: read <= old.read && (old.isCalled || (counts && isCalled)),
    others: isOwn ? old.others : heardFrom(old, message),
    window: windowAfter(old, message),
  });
  return next;
}

/** Without anything loaded, a message is the whole window only if nothing came before it. */
function windowAfter(conversation: Conversation, message: MessageEntry): MessageWindow {
  const { window } = conversation;
  if (window.messages.length > 0 || message.sequence === 1) return withLive(window, message);
  return windowOfNewest([message], 1);
}

/** Whoever answers has read what stands above the answer: in a direct conversation that is everyone else. */
function heardFrom({ kind, others }: Conversation, { sequence }: MessageEntry): Reached | null {
  if (kind !== 'direct') return others;
  return mostOf(others, { delivered: sequence, read: sequence });
}

export function afterProgress(
  conversation: Conversation,
  what: 'delivered' | 'read',
  sequence: number,
): Conversation {
  const reached = { delivered: sequence, read: what === 'read' ? sequence : 0 };
  return { ...conversation, others: mostOf(conversation.others, reached) };
}

/** This person has read up to there, here or elsewhere. */
export function afterReading(conversation: Conversation, sequence: number): Conversation {
  if (sequence <= conversation.read && conversation.unread === 0) return conversation;
  const read = Math.max(conversation.read, sequence);
  const unread = Math.min(conversation.unread, Math.max(0, conversation.lastSequence - read));
  return { ...conversation, read, unread, isCalled: conversation.isCalled && unread > 0 };
}

export function opened(conversation: Conversation): Conversation {
  const { unread, read, lastSequence } = conversation;
  const first = Math.max(read + 1, lastSequence - unread + 1);
  return { ...conversation, marker: unread > 0 ? first : null };
}

export function replaced(known: Conversations, conversation: Conversation): Conversations {
  return new Map(known).set(conversation.id, conversation);
}
