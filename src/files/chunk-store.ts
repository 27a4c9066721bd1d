/**
 * Chunks on one node's disk: `files/<two digits>/<address>`, the content and nothing else. The name is the checksum, so what is
 * read is what was stored, or it is not handed out at all. Which chunks are held is known in memory; the data directory has
 * one process, so no lock is needed beyond "one change of an address at a time".
 */
import { codedDisk } from '../base/coded-disk.ts';
import type { Disk } from '../base/disk.ts';
import { CodedError } from '../base/errors.ts';
import { type ChunkAddress, isAddress, manifestBytes } from '../protocol/manifest.ts';
import { addressOf } from './digest.ts';
import { Slots } from './slots.ts';

const root = 'files';
/** Each write is a sync that the log's own syncs wait for on the same disk: side by side they would come no faster. */
const writesAtOnce = 1;
/** All that uploads, peers and readers may have under way, and some. */
const writesWaiting = 256;

export interface ChunkStoreOptions {
  readonly disk: Disk;
  /** Whether another chunk may be written. */
  readonly hasRoom: () => Promise<boolean>;
  /** A held chunk was found damaged or missing, and is held no more. */
  readonly onLost: (address: ChunkAddress) => void;
}

/** Null when something else stood there, which is removed: the chunks that it replaced come again from other nodes. */
async function listed(disk: Disk, directory: string): Promise<readonly string[] | null> {
  try {
    return await codedDisk(disk).list(directory);
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== 'DATA_DAMAGED') throw error;
    await disk.remove(directory);
    return null;
  }
}

export class ChunkStore {
  readonly #options: ChunkStoreOptions;
  readonly #held: Set<ChunkAddress>;
  readonly #directories: Set<string>;
  readonly #writes = new Slots(writesAtOnce, writesWaiting);
  /** The last change of each address that is not finished yet. */
  readonly #changing = new Map<ChunkAddress, Promise<void>>();

  private constructor(options: ChunkStoreOptions, held: Set<ChunkAddress>, directories: Set<string>) {
    this.#options = options;
    this.#held = held;
    this.#directories = directories;
  }

  /** Lists what is there; what an interrupted write left behind goes. Contents are checked when they are read. */
  static async open(options: ChunkStoreOptions): Promise<ChunkStore> {
    const { disk } = options;
    const held = new Set<ChunkAddress>();
    const directories = new Set<string>();
    for (const directory of (await listed(disk, root)) ?? []) {
      const names = await listed(disk, `${root}/${directory}`);
      if (names === null) continue;
      directories.add(directory);
      for (const name of names) {
        if (isAddress(name) && name.startsWith(directory)) held.add(name);
        else await disk.remove(`${root}/${directory}/${name}`);
      }
    }
    return new ChunkStore(options, held, directories);
  }

  get count(): number {
    return this.#held.size;
  }

  has(address: ChunkAddress): boolean {
    return this.#held.has(address);
  }

  /** As they are when asked for; a copy. */
  addresses(): readonly ChunkAddress[] {
    return [...this.#held];
  }

  /**
   * Durable once resolved; a chunk that is held is not written again. Rejects BAD_REQUEST when the content has another address, LOW_SPACE when
   * there is no room.
   */
  put(address: ChunkAddress, content: Uint8Array): Promise<void> {
    if (content.length > manifestBytes || addressOf(content) !== address) {
      return Promise.reject(new CodedError('BAD_REQUEST', 'The content does not have this SHA-256.'));
    }
    return this.#change(address, async () => {
      if (this.#held.has(address)) return;
      if (!(await this.#options.hasRoom())) throw new CodedError('LOW_SPACE');
      const directory = directoryOf(address);
      if (!this.#directories.has(directory)) {
        await this.#options.disk.makeDirectory(`${root}/${directory}`);
        this.#directories.add(directory);
      }
      await this.#writes.run(() => this.#options.disk.replace(pathOf(address), content).catch(asLackOfSpace));
      this.#held.add(address);
    });
  }

  /** Null when it is not held. One that turns out to be damaged is dropped, since a good copy is to take its place. */
  async read(address: ChunkAddress): Promise<Uint8Array | null> {
    if (!this.#held.has(address)) return null;
    const content = await this.#options.disk.read(pathOf(address)).catch(unreadableAsAbsent);
    if (content !== null && addressOf(content) === address) return content;
    // Removed, or replaced by a good copy, while it was read: nothing was lost.
    if (!this.#held.has(address)) return null;
    await this.remove(address);
    this.#options.onLost(address);
    return null;
  }

  /** Not held from this moment on, even while the file still goes. */
  remove(address: ChunkAddress): Promise<void> {
    this.#held.delete(address);
    return this.#change(address, async () => {
      // A write that was under way when the removal was asked for has finished since.
      this.#held.delete(address);
      await this.#options.disk.remove(pathOf(address));
    });
  }

  async #change(address: ChunkAddress, change: () => Promise<void>): Promise<void> {
    const before = this.#changing.get(address) ?? Promise.resolve();
    // What became of the change before is its own caller's matter.
    const running = before.catch(() => undefined).then(change);
    this.#changing.set(address, running);
    try {
      await running;
    } finally {
      if (this.#changing.get(address) === running) this.#changing.delete(address);
    }
  }
}

/** A sector that cannot be read is damage like any other: it is written anew, elsewhere on the disk. */
function unreadableAsAbsent(error: unknown): null {
  if (error instanceof Error && 'code' in error && error.code === 'EIO') return null;
  throw error;
}

/** The disk filled up between the look and the write, or was fuller than it said. */
function asLackOfSpace(error: unknown): never {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === 'ENOSPC' || code === 'EDQUOT') throw new CodedError('LOW_SPACE', undefined, { cause: error });
  throw error;
}

function directoryOf(address: ChunkAddress): string {
  return address.slice(0, 2);
}

function pathOf(address: ChunkAddress): string {
  return `${root}/${directoryOf(address)}/${address}`;
}
