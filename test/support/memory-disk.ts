import type { Disk, DiskFile, DiskSpace, WriteMode } from '../../src/base/disk.ts';
import type { Random } from '../../src/base/prng.ts';

/**
 * A disk in memory that knows what was written from what was synced. A crash keeps what was synced, and of the rest what the
 * plan says: as a real one does, it may keep later sectors without earlier ones, and a file without its name or a name
 * without its removal.
 */
export interface DiskOperation {
  readonly kind:
    | 'read'
    | 'list'
    | 'write'
    | 'sync'
    | 'truncate'
    | 'open'
    | 'remove'
    | 'replace'
    | 'make'
    | 'sync-directory';
  readonly path: string;
  /** Of a write. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export type CrashPlan =
  /** Nothing that was not synced. */
  | { readonly kind: 'synced-only' }
  /** All changes of directories, and the first `bytes` bytes of unsynced writes, in the order of writing. */
  | { readonly kind: 'first-bytes'; readonly bytes: number }
  /** Each unsynced sector and each unsynced change of a directory, or not, by chance. */
  | { readonly kind: 'random'; readonly random: Random };

type Change =
  | { readonly kind: 'write'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly size: number };

const SECTOR_BYTES = 64;

class Inode {
  content: Uint8Array = new Uint8Array(0);
  durable: Uint8Array = new Uint8Array(0);
  pending: Change[] = [];

  change(change: Change): void {
    this.content = applied(this.content, change);
    this.pending.push(change);
  }

  sync(): void {
    for (const change of this.pending) this.durable = applied(this.durable, change);
    this.pending = [];
  }
}

/** Names of one directory. */
interface Names {
  live: Map<string, Inode>;
  durable: Map<string, Inode>;
}

export class MemoryDisk implements Disk {
  /** Called before every operation takes effect; throws or rejects to make it fail, waits to hold it up. */
  before: ((operation: DiskOperation) => void | Promise<void>) | null = null;
  /** What it says of itself; writes fail only where a test makes them. */
  room: DiskSpace = { freeBytes: 1e12, totalBytes: 1e12 };
  readonly #directories = new Map<string, Names>([['', { live: new Map(), durable: new Map() }]]);
  readonly #honoursThrough: boolean;
  #crashed = false;

  /** A disk may take the mode `through` for what it is, a hint, and leave everything to `sync`. */
  constructor({ honoursThrough = true }: { readonly honoursThrough?: boolean } = {}) {
    this.#honoursThrough = honoursThrough;
  }

  async list(directory: string): Promise<readonly string[]> {
    await this.#begin('list', directory);
    const names = [...(this.#directories.get(clean(directory))?.live.keys() ?? [])];
    const below = [...this.#directories.keys()].filter(
      (path) => path !== '' && parentOf(path) === clean(directory),
    );
    return [...names, ...below.map(nameOf)].sort();
  }

  async read(path: string): Promise<Uint8Array | null> {
    await this.#begin('read', path);
    return this.#find(path)?.content.slice() ?? null;
  }

  async replace(path: string, content: Uint8Array): Promise<void> {
    await this.#begin('replace', path);
    const inode = new Inode();
    inode.content = content.slice();
    inode.durable = content.slice();
    const names = this.#names(path);
    names.live.set(nameOf(path), inode);
    names.durable.set(nameOf(path), inode);
  }

  async remove(path: string): Promise<void> {
    await this.#begin('remove', path);
    this.#directories.delete(clean(path));
    this.#directories.get(parentOf(path))?.live.delete(nameOf(path));
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#begin('make', path);
    if (!this.#directories.has(clean(path)))
      this.#directories.set(clean(path), { live: new Map(), durable: new Map() });
  }

  async space(): Promise<DiskSpace> {
    this.#check();
    return this.room;
  }

  async syncDirectory(directory: string): Promise<void> {
    await this.#begin('sync-directory', directory);
    const names = this.#directories.get(clean(directory));
    if (names !== undefined) names.durable = new Map(names.live);
  }

  async open(path: string, wanted: WriteMode = 'buffered'): Promise<DiskFile> {
    const mode = this.#honoursThrough ? wanted : 'buffered';
    await this.#begin('open', path);
    const names = this.#names(path);
    const inode = names.live.get(nameOf(path)) ?? new Inode();
    names.live.set(nameOf(path), inode);
    const sync = async (): Promise<void> => {
      try {
        await this.#begin('sync', path);
      } catch (error) {
        // What a failed sync leaves is taken for clean by the platform: a later sync does not write it.
        inode.pending = [];
        throw error;
      }
      inode.sync();
    };
    return {
      write: async (bytes, offset) => {
        const copy = bytes.slice();
        await this.#begin('write', path, offset, copy);
        inode.change({ kind: 'write', offset, bytes: copy });
        if (mode === 'through') await sync();
      },
      sync: async () => {
        if (mode === 'buffered' || inode.pending.length > 0) await sync();
      },
      truncate: async (size) => {
        await this.#begin('truncate', path);
        inode.change({ kind: 'truncate', size });
      },
      close: async () => {
        this.#check();
      },
    };
  }

  /** Bytes that a crash may lose. */
  get unsyncedBytes(): number {
    let bytes = 0;
    for (const inode of this.#inodes()) {
      for (const change of inode.pending) if (change.kind === 'write') bytes += change.bytes.length;
    }
    return bytes;
  }

  /** The disk that the machine finds after a crash now; this one does nothing any more. */
  crash(plan: CrashPlan): MemoryDisk {
    this.#crashed = true;
    return this.image(plan);
  }

  /** What a crash now would leave, without the crash. */
  image(plan: CrashPlan): MemoryDisk {
    const after = new MemoryDisk({ honoursThrough: this.#honoursThrough });
    const images = new Map<Inode, Inode>();
    const budget = { bytes: plan.kind === 'first-bytes' ? plan.bytes : 0 };
    for (const inode of this.#inodes()) images.set(inode, survivor(inode, plan, budget));
    for (const [path, { live, durable }] of this.#directories) {
      const names = new Map<string, Inode>();
      for (const name of new Set([...live.keys(), ...durable.keys()])) {
        const found = keepsLive(plan) ? live.get(name) : durable.get(name);
        const image = found === undefined ? undefined : images.get(found);
        if (image !== undefined) names.set(name, image);
      }
      after.#directories.set(path, { live: names, durable: new Map(names) });
    }
    return after;
  }

  /** For tests that damage files: paths of all files. */
  files(): readonly string[] {
    const paths: string[] = [];
    for (const [directory, { live }] of this.#directories) {
      for (const name of live.keys()) paths.push(directory === '' ? name : `${directory}/${name}`);
    }
    return paths.sort();
  }

  contentOf(path: string): Uint8Array {
    const inode = this.#find(path);
    if (inode === undefined) throw new Error(`there is no file ${path}`);
    return inode.content.slice();
  }

  /** Puts content in place as if it had always been there; null removes the file. */
  plant(path: string, content: Uint8Array | null): void {
    this.#make(parentOf(path));
    const names = this.#names(path);
    if (content === null) {
      names.live.delete(nameOf(path));
      names.durable.delete(nameOf(path));
      return;
    }
    const inode = new Inode();
    inode.content = content.slice();
    inode.durable = content.slice();
    names.live.set(nameOf(path), inode);
    names.durable.set(nameOf(path), inode);
  }

  async #begin(
    kind: DiskOperation['kind'],
    path: string,
    offset = 0,
    bytes = new Uint8Array(0),
  ): Promise<void> {
    this.#check();
    await this.before?.({ kind, path: clean(path), offset, bytes });
    // Everything on a disk takes a while.
    await Promise.resolve();
    this.#check();
  }

  #check(): void {
    if (this.#crashed) throw new Error('the machine has crashed');
  }

  *#inodes(): Generator<Inode> {
    const seen = new Set<Inode>();
    for (const { live, durable } of this.#directories.values()) {
      for (const inode of [...live.values(), ...durable.values()]) {
        if (!seen.has(inode)) yield inode;
        seen.add(inode);
      }
    }
  }

  #make(directory: string): void {
    if (!this.#directories.has(directory))
      this.#directories.set(directory, { live: new Map(), durable: new Map() });
  }

  #names(path: string): Names {
    const names = this.#directories.get(parentOf(path));
    if (names === undefined) throw new Error(`there is no directory ${parentOf(path)}`);
    return names;
  }

  #find(path: string): Inode | undefined {
    return this.#directories.get(parentOf(path))?.live.get(nameOf(path));
  }
}

function survivor(inode: Inode, plan: CrashPlan, budget: { bytes: number }): Inode {
  const image = new Inode();
  image.durable = inode.durable.slice();
  for (const change of inode.pending) {
    for (const kept of keptParts(change, plan, budget)) image.durable = applied(image.durable, kept);
  }
  image.content = image.durable.slice();
  return image;
}

function keptParts(change: Change, plan: CrashPlan, budget: { bytes: number }): readonly Change[] {
  switch (plan.kind) {
    case 'synced-only':
      return [];
    case 'first-bytes': {
      if (change.kind === 'truncate') return [change];
      const kept = Math.min(change.bytes.length, budget.bytes);
      budget.bytes -= kept;
      return kept === 0 ? [] : [{ ...change, bytes: change.bytes.subarray(0, kept) }];
    }
    case 'random': {
      const parts = change.kind === 'write' ? sectors(change.offset, change.bytes) : [change];
      return parts.filter(() => plan.random.below(2) === 0);
    }
  }
}

function keepsLive(plan: CrashPlan): boolean {
  if (plan.kind === 'random') return plan.random.below(2) === 0;
  return plan.kind === 'first-bytes';
}

function sectors(offset: number, bytes: Uint8Array): readonly Change[] {
  const parts: Change[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + SECTOR_BYTES - ((offset + at) % SECTOR_BYTES));
    parts.push({ kind: 'write', offset: offset + at, bytes: bytes.subarray(at, end) });
    at = end;
  }
  return parts;
}

function applied(content: Uint8Array, change: Change): Uint8Array {
  if (change.kind === 'truncate') {
    const cut = new Uint8Array(change.size);
    cut.set(content.subarray(0, change.size));
    return cut;
  }
  const end = change.offset + change.bytes.length;
  // In place where it fits: a log writes often and grows rarely.
  const target = end <= content.length ? content : grown(content, end);
  target.set(change.bytes, change.offset);
  return target;
}

function grown(content: Uint8Array, size: number): Uint8Array {
  const larger = new Uint8Array(size);
  larger.set(content);
  return larger;
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
