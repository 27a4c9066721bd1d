/**
 * The disk of one simulated machine. It outlives the processes that use it, tells what was written from what was synced, takes its
 * time, and fails as it is told to. `Disk` is what one process sees of it: with the process, what it waits for is gone.
 */
import type { Disk, DiskFile, DiskSpace, WriteMode } from '../../src/base/disk.ts';
import type { Random } from '../../src/base/prng.ts';
import type { Host } from './host.ts';
import { Inode } from './inode.ts';
import type { LevelFiles } from './level-files.ts';

export type DiskOperation = 'read' | 'write' | 'sync' | 'names';

/** What a disk is told to do wrong, changed while it runs. */
export interface DiskFaults {
  /** Least time of a write or sync, and the most that chance adds. */
  slowMs: { least: number; spread: number };
  /** So many of the next writes or syncs fail (EIO). */
  failing: number;
  /** Bytes left; writes beyond fail (ENOSPC). */
  freeBytes: number;
}

/** Names of one directory: as seen, and as they would be found after a loss of power. */
interface Names {
  readonly live: Map<string, Inode>;
  durable: Map<string, Inode>;
}

export class MachineDisk {
  readonly faults: DiskFaults = {
    slowMs: { least: 0.2, spread: 1 },
    failing: 0,
    freeBytes: Number.POSITIVE_INFINITY,
  };
  /** Databases by directory: `level` opens its files itself. */
  readonly levels = new Map<string, LevelFiles>();
  readonly #random: Random;
  #directories = new Map<string, Names>([['', { live: new Map(), durable: new Map() }]]);
  /** Of a write or sync that failed. */
  onFailure: (reason: 'EIO' | 'ENOSPC') => void = () => undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  /** As the process of `host` sees it. */
  attach(host: Host): Disk {
    return new AttachedDisk(this, host);
  }

  delayOf(operation: DiskOperation): number {
    const { least, spread } = this.faults.slowMs;
    if (operation === 'read' || operation === 'names') return 0.05;
    return least + this.#random.fraction() * spread;
  }

  /** Throws when this write or sync is one that fails. `bytes`: what it adds to the disk. */
  check(bytes: number): void {
    if (this.faults.failing > 0) {
      this.faults.failing--;
      this.onFailure('EIO');
      throw new Error('EIO: i/o error, write');
    }
    if (bytes > this.faults.freeBytes) {
      this.onFailure('ENOSPC');
      throw new Error('ENOSPC: no space left on device, write');
    }
    this.faults.freeBytes -= bytes;
  }

  syncFailed(inode: Inode, upTo: number): void {
    inode.syncFailed(upTo, this.#random);
  }

  /** Nobody uses it any more, and what was not synced is there or not, by chance. */
  losePower(): void {
    const seen = new Set<Inode>();
    for (const names of this.#directories.values()) {
      for (const inode of [...names.live.values(), ...names.durable.values()]) seen.add(inode);
      this.#loseNames(names);
    }
    for (const inode of seen) inode.losePower(this.#random);
    for (const level of this.levels.values()) level.losePower(this.#random);
  }

  /** The process is gone, the machine is not: what the platform has taken is kept. */
  loseProcess(): void {
    for (const level of this.levels.values()) level.losePower(this.#random);
  }

  get unsyncedBytes(): number {
    let bytes = 0;
    for (const { live } of this.#directories.values()) {
      for (const inode of live.values()) bytes += inode.unsyncedBytes;
    }
    return bytes;
  }

  /** Paths of all files, sorted. */
  files(): readonly string[] {
    const paths: string[] = [];
    for (const [directory, { live }] of this.#directories) {
      for (const name of live.keys()) paths.push(directory === '' ? name : `${directory}/${name}`);
    }
    return paths.sort();
  }

  inode(path: string): Inode | undefined {
    return this.#directories.get(parentOf(path))?.live.get(nameOf(path));
  }

  list(directory: string): readonly string[] {
    const own = this.#directories.get(clean(directory));
    const below = [...this.#directories.keys()].filter(
      (path) => path !== '' && parentOf(path) === clean(directory),
    );
    return [...(own?.live.keys() ?? []), ...below.map(nameOf)].sort();
  }

  openFile(path: string): Inode {
    const { live } = this.#names(path);
    const inode = live.get(nameOf(path)) ?? new Inode();
    live.set(nameOf(path), inode);
    return inode;
  }

  replace(path: string, content: Uint8Array): void {
    const { live, durable } = this.#names(path);
    const inode = Inode.of(content);
    live.set(nameOf(path), inode);
    durable.set(nameOf(path), inode);
  }

  remove(path: string): void {
    this.levels.delete(clean(path));
    this.#directories.delete(clean(path));
    this.#directories.get(parentOf(path))?.live.delete(nameOf(path));
  }

  makeDirectory(path: string): void {
    if (!this.#directories.has(clean(path)))
      this.#directories.set(clean(path), { live: new Map(), durable: new Map() });
  }

  syncDirectory(path: string): void {
    const names = this.#directories.get(clean(path));
    if (names !== undefined) names.durable = new Map(names.live);
  }

  #names(path: string): Names {
    const names = this.#directories.get(parentOf(path));
    if (names === undefined) throw new Error(`ENOENT: there is no directory ${parentOf(path)}`);
    return names;
  }

  /** Each creation, renaming or removal that was not synced has happened or not. */
  #loseNames(names: Names): void {
    const { live, durable } = names;
    for (const name of [...new Set([...live.keys(), ...durable.keys()])].sort()) {
      const [now, then] = [live.get(name), durable.get(name)];
      if (now === then) continue;
      const kept = this.#random.below(2) === 0 ? now : then;
      if (kept === undefined) live.delete(name);
      else live.set(name, kept);
    }
    names.durable = new Map(live);
  }
}

const TOTAL_BYTES = 1e12;

class AttachedDisk implements Disk {
  readonly #disk: MachineDisk;
  readonly #host: Host;

  constructor(disk: MachineDisk, host: Host) {
    this.#disk = disk;
    this.#host = host;
  }

  list(directory: string): Promise<readonly string[]> {
    return this.#later('names', () => this.#disk.list(directory));
  }

  read(path: string): Promise<Uint8Array | null> {
    return this.#later('read', () => this.#disk.inode(path)?.content ?? null);
  }

  replace(path: string, content: Uint8Array): Promise<void> {
    const copy = content.slice();
    return this.#later('sync', () => {
      this.#disk.check(copy.length);
      this.#disk.replace(path, copy);
    });
  }

  remove(path: string): Promise<void> {
    return this.#later('names', () => this.#disk.remove(path));
  }

  space(): Promise<DiskSpace> {
    return this.#later('names', () => {
      const freeBytes = Math.min(TOTAL_BYTES, this.#disk.faults.freeBytes);
      return { freeBytes, totalBytes: TOTAL_BYTES };
    });
  }

  makeDirectory(path: string): Promise<void> {
    return this.#later('names', () => this.#disk.makeDirectory(path));
  }

  syncDirectory(path: string): Promise<void> {
    return this.#later('sync', () => {
      this.#disk.check(0);
      this.#disk.syncDirectory(path);
    });
  }

  async open(path: string, mode: WriteMode = 'buffered'): Promise<DiskFile> {
    const inode = await this.#later('names', () => this.#disk.openFile(path));
    return {
      write: (bytes, offset) => this.#write(inode, bytes, offset, mode),
      sync: () => this.#sync(inode, mode),
      truncate: (size) => this.#later('names', () => inode.truncate(size)),
      close: async () => undefined,
    };
  }

  /** What is in flight at a crash is torn: it is written at once, and durable only when its time has come. */
  async #write(inode: Inode, bytes: Uint8Array, offset: number, mode: WriteMode): Promise<void> {
    const grown = Math.max(0, offset + bytes.length - inode.size);
    this.#host.world.note(bytes.length);
    this.#disk.check(grown);
    inode.write(bytes, offset);
    if (mode === 'through') await this.#durable(inode);
  }

  async #sync(inode: Inode, mode: WriteMode): Promise<void> {
    if (mode === 'buffered' || inode.dirty) await this.#durable(inode);
  }

  #durable(inode: Inode): Promise<void> {
    const upTo = inode.changes;
    return this.#later('sync', () => {
      try {
        this.#disk.check(0);
      } catch (error) {
        this.#disk.syncFailed(inode, upTo);
        throw error;
      }
      inode.sync(upTo);
    });
  }

  #later<Value>(operation: DiskOperation, action: () => Value): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.#host.world.after(this.#disk.delayOf(operation), 'disk', this.#host, () => {
        try {
          resolve(action());
        } catch (error) {
          reject(error);
        }
      });
    });
  }
}

function clean(path: string): string {
  return path === '.' ? '' : path;
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
