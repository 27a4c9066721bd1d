/**
 * An account's messages from the store, as one stream: merged over its conversations by log index, ascending, up to what the view held
 * when the reading began. Read in pages, as fast as the consumer asks. One page of every conversation that has something is held at a time.
 */

import { groupMark, lobbyName } from '../base/addresses.ts';
import { decodeMessage } from '../chat/message-codec.ts';
import type { AccountId, ConversationId, Message } from '../chat/types.ts';
import type { ConversationView } from '../chat/view.ts';
import { deletedAccountName } from '../protocol/requests.ts';
import { MinHeap } from './min-heap.ts';
import type { DeliveryView, HistoryStore, Push } from './ports.ts';

/** Records held at once over all conversations (at least one each). */
const heldRecords = 512;
const pageRecordsMax = 64;

/**
 * Where to begin: behind what was delivered (`delivered` of each conversation), or behind a log index. In the lobby nothing is ever
 * delivered or pending, so there it is a log index in both cases; `lobbyAfter` null: with what is said from now on.
 */
export type Start =
  | {
      readonly kind: 'delivered';
      readonly delivered: (conversation: ConversationView) => number;
      readonly lobbyAfter: number | null;
    }
  | { readonly kind: 'after'; readonly index: number };

export interface CatchUpPorts {
  readonly view: DeliveryView;
  readonly store: HistoryStore;
  /** Resolves a little later. Records may be staged a moment after their events were told. */
  readonly pause: () => Promise<void>;
}

/** Times that a record which must exist is looked for again before the read fails. */
const rereads = 200;

interface Feed {
  readonly conversation: ConversationId;
  readonly last: number;
  /** Next sequence to read. */
  next: number;
  page: readonly Message[];
  /** Position of the head in `page`. */
  at: number;
}

/** Yields every message of the account behind `start` that the view knows now (at the first `next`), by ascending index. */
export async function* readMissed(
  ports: CatchUpPorts,
  account: AccountId,
  start: Start,
): AsyncGenerator<Push, void, void> {
  const candidates = ports.view
    .conversationsOf(account)
    .filter((conversation) => hasMore(conversation, start));
  // The view moves on while the store is read: what is needed of it is taken now.
  const feeds = candidates.map((one) => ({
    id: one.id,
    lastSequence: one.lastSequence,
    first: one.joinedBehind(account) + 1,
    from: placeOf(one, start),
  }));
  const pageRecords = Math.max(
    1,
    Math.min(pageRecordsMax, Math.floor(heldRecords / Math.max(1, feeds.length))),
  );
  const heads = new MinHeap<Feed>((feed) => feed.page[feed.at]?.index ?? 0);
  for (const { id, lastSequence, first, from } of feeds) {
    const wanted =
      from.kind === 'index' ? await firstAfter(ports, id, lastSequence, from.index) : from.sequence + 1;
    const feed: Feed = {
      conversation: id,
      last: lastSequence,
      next: Math.max(first, wanted),
      page: [],
      at: 0,
    };
    if (await fill(ports, feed, pageRecords)) heads.push(feed);
  }
  for (let feed = heads.pop(); feed !== undefined; feed = heads.pop()) {
    const message = feed.page[feed.at];
    if (message === undefined) continue;
    const isKnown = start.kind === 'delivered' && isAcknowledged(ports.view, account, message);
    if (!isKnown) yield pushOf(ports.view, message);
    feed.at += 1;
    if (feed.at < feed.page.length || (await fill(ports, feed, pageRecords))) heads.push(feed);
  }
}

/** Behind which log index or sequence the reading of one conversation begins. */
type Place =
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'sequence'; readonly sequence: number };

function placeOf(conversation: ConversationView, start: Start): Place {
  if (start.kind === 'after') return { kind: 'index', index: start.index };
  const isLobby = conversation.kind === 'lobby';
  if (isLobby && start.lobbyAfter !== null) return { kind: 'index', index: start.lobbyAfter };
  return { kind: 'sequence', sequence: isLobby ? conversation.lastSequence : start.delivered(conversation) };
}

function hasMore(conversation: ConversationView, start: Start): boolean {
  const place = placeOf(conversation, start);
  return place.kind === 'index'
    ? conversation.lastIndex > place.index
    : conversation.lastSequence > place.sequence;
}

/** Loads the next page; false when the conversation has nothing more. */
async function fill(ports: CatchUpPorts, feed: Feed, limit: number): Promise<boolean> {
  if (feed.next > feed.last) return false;
  const records = await readExisting(ports, feed.conversation, feed.next, feed.last, limit);
  feed.page = records.map(({ sequence, record }) => decodeMessage(feed.conversation, sequence, record));
  feed.at = 0;
  feed.next += records.length;
  return records.length > 0;
}

/** Records that the view says exist: at least one, unless the conversation was dropped meanwhile. */
async function readExisting(
  { view, store, pause }: CatchUpPorts,
  conversation: ConversationId,
  from: number,
  to: number,
  limit: number,
): Promise<readonly { readonly sequence: number; readonly record: Uint8Array }[]> {
  for (let attempt = 0; attempt < rereads; attempt++) {
    const records = await store.readStream(conversation, { from, to, limit });
    if (records[0]?.sequence === from) return records;
    if (view.conversation(conversation) === undefined) return [];
    await pause();
  }
  throw new Error(`the store lacks message ${from} of ${conversation}`);
}

/**
 * First sequence whose index is above `index`, or last + 1. A resuming reader has seen almost everything, so the search gallops back
 * from the end before it halves.
 */
async function firstAfter(
  ports: CatchUpPorts,
  conversation: ConversationId,
  last: number,
  index: number,
): Promise<number> {
  let above = last + 1;
  let below = last;
  for (let step = 1; below >= 1; step *= 2) {
    if (!(await isAfter(ports, conversation, below, index))) break;
    above = below;
    below -= step;
  }
  below = Math.max(below, 0);
  while (above - below > 1) {
    const middle = Math.floor((above + below) / 2);
    if (await isAfter(ports, conversation, middle, index)) above = middle;
    else below = middle;
  }
  return above;
}

async function isAfter(
  ports: CatchUpPorts,
  conversation: ConversationId,
  sequence: number,
  index: number,
): Promise<boolean> {
  const [found] = await readExisting(ports, conversation, sequence, sequence, 1);
  // Dropped meanwhile: counts as above, so that the search ends and the read finds nothing.
  return found === undefined || decodeMessage(conversation, sequence, found.record).index > index;
}

/** Singly, out of turn. */
function isAcknowledged(
  view: DeliveryView,
  account: AccountId,
  { conversation, sequence }: Message,
): boolean {
  const place = view.conversation(conversation);
  return place !== undefined && place.kind !== 'lobby' && place.isDelivered(account, sequence);
}

function pushOf(view: DeliveryView, message: Message): Push {
  return {
    message,
    fromName: nameOf(view, message.from),
    toName: addressOf(view, message),
    forms: {},
  };
}

function nameOf(view: DeliveryView, account: AccountId): string {
  return view.accountById(account)?.name ?? deletedAccountName;
}

/** What a message was sent to, as people see it now: a name, or a group's with its `#`. */
export function addressOf(view: DeliveryView, { conversation, to }: Message): string {
  if (to !== null) return nameOf(view, to);
  const group = view.conversation(conversation);
  return groupMark + (group?.kind === 'group' ? group.name : lobbyName);
}
