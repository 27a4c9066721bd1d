/**
 * Removes chunks that no message refers to and no upload has leased.
 *
 * Invariant: only a state that has caught up with the log is believed; what joins the roots after they were read is not removed. A lease is applied here before any chunk is counted as held
 * under it (`ClusterHoldings.requireRoot`), and each removal is preceded, in the same turn, by a look at whether anything has joined.
 */
import type { Logger } from '../base/logger.ts';
import { type ChunkAddress, decodeManifest } from '../protocol/manifest.ts';
import type { ChunkStore } from './chunk-store.ts';
import type { FilePeers, FileRoots } from './ports.ts';

export const collectEveryMs = 10 * 60_000;

export interface CollectorOptions {
  readonly store: ChunkStore;
  readonly roots: FileRoots;
  readonly peers: Pick<FilePeers, 'barrier'>;
  readonly logger: Logger;
}

export class Collector {
  readonly #options: CollectorOptions;
  #collected = 0;
  #holds = 0;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  get collected(): number {
    return this.#collected;
  }

  /** Until the returned function is called (once or more), nothing is removed. */
  hold(): () => void {
    this.#holds += 1;
    let held = true;
    return () => {
      if (held) this.#holds -= 1;
      held = false;
    };
  }

  async round(): Promise<number> {
    const { store, roots, logger } = this.#options;
    const before = this.#collected;
    // A node that restarts, or rebuilds its state, knows less than it keeps.
    if (!(await this.#hasCaughtUp())) return collectEveryMs;
    const { additions } = roots;
    const wanted = await this.#wanted();
    // Without a manifest it is not known what it wants: nothing goes until it has come.
    if (wanted === null) return collectEveryMs;
    for (const address of store.addresses()) {
      if (wanted.has(address)) continue;
      if (roots.additions !== additions || this.#holds > 0) break;
      await store.remove(address);
      this.#collected += 1;
    }
    const count = this.#collected - before;
    if (count > 0) logger.info({ count }, 'chunks that nothing refers to were removed');
    return collectEveryMs;
  }

  async #hasCaughtUp(): Promise<boolean> {
    const { peers, roots } = this.#options;
    return peers.barrier().then(
      () => roots.known,
      () => false,
    );
  }

  async #wanted(): Promise<ReadonlySet<ChunkAddress> | null> {
    const { store, roots } = this.#options;
    const wanted = new Set<ChunkAddress>();
    for (const address of [...roots.referenced(), ...roots.leased()]) {
      if (wanted.has(address)) continue;
      const content = await store.read(address);
      if (content === null) return null;
      wanted.add(address);
      for (const chunk of decodeManifest(content)?.chunks ?? []) wanted.add(chunk);
    }
    return wanted;
  }
}
