/**
 * An account's messages from the store, and what has become of older ones, as one stream: merged over its conversations by log index,
 * ascending, up to what the view held when the reading began. Read in pages, as fast as the consumer asks. One page of every conversation that has something is held at a time.
 */

import { groupMark, lobbyName } from '../base/addresses.ts';
import { decodeAmendment } from '../chat/codecs/amendment-codec.ts';
import { decodeMessage } from '../chat/codecs/message-codec.ts';
import { amendmentStream } from '../chat/conversations/amendments.ts';
import type { Amendment } from '../chat/vocabulary/amendment-types.ts';
import type { AccountId, ConversationId, Message } from '../chat/vocabulary/types.ts';
import type { ConversationView } from '../chat/vocabulary/view.ts';
import { deletedAccountName } from '../protocol/requests.ts';
import type { StreamRecord } from '../store/state-store.ts';
import { MinHeap } from './min-heap.ts';
import type { AmendmentPush, DeliveryView, HistoryStore, Push } from './ports.ts';
import { amendmentPushOf, type PresentMessage, presentForms, rereads } from './present-form.ts';

/** Records held at once over all streams (at least one each). */
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

/** Something of a page: amendments become pushes only when they are handed over, since a later one may overtake them. */
type Item =
  | { readonly kind: 'message'; readonly index: number; readonly push: Push }
  | { readonly kind: 'amendment'; readonly index: number; readonly amendment: Amendment };

/** A stream of records that have log indexes, ascending. */
interface Source {
  readonly conversation: ConversationId;
  readonly stream: string;
  /** Sequence of the first record that is not too old, now. */
  readonly first: () => number;
  readonly last: number;
  readonly indexOf: (sequence: number, record: Uint8Array) => number;
  readonly decode: (records: readonly StreamRecord[]) => Promise<readonly Item[]>;
}

interface Feed {
  readonly source: Source;
  /** Next sequence to read. */
  next: number;
  page: readonly Item[];
  /** Position of the head in `page`. */
  at: number;
}

/**
 * Yields every message of the account behind `start` that the view knows now (at the first `next`), and every amendment behind the log index
 * `amendedAfter` (null: none), by ascending index.
 */
export async function* readMissed(
  ports: CatchUpPorts,
  account: AccountId,
  start: Start,
  amendedAfter: number | null = null,
): AsyncGenerator<Push | AmendmentPush, void, void> {
  // The view moves on while the store is read: what is needed of it is taken now.
  const wanted = [...messageFeeds(ports, account, start), ...amendmentFeeds(ports, account, amendedAfter)];
  const pageRecords = Math.max(
    1,
    Math.min(pageRecordsMax, Math.floor(heldRecords / Math.max(1, wanted.length))),
  );
  const heads = new MinHeap<Feed>((feed) => feed.page[feed.at]?.index ?? 0);
  for (const { source, first, after } of wanted) {
    const behind = after === null ? 1 : await firstAfter(ports, source, after);
    const feed: Feed = { source, next: Math.max(first, behind), page: [], at: 0 };
    if (await fill(ports, feed, pageRecords)) heads.push(feed);
  }
  for (let feed = heads.pop(); feed !== undefined; feed = heads.pop()) {
    const item = feed.page[feed.at];
    if (item === undefined) continue;
    const push = item.kind === 'amendment' ? amendmentPushOf(ports.view, item.amendment) : item.push;
    const isKnown =
      push === null ||
      (push.kind === 'message' &&
        start.kind === 'delivered' &&
        isAcknowledged(ports.view, account, push.message));
    if (!isKnown) yield push;
    feed.at += 1;
    if (feed.at < feed.page.length || (await fill(ports, feed, pageRecords))) heads.push(feed);
  }
}

/** `first`: sequence to begin with, at least; `after`: and behind that log index, if it is not null. */
interface Wanted {
  readonly source: Source;
  readonly first: number;
  readonly after: number | null;
}

function messageFeeds(ports: CatchUpPorts, account: AccountId, start: Start): readonly Wanted[] {
  return ports.view
    .conversationsOf(account)
    .filter((conversation) => hasMore(conversation, start))
    .map((conversation) => {
      const joined = conversation.joinedBehind(account) + 1;
      const source = messagesOf(ports, conversation);
      const from = placeOf(conversation, start);
      return from.kind === 'index'
        ? { source, first: joined, after: from.index }
        : { source, first: Math.max(joined, from.sequence + 1), after: null };
    });
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

function messagesOf(ports: CatchUpPorts, { id, lastSequence }: ConversationView): Source {
  return {
    conversation: id,
    stream: id,
    first: () => ports.view.conversation(id)?.firstSequence ?? 1,
    last: lastSequence,
    indexOf: (sequence, record) => decodeMessage(id, sequence, record).index,
    decode: async (records) => {
      const sent = records.map(({ sequence, record }) => decodeMessage(id, sequence, record));
      const present = await presentForms(ports, sent);
      return present.map((one) => ({
        kind: 'message',
        index: one.message.index,
        push: pushOf(ports.view, one),
      }));
    },
  };
}

function amendmentFeeds({ view }: CatchUpPorts, account: AccountId, after: number | null): readonly Wanted[] {
  if (after === null) return [];
  const wanted: Wanted[] = [];
  for (const { id } of view.conversationsOf(account)) {
    const head = view.amendmentsOf(id);
    if (head === undefined || head.lastIndex <= after) continue;
    const amendmentAt = (revision: number, record: Uint8Array) => decodeAmendment(id, revision, record);
    const source: Source = {
      conversation: id,
      stream: amendmentStream(id),
      first: () => view.retentionOf(id)?.firstRevision ?? 1,
      last: head.lastRevision,
      indexOf: (revision, record) => amendmentAt(revision, record).index,
      decode: async (records) =>
        records
          .map(({ sequence, record }) => amendmentAt(sequence, record))
          .map((amendment) => ({ kind: 'amendment', index: amendment.index, amendment })),
    };
    wanted.push({ source, first: source.first(), after });
  }
  return wanted;
}

function hasMore(conversation: ConversationView, start: Start): boolean {
  const place = placeOf(conversation, start);
  return place.kind === 'index'
    ? conversation.lastIndex > place.index
    : conversation.lastSequence > place.sequence;
}

/** Loads the next page; false when the stream has nothing more. */
async function fill(ports: CatchUpPorts, feed: Feed, limit: number): Promise<boolean> {
  const { source } = feed;
  if (feed.next > source.last) return false;
  const records = await readExisting(ports, source, feed.next, source.last, limit);
  feed.page = await source.decode(records);
  feed.at = 0;
  feed.next = (records.at(-1)?.sequence ?? feed.next) + 1;
  return records.length > 0;
}

/** Records that the view says exist: at least one, unless the conversation was dropped meanwhile, or they became too old. */
async function readExisting(
  { view, store, pause }: CatchUpPorts,
  { conversation, stream, first }: Source,
  from: number,
  to: number,
  limit: number,
): Promise<readonly StreamRecord[]> {
  for (let attempt = 0; attempt < rereads; attempt++) {
    const records = await store.readStream(stream, { from, to, limit });
    if (records[0]?.sequence === Math.max(from, first())) return records;
    if (view.conversation(conversation) === undefined || first() > to) return [];
    await pause();
  }
  throw new Error(`the store lacks record ${from} of ${stream}`);
}

/**
 * First sequence whose index is above `index`, or last + 1. A resuming reader has seen almost everything, so the search gallops back
 * from the end before it halves.
 */
async function firstAfter(ports: CatchUpPorts, source: Source, index: number): Promise<number> {
  const least = source.first();
  let above = source.last + 1;
  let below = source.last;
  for (let step = 1; below >= least; step *= 2) {
    if (!(await isAfter(ports, source, below, index))) break;
    above = below;
    below -= step;
  }
  below = Math.max(below, least - 1);
  while (above - below > 1) {
    const middle = Math.floor((above + below) / 2);
    if (await isAfter(ports, source, middle, index)) above = middle;
    else below = middle;
  }
  return above;
}

async function isAfter(
  ports: CatchUpPorts,
  source: Source,
  sequence: number,
  index: number,
): Promise<boolean> {
  const [found] = await readExisting(ports, source, sequence, sequence, 1);
  // Dropped meanwhile: counts as above, so that the search ends and the read finds nothing.
  return found === undefined || source.indexOf(sequence, found.record) > index;
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

function pushOf(view: DeliveryView, { message, state }: PresentMessage): Push {
  return {
    kind: 'message',
    message,
    fromName: nameOf(view, message.from),
    toName: addressOf(view, message),
    state,
    forms: {},
  };
}

function nameOf(view: Pick<DeliveryView, 'accountById'>, account: AccountId): string {
  return view.accountById(account)?.name ?? deletedAccountName;
}

/** What a message was sent to, as people see it now: a name, or a group's with its `#`. */
export function addressOf(
  view: Pick<DeliveryView, 'accountById' | 'conversation'>,
  { conversation, to }: Message,
): string {
  if (to !== null) return nameOf(view, to);
  const group = view.conversation(conversation);
  return groupMark + (group?.kind === 'group' ? group.name : lobbyName);
}
