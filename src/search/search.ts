/** Search on one node: the index and what keeps it up to date. */
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { AccountId, ChatEvent, ConversationId } from '../chat/vocabulary/types.ts';
import type { ChatView, ConversationView } from '../chat/vocabulary/view.ts';
import type { StateStore } from '../store/state-store.ts';
import { ChildIndex } from './child-index.ts';
import { Indexer } from './indexer.ts';
import type { Hit, SearchIndex } from './ports.ts';
import { scopesFor, senderScope } from './scopes.ts';
import type { Word } from './words.ts';

export interface SearchOptions {
  readonly view: ChatView;
  readonly store: Pick<StateStore, 'readStream'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** False while the disk has no room to spare: then nothing is written. */
  readonly hasRoom: () => boolean;
}

export interface SearchQuestion {
  /** Who asks. */
  readonly account: AccountId;
  /** Those that are searched; all must be the account's to read. */
  readonly conversations: readonly ConversationView[];
  readonly words: readonly Word[];
  readonly from: AccountId | null;
  /** Only messages with a lower log index; null: from the newest on. */
  readonly before: number | null;
  readonly limit: number;
}

export interface SearchAnswer {
  /** The newest first. */
  readonly hits: readonly Hit[];
  /** The index had all that these conversations held when it was asked. */
  readonly complete: boolean;
}

/** How long a question waits for what was just said. */
const waitMs = 2_000;

export class Search {
  readonly #index: SearchIndex;
  readonly #indexer: Indexer;

  constructor(index: SearchIndex, options: SearchOptions) {
    this.#index = index;
    this.#indexer = new Indexer({ ...options, index });
  }

  start(): void {
    this.#indexer.start();
  }

  async stop(): Promise<void> {
    await this.#indexer.stop();
    await this.#index.stop();
  }

  /** Messages that the index lacks; null before it was looked at. */
  get missing(): number | null {
    return this.#indexer.missing;
  }

  applied(events: readonly ChatEvent[]): void {
    this.#indexer.applied(events);
  }

  reset(): void {
    this.#indexer.reset();
  }

  /** Rejects with `CodedError` UNAVAILABLE when there is no index now. */
  async find({ account, conversations, words, from, before, limit }: SearchQuestion): Promise<SearchAnswer> {
    const complete = await this.#indexer.covers(conversations, waitMs);
    const only: ConversationId | null = conversations.length === 1 ? (conversations[0]?.id ?? null) : null;
    const hits = await this.#index.find({
      words,
      scopes: scopesFor(account, conversations),
      also: from === null ? [] : [senderScope(from)],
      conversation: only,
      before,
      limit,
    });
    return { hits, complete };
  }
}

/** With its index in `search/` of the node's data directory. */
export function openSearch(root: string, options: SearchOptions): Search {
  const { clock, logger } = options;
  return new Search(new ChildIndex(join(root, 'search', 'index.db'), clock, logger), options);
}
