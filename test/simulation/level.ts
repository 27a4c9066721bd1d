/** A database of the `level` family on a simulated disk: batches take their time, are whole or absent after a crash, and can fail. */
import { AbstractIterator, AbstractLevel, AbstractSnapshot } from 'abstract-level';
import type { Database, OpenLevel, Operation } from '../../src/store/database.ts';
import type { MachineDisk } from './disk.ts';
import type { Host } from './host.ts';
import { type LevelContent, LevelFiles, position } from './level-files.ts';

interface RangeOptions {
  readonly gt?: string;
  readonly gte?: string;
  readonly lt?: string;
  readonly lte?: string;
  readonly reverse: boolean;
  readonly limit: number;
  readonly snapshot?: AbstractSnapshot;
}

/** What each open snapshot shows. */
const shown = new WeakMap<AbstractSnapshot, LevelContent>();

class LevelIterator extends AbstractIterator<SimulatedLevel, string, Buffer> {
  readonly #content: LevelContent;
  readonly #step: number;
  #at: number;
  readonly #end: number;

  constructor(database: SimulatedLevel, options: RangeOptions, content: LevelContent) {
    super(database, options);
    this.#content = content;
    const [first, end] = bounds(content.keys, options);
    this.#step = options.reverse ? -1 : 1;
    this.#at = options.reverse ? end - 1 : first;
    this.#end = options.reverse ? first - 1 : end;
  }

  async _next(): Promise<[string, Buffer] | undefined> {
    return this.#take(1)[0];
  }

  async _nextv(size: number): Promise<[string, Buffer][]> {
    return this.#take(size);
  }

  #take(size: number): [string, Buffer][] {
    const entries: [string, Buffer][] = [];
    for (; entries.length < size && (this.#end - this.#at) * this.#step > 0; this.#at += this.#step) {
      const key = this.#content.keys[this.#at];
      const value = this.#content.values[this.#at];
      if (key !== undefined && value !== undefined) entries.push([key, value]);
    }
    return entries;
  }
}

function bounds(keys: readonly string[], { gt, gte, lt, lte }: RangeOptions): [first: number, end: number] {
  const after = (key: string): number => {
    const at = position(keys, key);
    return keys[at] === key ? at + 1 : at;
  };
  let first = 0;
  if (gte !== undefined) first = position(keys, gte);
  else if (gt !== undefined) first = after(gt);
  let end = keys.length;
  if (lt !== undefined) end = position(keys, lt);
  else if (lte !== undefined) end = after(lte);
  return [first, Math.max(first, end)];
}

class SimulatedLevel extends AbstractLevel<string | Buffer | Uint8Array, string, Buffer> {
  readonly #disk: MachineDisk;
  readonly #host: Host;
  readonly #directory: string;
  #files = new LevelFiles();

  constructor(disk: MachineDisk, host: Host, directory: string) {
    const encodings = { utf8: true, buffer: true };
    const manifest = { seek: false, explicitSnapshots: true, createIfMissing: true, encodings };
    super(manifest, { keyEncoding: 'utf8', valueEncoding: 'buffer' });
    this.#disk = disk;
    this.#host = host;
    this.#directory = directory;
  }

  async _open({ createIfMissing }: { readonly createIfMissing: boolean }): Promise<void> {
    await this.#wait('read');
    const known = this.#disk.levels.get(this.#directory);
    if (known === undefined && !createIfMissing)
      throw new Error('does not exist (create_if_missing is false)');
    this.#files = known ?? new LevelFiles();
    if (this.#files.locked) throw Object.assign(new Error('lock: already held'), { code: 'LEVEL_LOCKED' });
    this.#files.locked = true;
    this.#disk.levels.set(this.#directory, this.#files);
    this.#disk.makeDirectory(this.#directory);
  }

  async _close(): Promise<void> {
    this.#files.locked = false;
  }

  async _get(
    key: string,
    { snapshot }: { readonly snapshot?: AbstractSnapshot },
  ): Promise<Buffer | undefined> {
    const { keys, values } = this.#seen(snapshot);
    const at = position(keys, key);
    return keys[at] === key ? values[at] : undefined;
  }

  async _batch(operations: readonly Operation[]): Promise<void> {
    const bytes = operations.reduce(
      (sum, one) => sum + one.key.length + (one.type === 'put' ? one.value.length : 0),
      0,
    );
    const files = this.#files;
    this.#host.world.note(bytes);
    files.begin(operations);
    await this.#wait('sync');
    try {
      this.#disk.check(bytes);
    } catch (error) {
      files.drop(operations);
      throw error;
    }
    files.end(operations);
  }

  _iterator(options: RangeOptions): LevelIterator {
    return new LevelIterator(this, options, this.#seen(options.snapshot));
  }

  _snapshot(options: object): AbstractSnapshot {
    // Its constructor takes the options, which its types leave out.
    const snapshot: AbstractSnapshot = Reflect.construct(AbstractSnapshot, [options]);
    shown.set(snapshot, this.#files.content);
    return snapshot;
  }

  #seen(snapshot: AbstractSnapshot | undefined): LevelContent {
    return (snapshot === undefined ? undefined : shown.get(snapshot)) ?? this.#files.content;
  }

  #wait(operation: 'read' | 'sync'): Promise<void> {
    return new Promise((resolve) => {
      this.#host.world.after(this.#disk.delayOf(operation), 'disk', this.#host, resolve);
    });
  }
}

/** Databases of one process; `root` is what the store puts before the directory. */
export function levelsOn(disk: MachineDisk, host: Host, root: string): OpenLevel {
  return (path): Database => new SimulatedLevel(disk, host, path.slice(root.length + 1));
}
