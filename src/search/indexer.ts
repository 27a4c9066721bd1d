/**
 * Brings into the index what was applied and is not there yet, in the background. It holds how far each conversation is in the index, as the
 * index itself says; the applied state says how far it should be.
 */
import type { Clock, Timer } from '../base/clock.ts';
import { KIB } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import { decodeAmendment } from '../chat/codecs/amendment-codec.ts';
import { decodeMessage } from '../chat/codecs/message-codec.ts';
import { amendmentStream } from '../chat/conversations/amendments.ts';
import type { ChatEvent, ConversationId, Message } from '../chat/vocabulary/types.ts';
import type { ChatView, ConversationView } from '../chat/vocabulary/view.ts';
import { presentForms } from '../delivery/present-form.ts';
import type { StateStore } from '../store/state-store.ts';
import type { IndexBatch, Place, SearchDocument, SearchIndex } from './ports.ts';
import { scopesOf, senderScope } from './scopes.ts';

export interface IndexerOptions {
  readonly view: ChatView;
  readonly store: Pick<StateStore, 'readStream'>;
  readonly index: SearchIndex;
  readonly clock: Clock;
  readonly logger: Logger;
  /** False while the disk has no room to spare. */
  readonly hasRoom: () => boolean;
}

const batchMessages = 256;
const batchBytes = 256 * KIB;
/** Between two transactions: new messages are gathered for so long. */
const restMs = 100;
/** So long while messages come faster than this: the chat has the machine to itself. */
const busyRestMs = 1_000;
const busyPerSecond = 1_000;
/** Without a question, what the index lacks is first looked at so long after the start. */
const firstMs = 120_000;
/** After a failure, doubled up to the second. */
const retryMs = 1_000;
const retryMaxMs = 60_000;

interface Waiter {
  readonly places: ReadonlyMap<ConversationId, Place>;
  readonly done: (complete: boolean) => void;
  readonly deadline: Timer;
}

export class Indexer {
  readonly #options: IndexerOptions;
  /** Null until the index was asked, and after it failed. */
  #places: Map<ConversationId, Place> | null = null;
  /** Conversations of which something may be missing, those that somebody asks for apart. */
  readonly #behind = new Set<ConversationId>();
  readonly #urgent = new Set<ConversationId>();
  readonly #gone = new Set<ConversationId>();
  readonly #waiters = new Set<Waiter>();
  #timer: Timer | null = null;
  #running: Promise<void> | null = null;
  #failures = 0;
  #arrived = 0;
  #countedMs = 0;
  #stopped = false;

  constructor(options: IndexerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#later(firstMs);
  }

  /** Resolves when nothing is read or written any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    for (const waiter of this.#waiters) this.#answer(waiter, false);
    await this.#running;
  }

  /** Messages and amendments that are known not to be in the index yet; null before it was looked at. */
  get missing(): number | null {
    const places = this.#places;
    if (places === null) return null;
    let missing = 0;
    for (const id of new Set([...this.#behind, ...this.#urgent])) {
      const place = places.get(id) ?? nowhere;
      const last = this.#lastOf(id) ?? nowhere;
      missing += Math.max(0, last.sequence - place.sequence) + Math.max(0, last.revision - place.revision);
    }
    return missing;
  }

  applied(events: readonly ChatEvent[]): void {
    for (const event of events) {
      if (event.kind === 'message') {
        this.#arrived += 1;
        if (this.#places !== null) this.#behind.add(event.message.conversation);
      } else if (event.kind === 'amended') {
        if (this.#places !== null) this.#behind.add(event.amendment.conversation);
      } else if (event.kind === 'trimmed') {
        if (this.#places !== null) this.#behind.add(event.conversation);
      } else if (event.kind === 'group-deleted') {
        this.#gone.add(event.group);
      }
    }
    if (this.#behind.size > 0 || this.#gone.size > 0) this.#later(this.#restMs());
  }

  /** The state was replaced: nothing is known of what happened between. */
  reset(): void {
    this.#places = null;
  }

  /** True once the index has all that these conversations hold now; false when it does not by then. */
  async covers(conversations: readonly ConversationView[], waitMs: number): Promise<boolean> {
    const wanted = new Map(conversations.map(({ id }) => [id, this.#lastOf(id) ?? nowhere]));
    if (this.#has(wanted)) return true;
    for (const id of wanted.keys()) this.#urgent.add(id);
    return await new Promise((resolve) => {
      const deadline = this.#options.clock.after(waitMs, () => this.#answer(waiter, false));
      const waiter: Waiter = { places: wanted, done: resolve, deadline };
      this.#waiters.add(waiter);
      // Somebody waits: a failure is tried again now.
      this.#timer?.cancel();
      this.#timer = null;
      this.#later(0);
    });
  }

  #has(wanted: ReadonlyMap<ConversationId, Place>): boolean {
    const places = this.#places;
    return places !== null && [...wanted].every(([id, last]) => !isBehind(places.get(id), last));
  }

  /** Where the index should be; undefined when there is no such conversation. */
  #lastOf(id: ConversationId): Place | undefined {
    const { view } = this.#options;
    const conversation = view.conversation(id);
    if (conversation === undefined) return undefined;
    const { firstSequence: first, lastSequence: sequence } = conversation;
    return { first, sequence, revision: view.amendmentsOf(id)?.lastRevision ?? 0 };
  }

  #answer(waiter: Waiter, complete: boolean): void {
    if (!this.#waiters.delete(waiter)) return;
    waiter.deadline.cancel();
    waiter.done(complete);
  }

  #later(delayMs: number): void {
    if (this.#stopped || this.#timer !== null || this.#running !== null) return;
    this.#timer = this.#options.clock.after(delayMs, () => {
      this.#timer = null;
      this.#running = this.#round().then((hasWritten) => {
        this.#running = null;
        if (this.#failures > 0) this.#later(Math.min(retryMaxMs, retryMs * 2 ** (this.#failures - 1)));
        else if (this.#urgent.size > 0 && hasWritten) this.#later(0);
        else if (this.#urgent.size + this.#behind.size + this.#gone.size > 0) this.#later(this.#restMs());
      });
    });
  }

  /** Counts what came since the last transaction. */
  #restMs(): number {
    const nowMs = this.#options.clock.monotonicMs();
    const perSecond = (1_000 * this.#arrived) / Math.max(restMs, nowMs - this.#countedMs);
    return perSecond > busyPerSecond ? busyRestMs : restMs;
  }

  /** One transaction; whether there was anything for it. Never rejects. */
  async #round(): Promise<boolean> {
    let hasWritten = false;
    try {
      if (!this.#options.hasRoom()) throw new Error('the disk has no room to spare');
      this.#places ??= await this.#look();
      const batch = await this.#gather(this.#places);
      if (batch !== null) {
        await this.#options.index.write(batch);
        for (const id of batch.gone) this.#places.delete(id);
        for (const [id, place] of batch.places) this.#places.set(id, place);
        hasWritten = true;
      }
      this.#failures = 0;
      this.#arrived = 0;
      this.#countedMs = this.#options.clock.monotonicMs();
    } catch (error) {
      this.#places = null;
      this.#failures += 1;
      const cause = error instanceof Error ? error.message : String(error);
      this.#options.logger.warn({ cause }, 'the search index falls behind');
    }
    for (const waiter of [...this.#waiters]) if (this.#has(waiter.places)) this.#answer(waiter, true);
    return hasWritten;
  }

  /** What the index has, and against the state what it lacks or should not have. */
  async #look(): Promise<Map<ConversationId, Place>> {
    const { view, index } = this.#options;
    const places = new Map(await index.places());
    for (const [id, place] of places) {
      const last = this.#lastOf(id);
      // More than there is: of another history.
      if (last === undefined || place.sequence > last.sequence || place.revision > last.revision)
        this.#gone.add(id);
    }
    for (const { id } of conversationsIn(view)) {
      if (this.#gone.has(id) || isBehind(places.get(id), this.#lastOf(id) ?? nowhere)) this.#behind.add(id);
    }
    return places;
  }

  /** Null: there is nothing to do. */
  async #gather(places: ReadonlyMap<ConversationId, Place>): Promise<IndexBatch | null> {
    const gone = [...this.#gone];
    this.#gone.clear();
    const batch = new Batch(gone);
    for (const from of [this.#urgent, this.#behind]) {
      for (const id of from) {
        if (batch.room === 0) break;
        const place = gone.includes(id) ? nowhere : (batch.places.get(id) ?? places.get(id) ?? nowhere);
        const last = this.#lastOf(id);
        const reached = last === undefined ? place : await this.#advance(batch, id, place, last);
        if (reached !== place) batch.places.set(id, reached);
        // Else its records are staged in a moment.
        else if (last === undefined || !isBehind(place, last)) from.delete(id);
      }
    }
    return batch.isEmpty ? null : batch.take();
  }

  /** The next messages, or once they are all there, the next amendments. The same place when there is nothing more. */
  async #advance(batch: Batch, id: ConversationId, from: Place, last: Place): Promise<Place> {
    const place = this.#behindFront(id, from, last);
    const { first, sequence, revision } = place;
    if (sequence < last.sequence) {
      const messages = await this.#messages(id, sequence + 1, Math.min(last.sequence, sequence + batch.room));
      await this.#add(batch, messages);
      const end = messages.at(-1)?.sequence ?? sequence;
      // They came in their present form: what was changed of them is known.
      const isNew = from.sequence === 0;
      return end === sequence ? place : { first, sequence: end, revision: isNew ? last.revision : revision };
    }
    if (revision >= last.revision) return place;
    const to = Math.min(last.revision, revision + batch.room);
    const range = { from: revision + 1, to, limit: batchMessages };
    const amendments = await this.#options.store.readStream(amendmentStream(id), range);
    const changed = new Set<number>();
    for (const { sequence, record } of amendments) {
      const amendment = decodeAmendment(id, sequence, record);
      if (amendment.change.kind !== 'reaction') changed.add(amendment.sequence);
    }
    for (const sequence of changed) await this.#add(batch, await this.#messages(id, sequence, sequence));
    const end = amendments.at(-1)?.sequence ?? revision;
    return end === revision ? place : { first, sequence, revision: end };
  }

  /** Nothing is to be had of what is too old. The same place where nothing is. */
  #behindFront(id: ConversationId, place: Place, { first }: Place): Place {
    const { firstRevision = 1 } = this.#options.view.retentionOf(id) ?? {};
    if (place.first >= first && place.revision >= firstRevision - 1) return place;
    return {
      first: Math.max(place.first, first),
      sequence: Math.max(place.sequence, first - 1),
      revision: Math.max(place.revision, firstRevision - 1),
    };
  }

  async #messages(id: ConversationId, from: number, to: number): Promise<readonly Message[]> {
    const records = await this.#options.store.readStream(id, { from, to, limit: batchMessages });
    return records.map(({ sequence, record }) => decodeMessage(id, sequence, record));
  }

  async #add(batch: Batch, messages: readonly Message[]): Promise<void> {
    const { view, store, clock } = this.#options;
    const pause = (): Promise<void> =>
      new Promise((resolve) => {
        clock.after(1, resolve);
      });
    for (const { message, state } of await presentForms({ view, store, pause }, messages)) {
      if (state.deleted === true) batch.remove(message.index);
      else batch.add(documentOf(message));
    }
  }
}

/** What one transaction brings. */
class Batch {
  readonly places = new Map<ConversationId, Place>();
  readonly #gone: readonly ConversationId[];
  readonly #documents: SearchDocument[] = [];
  readonly #removed: number[] = [];
  #bytes = 0;

  constructor(gone: readonly ConversationId[]) {
    this.#gone = gone;
  }

  /** Messages that may still come. */
  get room(): number {
    return this.#bytes >= batchBytes
      ? 0
      : Math.max(0, batchMessages - this.#documents.length - this.#removed.length);
  }

  get isEmpty(): boolean {
    return this.places.size + this.#gone.length === 0;
  }

  add(document: SearchDocument): void {
    this.#documents.push(document);
    this.#bytes += document.text.length;
  }

  remove(id: number): void {
    this.#removed.push(id);
  }

  take(): IndexBatch {
    const places = [...this.places];
    return { documents: this.#documents, places, gone: this.#gone, removed: this.#removed };
  }
}

const nowhere: Place = { first: 1, sequence: 0, revision: 0 };

function isBehind(place: Place | undefined, last: Place): boolean {
  const { first, sequence, revision } = place ?? nowhere;
  return first < last.first || sequence < last.sequence || revision < last.revision;
}

function documentOf(message: Message): SearchDocument {
  const { index: id, conversation, sequence, from, body } = message;
  const text = body.kind === 'text' ? body.text : body.file.name;
  return { id, conversation, sequence, text, scopes: [...scopesOf(conversation), senderScope(from)] };
}

function* conversationsIn(view: ChatView): Iterable<ConversationView> {
  const seen = new Set<ConversationId>();
  for (const { id } of view.accounts()) {
    for (const conversation of view.conversationsOf(id)) {
      if (seen.has(conversation.id)) continue;
      seen.add(conversation.id);
      yield conversation;
    }
  }
}
