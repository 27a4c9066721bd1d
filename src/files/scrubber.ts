/** Reads every chunk again and again, at a bounded rate: damage is found while other nodes still have good copies. */
import type { Random } from '../base/prng.ts';
import { type ChunkAddress, chunkBytes } from '../protocol/manifest.ts';
import type { ChunkStore } from './chunk-store.ts';

export interface ScrubberOptions {
  readonly store: ChunkStore;
  readonly random: Random;
  readonly bytesPerSecond: number;
}

/** Between two passes, and when there is nothing to look at. */
const restMs = 60_000;

export class Scrubber {
  readonly #options: ScrubberOptions;
  /** Of the pass under way, still to be read. */
  #left: ChunkAddress[] = [];
  #checked = 0;
  #passes = 0;

  constructor(options: ScrubberOptions) {
    this.#options = options;
  }

  get checked(): number {
    return this.#checked;
  }

  /** Passes over everything that was held when they began. */
  get passes(): number {
    return this.#passes;
  }

  async round(): Promise<number> {
    const { store } = this.#options;
    if (this.#left.length === 0) this.#left = this.#shuffled(store.addresses());
    const address = this.#left.pop();
    if (address === undefined) return restMs;
    // Reading is checking: the store drops what is damaged and tells.
    const content = await store.read(address);
    this.#checked += 1;
    if (this.#left.length === 0) this.#passes += 1;
    const pauseMs = ((content?.length ?? chunkBytes) / this.#options.bytesPerSecond) * 1_000;
    return this.#left.length === 0 ? Math.max(pauseMs, restMs) : pauseMs;
  }

  /** A node that restarts often must not look at the same first part each time. */
  #shuffled(addresses: readonly ChunkAddress[]): ChunkAddress[] {
    const shuffled = [...addresses];
    for (let at = shuffled.length - 1; at > 0; at--) {
      const other = this.#options.random.below(at + 1);
      const [a, b] = [shuffled[at], shuffled[other]];
      if (a !== undefined && b !== undefined) [shuffled[at], shuffled[other]] = [b, a];
    }
    return shuffled;
  }
}
