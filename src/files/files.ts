/** The chunks of one node, put together: what uploads and downloads use, what other nodes ask, and the work in the background. */
import type { Clock } from '../base/clock.ts';
import type { Disk } from '../base/disk.ts';
import { MIB } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import type { Random } from '../base/prng.ts';
import { Answers } from './answers.ts';
import { ChunkStore } from './chunk-store.ts';
import { Collector, collectEveryMs } from './collector.ts';
import { DiskReserve } from './disk-reserve.ts';
import { type Completeness, decodeCompleteness } from './exchange.ts';
import { ClusterHoldings } from './holdings.ts';
import { PeerQuestions } from './peer-questions.ts';
import type { FilePeers, FileRoots } from './ports.ts';
import { ChunkReader } from './reader.ts';
import { Readiness } from './readiness.ts';
import { Rounds } from './rounds.ts';
import { Scrubber } from './scrubber.ts';
import { Sync, syncPauses } from './sync.ts';

export interface FilesOptions {
  readonly disk: Disk;
  readonly roots: FileRoots;
  readonly peers: FilePeers;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** How fast the scrub reads; 4 MiB/s (100 GiB in seven hours) unless given. */
  readonly scrubBytesPerSecond?: number;
  /** Left free on the disk: 512 MiB unless given. */
  readonly reserveBytes?: number;
}

export interface FilesStatus {
  /** Chunks and manifests on this node. */
  readonly chunks: number;
  /** Referenced and not here, as of the last look. */
  readonly missing: number;
  /** Of those, what no voter has. */
  readonly gone: number;
  /** Since the start: found damaged, fetched from other nodes, removed as unreferenced, read by the scrub. */
  readonly damaged: number;
  readonly fetched: number;
  readonly collected: number;
  readonly scrubbed: number;
}

const defaultScrubBytesPerSecond = 4 * MIB;
const defaultReserveBytes = 512 * MIB;
/** After the start, before the first scrub: a restart has better things to do. */
const scrubAfterMs = 30_000;

export async function openFiles(options: FilesOptions): Promise<Files> {
  let files: Files | null = null;
  const { disk, clock, reserveBytes = defaultReserveBytes } = options;
  const reserve = new DiskReserve(disk, clock, reserveBytes);
  const hasRoom = (): Promise<boolean> => reserve.hasRoom();
  const store = await ChunkStore.open({ disk, hasRoom, onLost: () => files?.lost() });
  files = new Files(options, store);
  return files;
}

export class Files {
  readonly holdings: ClusterHoldings;
  readonly reader: ChunkReader;
  readonly #self: number;
  readonly #store: ChunkStore;
  readonly #questions: PeerQuestions;
  readonly #answers: Answers;
  readonly #sync: Sync;
  readonly #collector: Collector;
  readonly #scrubber: Scrubber;
  readonly #readiness: Readiness;
  readonly #rounds: { readonly sync: Rounds; readonly collect: Rounds; readonly scrub: Rounds };
  #damaged = 0;
  #fetched = 0;

  constructor(options: FilesOptions, store: ChunkStore) {
    const { roots, peers, clock, random, logger } = options;
    const questions = new PeerQuestions(peers, clock);
    this.#self = peers.self;
    this.#store = store;
    this.#questions = questions;
    this.holdings = new ClusterHoldings({ store, roots, peers, questions, clock });
    const onFetched = (count: number): void => {
      this.#fetched += count;
    };
    this.reader = new ChunkReader({ store, peers, questions, onFetched });
    this.#sync = new Sync({ store, roots, peers, reader: this.reader, logger });
    this.#answers = new Answers({
      store,
      holdings: this.holdings,
      completeness: () => this.#sync.completeness(),
    });
    this.#collector = new Collector({ store, roots, peers, logger });
    const bytesPerSecond = options.scrubBytesPerSecond ?? defaultScrubBytesPerSecond;
    this.#scrubber = new Scrubber({ store, random, bytesPerSecond });
    this.#readiness = new Readiness(clock, (node) => this.missingAt(node));
    const rounds = (part: { round(): Promise<number> }): Rounds =>
      new Rounds({ clock, round: () => part.round().catch((error: unknown) => failed(logger, error)) });
    this.#rounds = {
      sync: rounds(this.#sync),
      collect: rounds(this.#collector),
      scrub: rounds(this.#scrubber),
    };
  }

  /** Begins the work in the background. The peers must be there. */
  start(): void {
    this.#rounds.sync.start(syncPauses.settleMs);
    this.#rounds.collect.start(collectEveryMs);
    this.#rounds.scrub.start(scrubAfterMs);
  }

  /** Ends the work in the background. */
  stop(): void {
    for (const rounds of Object.values(this.#rounds)) rounds.stop();
  }

  /** What another node asks. */
  answer(question: Uint8Array): AsyncIterable<Uint8Array> {
    return this.#answers.to(question);
  }

  /**
   * What node `node` still lacks of all that messages refer to; null when it cannot say. 0 is what a node must have before it is
   * made a voter: a majority of voters may then lose the others' disks.
   */
  async missingAt(node: number): Promise<Completeness> {
    if (node === this.#self) return this.#sync.completeness();
    try {
      return decodeCompleteness(await this.#questions.askOne(node, { kind: 'complete' }));
    } catch {
      return null;
    }
  }

  /**
   * Whether the node lacked nothing a moment ago; null while that is being asked. For a leader that looks again and again whether a
   * learner may become a voter.
   */
  hasEverything(node: number): boolean | null {
    return this.#readiness.hasEverything(node);
  }

  /** For whoever reads what an earlier state referred to: until the returned function is called, nothing is removed here. */
  hold(): () => void {
    return this.#collector.hold();
  }

  /** Removes what is unreferenced, now and not at its time. */
  async collect(): Promise<void> {
    await this.#collector.round();
  }

  status(): FilesStatus {
    return {
      chunks: this.#store.count,
      missing: this.#sync.missing,
      gone: this.#sync.gone,
      damaged: this.#damaged,
      fetched: this.#fetched,
      collected: this.#collector.collected,
      scrubbed: this.#scrubber.checked,
    };
  }

  /** The store dropped a chunk. */
  lost(): void {
    this.#damaged += 1;
    this.#sync.lost();
    this.#rounds.sync.wake();
  }
}

const afterFailureMs = 10_000;

function failed(logger: Logger, error: unknown): number {
  const cause = error instanceof Error ? error.message : String(error);
  logger.error({ cause }, 'background work on files failed');
  return afterFailureMs;
}
