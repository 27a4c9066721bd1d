/**
 * Messages on their way to the handler, and what has become of older ones between them: each once, in the order of the log, one at a time.
 * Delivery is at-least-once on the wire; here it becomes exactly-once, by (conversation, sequence), and by (conversation, revision) of an
 * amendment. Pure but for the handler, which may be asynchronous.
 */
import type { AmendedEntry } from '../protocol/amendments.ts';
import type { MessageEntry } from '../protocol/requests.ts';

/** May return a promise: the next message waits for it, and the acknowledgement too. Must not throw or reject. */
export type MessageHandler = (message: MessageEntry) => void | Promise<void>;

type Arrival =
  | { readonly kind: 'message'; readonly entry: MessageEntry }
  | { readonly kind: 'amended'; readonly entry: AmendedEntry };

/** Messages received that the handler has not taken yet. What exceeds it is left on the server and fetched by cursor. */
export const largestInbox = 1_024;
/** Conversations whose last sequence is remembered; of the others the log index tells a repetition. */
const largestMemory = 10_000;

export interface InboxOptions {
  /** Something new can be acknowledged. */
  readonly onHandled: () => void;
  /** Behind the handler of the message before it. */
  readonly onAmended: (entry: AmendedEntry) => void;
  /** Messages had to be left on the server, and there is room for them now: deliver again from `received`. */
  readonly onRoom: () => void;
}

export class Inbox {
  readonly #options: InboxOptions;
  #handler: MessageHandler | null = null;
  /** Ascending by log index. */
  #queue: Arrival[] = [];
  #running = false;
  #overflowed = false;
  /** Conversation → highest sequence taken in. */
  #seen = new Map<string, number>();
  /** Conversation → highest revision taken in. */
  #seenRevisions = new Map<string, number>();
  #received: number | undefined;
  /** Where this session's delivery began here: the program had what is up to it, in a former life. */
  #after: number | undefined;
  #handled = 0;
  #sawEnd = false;
  /** Conversation and sequence before the last gap that was asked about. */
  #knownGap = '';
  #generation = 0;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  /** Log index of the last event taken in: where delivery goes on. Undefined: from the account's delivered cursors. */
  get received(): number | undefined {
    return this.#received;
  }

  /** Log index of the last message that the handler had; 0 before the first one. */
  get handled(): number {
    return this.#handled;
  }

  /** Log index up to which nothing is missing at the handler: where a later program goes on. */
  get cursor(): number | undefined {
    return this.#isEmpty && !this.#overflowed ? this.#received : this.#handled || this.#after;
  }

  /** Whether everything that waited for this user when delivery began has reached the handler, if there is one. */
  get caughtUp(): boolean {
    if (!this.#sawEnd) return false;
    return this.#handler === null || (this.#isEmpty && !this.#overflowed);
  }

  get #isEmpty(): boolean {
    return this.#queue.length === 0 && !this.#running;
  }

  setHandler(handler: MessageHandler | null): void {
    this.#handler = handler;
    this.#drain();
  }

  /** Another session: nothing of the last one counts. */
  reset(after: number | undefined): void {
    this.#generation += 1;
    this.#queue = [];
    this.#running = false;
    this.#overflowed = false;
    this.#seen.clear();
    this.#seenRevisions.clear();
    this.#received = after;
    this.#after = after;
    this.#handled = 0;
    this.#sawEnd = false;
  }

  /** A connection begins to deliver: it will say when it has sent all that was pending. */
  deliveryBegins(): void {
    this.#sawEnd = false;
    this.#overflowed = false;
  }

  /** Its sequences may go on anywhere. */
  forget(conversation: string): void {
    this.#seen.delete(conversation);
  }

  take(message: MessageEntry): void {
    if (this.#overflowed || this.#isRepetition(message)) return;
    if (this.#queue.length >= largestInbox || this.#opensGap(message)) {
      this.#overflowed = true;
      this.#drain();
      return;
    }
    remember(this.#seen, message.conversation, message.sequence);
    this.#enqueue({ kind: 'message', entry: message });
  }

  takeAmended(entry: AmendedEntry): void {
    const { conversation, revision } = entry;
    if (this.#overflowed || revision <= (this.#seenRevisions.get(conversation) ?? 0)) return;
    if (this.#queue.length >= largestInbox) {
      this.#overflowed = true;
      this.#drain();
      return;
    }
    remember(this.#seenRevisions, conversation, revision);
    this.#enqueue({ kind: 'amended', entry });
  }

  #enqueue(arrival: Arrival): void {
    this.#received = Math.max(this.#received ?? 0, arrival.entry.index);
    this.#queue.push(arrival);
    this.#drain();
  }

  caughtUpTo(index: number): void {
    if (this.#overflowed) return;
    this.#received = Math.max(this.#received ?? 0, index);
    this.#sawEnd = true;
    if (this.caughtUp) this.#options.onHandled();
  }

  /**
   * Something before it is missing, which no correct node lets happen: it is asked again from the last message before the gap, and what
   * is missing then too is believed to be gone.
   */
  #opensGap({ conversation, sequence }: MessageEntry): boolean {
    const seen = this.#seen.get(conversation);
    if (seen === undefined || sequence <= seen + 1) return false;
    const gap = `${conversation} ${seen}`;
    const isNew = gap !== this.#knownGap;
    this.#knownGap = gap;
    return isNew;
  }

  #isRepetition({ conversation, sequence, index }: MessageEntry): boolean {
    const seen = this.#seen.get(conversation);
    if (seen !== undefined) return sequence <= seen;
    return this.#seen.size >= largestMemory && index <= (this.#received ?? 0);
  }

  /** An amendment goes to whoever listens, also where there is no handler of messages. */
  get #hasTaker(): boolean {
    return this.#handler !== null || this.#queue[0]?.kind === 'amended';
  }

  #drain(): void {
    if (this.#running || !this.#hasTaker) return;
    this.#running = true;
    while (this.#hasTaker) {
      const arrival = this.#queue.shift();
      if (arrival === undefined) break;
      const done = this.#hand(arrival);
      if (done !== undefined) {
        this.#resumeAfter(done, arrival);
        return;
      }
      this.#handled = arrival.entry.index;
    }
    this.#running = false;
    this.#options.onHandled();
    if (!this.#overflowed || this.#queue.length > 0) return;
    this.#overflowed = false;
    this.#options.onRoom();
  }

  #hand(arrival: Arrival): void | Promise<void> {
    if (arrival.kind === 'message') return this.#handler?.(arrival.entry);
    this.#options.onAmended(arrival.entry);
  }

  /** Deliberately without a catch: a handler that rejects is an unhandled rejection of its owner, never lost silently. */
  #resumeAfter(done: Promise<void>, { entry }: Arrival): void {
    const generation = this.#generation;
    void done.then(() => {
      if (generation !== this.#generation) return;
      this.#handled = entry.index;
      this.#running = false;
      this.#options.onHandled();
      this.#drain();
    });
  }
}

/** Bounded: the oldest is forgotten. */
function remember(seen: Map<string, number>, conversation: string, value: number): void {
  if (!seen.has(conversation) && seen.size >= largestMemory) {
    const [oldest] = seen.keys();
    if (oldest !== undefined) seen.delete(oldest);
  }
  seen.set(conversation, value);
}
