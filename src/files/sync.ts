/**
 * Brings every chunk that a message refers to onto this node: what it missed while it was down or slow, all of it on a new or
 * wiped node, and what the scrub found damaged. Works through manifests, remembers which are complete, and sleeps when all are.
 */
import type { Logger } from '../base/logger.ts';
import { type ChunkAddress, decodeManifest } from '../protocol/manifest.ts';
import type { ChunkStore } from './chunk-store.ts';
import type { Completeness } from './exchange.ts';
import type { FilePeers, FileRoots } from './ports.ts';
import type { ChunkReader, Fetched } from './reader.ts';

export const syncPauses = {
  /** Between two looks at whether anything joined. */
  idleMs: 500,
  /** After a round in which something could not be had. */
  missingMs: 2_000,
  /** After one in which no voter had it. */
  goneMs: 10_000,
  /** A new message's chunks are just being pushed here: pulling them at once would move them twice. */
  settleMs: 1_000,
} as const;

export interface SyncOptions {
  readonly store: ChunkStore;
  readonly roots: FileRoots;
  readonly peers: FilePeers;
  readonly reader: ChunkReader;
  readonly logger: Logger;
}

interface Round {
  readonly complete: Set<ChunkAddress>;
  readonly missing: number;
  readonly gone: ReadonlySet<ChunkAddress>;
}

const nothingMissing: Fetched = { missing: [], askedAll: false };

export class Sync {
  readonly #options: SyncOptions;
  /** Manifests of which everything was seen to be here. */
  #complete = new Set<ChunkAddress>();
  /** Chunks and manifests that the last round could not get. */
  #missing = 0;
  /** Those among them that no voter has. */
  #gone: ReadonlySet<ChunkAddress> = new Set();
  #seenAdditions = -1;
  /** Something joined, and has had its time to arrive by itself. */
  #due = true;
  #warned = false;
  #losses = 0;

  constructor(options: SyncOptions) {
    this.#options = options;
  }

  /** As of the last round. */
  get missing(): number {
    return this.#missing;
  }

  /** Of those, what no voter has: only the disks of former members could bring it back. */
  get gone(): number {
    return this.#gone.size;
  }

  /** A chunk is lost: of which manifests it was part is not known. */
  lost(): void {
    this.#losses += 1;
    this.#complete = new Set();
    this.#seenAdditions = -1;
    this.#due = true;
  }

  async round(): Promise<number> {
    const { roots } = this.#options;
    const { additions } = roots;
    if (additions === this.#seenAdditions) return syncPauses.idleMs;
    if (!this.#due) {
      this.#due = true;
      return syncPauses.settleMs;
    }
    const losses = this.#losses;
    const { complete, missing, gone } = await this.#fetchMissing();
    this.#gone = gone;
    this.#report(missing);
    // What was lost meanwhile may belong to what was found complete before.
    if (losses !== this.#losses) return 0;
    this.#complete = complete;
    if (missing > 0) return missing === gone.size ? syncPauses.goneMs : syncPauses.missingMs;
    this.#seenAdditions = additions;
    this.#due = false;
    return syncPauses.idleMs;
  }

  /**
   * Of everything that is referenced once all that is committed now has been applied; null without a majority. What no voter has does not
   * count: a node that lacks it as well is no worse a voter.
   */
  async completeness(): Promise<Completeness> {
    const { roots, peers } = this.#options;
    try {
      await peers.barrier();
    } catch {
      return null;
    }
    if (!roots.known) return null;
    let missing = 0;
    for (const manifest of [...roots.referenced()]) {
      const wanted = await this.#missingOf(manifest);
      missing += wanted.filter((address) => !this.#gone.has(address)).length;
    }
    return missing;
  }

  async #fetchMissing(): Promise<Round> {
    const { roots, reader } = this.#options;
    const complete = new Set<ChunkAddress>();
    const gone = new Set<ChunkAddress>();
    let missing = 0;
    for (const manifest of [...roots.referenced()]) {
      let wanted = await this.#missingOf(manifest);
      // The manifest itself comes first: it names the rest.
      if (wanted[0] === manifest) {
        await reader.fetch([manifest]);
        wanted = await this.#missingOf(manifest);
      }
      const left = wanted.length === 0 ? nothingMissing : await reader.fetch(wanted);
      if (left.missing.length === 0) complete.add(manifest);
      if (left.askedAll) for (const address of left.missing) gone.add(address);
      missing += left.missing.length;
    }
    return { complete, missing, gone };
  }

  async #missingOf(address: ChunkAddress): Promise<readonly ChunkAddress[]> {
    const { store } = this.#options;
    if (this.#complete.has(address)) return [];
    const content = await store.read(address);
    if (content === null) return [address];
    const manifest = decodeManifest(content);
    return manifest === null ? [] : manifest.chunks.filter((chunk) => !store.has(chunk));
  }

  #report(missing: number): void {
    const { logger } = this.#options;
    if (missing > 0 && !this.#warned) {
      logger.warn({ missing, onNoNode: this.gone }, 'chunks of files are missing here');
    }
    if (missing === 0 && this.#warned) logger.info({}, 'all chunks of files are here again');
    this.#warned = missing > 0;
    this.#missing = missing;
  }
}
