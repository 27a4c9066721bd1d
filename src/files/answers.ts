/** What other nodes ask, answered from this node's chunks. Each question has passed the transport's authentication. */
import { unreachable } from '../base/assert.ts';
import { CodedError, type ErrorCode } from '../base/errors.ts';
import type { ChunkStore } from './chunk-store.ts';
import {
  type Completeness,
  decodeQuestion,
  encodeCompleteness,
  encodeCopy,
  encodeHoldings,
  encodeStored,
  type Question,
  type Stored,
} from './exchange.ts';
import type { ClusterHoldings } from './holdings.ts';
import { Slots } from './slots.ts';

/** Chunks of other nodes in memory at once. */
const putsAtOnce = 4;
const putsWaiting = 16;

export interface AnswersOptions {
  readonly store: ChunkStore;
  readonly holdings: ClusterHoldings;
  readonly completeness: () => Promise<Completeness>;
}

const refusals: Partial<Record<ErrorCode, Stored>> = {
  UNKNOWN_UPLOAD: 'no-upload',
  BUSY: 'busy',
  LOW_SPACE: 'no-room',
};

export class Answers {
  readonly #options: AnswersOptions;
  readonly #puts = new Slots(putsAtOnce, putsWaiting);

  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  /** Rejects BAD_REQUEST when it is no question of this version. */
  async *to(question: Uint8Array): AsyncGenerator<Uint8Array> {
    const asked = decodeQuestion(question);
    if (asked === null) throw new CodedError('BAD_REQUEST', 'an unknown question about chunks');
    switch (asked.kind) {
      case 'put':
        yield encodeStored(await this.#keep(asked));
        return;
      case 'holds':
        yield encodeHoldings(await this.#held(asked.manifest));
        return;
      case 'get':
        for (const address of asked.addresses) yield encodeCopy(await this.#options.store.read(address));
        return;
      case 'complete':
        yield encodeCompleteness(await this.#options.completeness());
        return;
      default:
        unreachable(asked);
    }
  }

  async #keep({ manifest, address, content }: Extract<Question, { kind: 'put' }>): Promise<Stored> {
    const { store, holdings } = this.#options;
    try {
      await holdings.requireRoot(manifest);
      await this.#puts.run(() => store.put(address, content));
      return 'stored';
    } catch (error) {
      if (!(error instanceof CodedError)) return 'failed';
      return refusals[error.code] ?? 'failed';
    }
  }

  async #held(address: string): Promise<readonly boolean[] | null> {
    const { holdings } = this.#options;
    // Only what this node's state wants kept counts as held: anything else may be collected at any moment.
    await holdings.requireRoot(address);
    const manifest = await holdings.manifest(address);
    return manifest === null ? null : holdings.own(manifest);
  }
}
