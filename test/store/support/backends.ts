import { rm } from 'node:fs/promises';
import { MemoryLevel } from 'memory-level';
import type { Test } from 'tap';
import type { Changes, StreamAppend } from '../../../src/base/changes.ts';
import type { Disk } from '../../../src/base/disk.ts';
import { type Database, openLevelOnDisk } from '../../../src/store/database.ts';
import { openState } from '../../../src/store/state.ts';
import type { AppliedMark, StateStore } from '../../../src/store/state-store.ts';
import { nodeDisk } from '../../../src/wal/node-disk.ts';
import { MemoryDisk } from '../../support/memory-disk.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';

/** One data directory, which may be opened again and again, and looked into and damaged while it is closed. */
export interface Backend {
  readonly disk: Disk;
  readonly clock: VirtualClock;
  open(): Promise<StateStore>;
  /** The database of a state directory, opened without the store. */
  raw(directory: string): Promise<Database>;
  /** Called with every database that a store opens, before it is opened. */
  onOpen: (database: Database) => void;
}

export interface BackendKind {
  readonly name: string;
  make(t: Test): Backend;
}

let directories = 0;

export const levelOnDisk: BackendKind = {
  name: 'level',
  make(t) {
    const root = `${t.testdirName}-${directories++}`;
    t.teardown(() => rm(root, { recursive: true, force: true }));
    const disk = nodeDisk(root);
    const clock = new VirtualClock();
    const backend: Backend = {
      disk,
      clock,
      onOpen: () => undefined,
      open: () => {
        const openLevel = (path: string): Database => {
          const database = openLevelOnDisk(path);
          backend.onOpen(database);
          return database;
        };
        return openState({ root, disk, clock, openLevel });
      },
      async raw(directory) {
        // As after a kill: what is done to the database then is for its own checks to find.
        await disk.remove(`${directory}/SEAL`);
        const database = openLevelOnDisk(`${root}/${directory}`);
        await database.open();
        return database;
      },
    };
    return backend;
  },
};

/** Databases in memory survive their closing, and go with their directory. */
export const memoryLevel: BackendKind = {
  name: 'memory-level',
  make() {
    const databases = new Map<string, Database>();
    const disk = new MemoryDisk();
    const clock = new VirtualClock();
    const databaseOf = (directory: string): Database => {
      const known = databases.get(directory);
      if (known !== undefined) return known;
      const made: Database = new MemoryLevel<string, Buffer>({
        keyEncoding: 'utf8',
        valueEncoding: 'buffer',
      });
      databases.set(directory, made);
      disk.plant(`${directory}/database`, new Uint8Array(0));
      return made;
    };
    disk.before = ({ kind, path }) => {
      if (kind === 'remove') databases.delete(path);
    };
    const backend: Backend = {
      disk,
      clock,
      onOpen: () => undefined,
      open: () => {
        const openLevel = (path: string): Database => {
          const database = databaseOf(path.slice('memory/'.length));
          backend.onOpen(database);
          return database;
        };
        return openState({ root: 'memory', disk, clock, openLevel });
      },
      async raw(directory) {
        const database = databaseOf(directory);
        await database.open();
        return database;
      },
    };
    return backend;
  },
};

const text = new TextEncoder();

export function mark(index: number, term = 1): AppliedMark {
  return {
    index,
    term,
    wallMs: 1_700_000_000_000 + index / 2,
    clusterMs: index * 10,
    engine: text.encode(`members ${index}`),
  };
}

/** Changes from plain words: rows (null deletes), records as `[stream, sequence, text]`, streams to drop, and to trim. */
export function changes(
  rows: Readonly<Record<string, string | null>>,
  records: readonly (readonly [stream: string, sequence: number, text: string])[] = [],
  dropStreams: readonly string[] = [],
  trims: Changes['trims'] = [],
): Changes {
  const puts = new Map<string, Uint8Array>();
  const deletes = new Set<string>();
  for (const [key, value] of Object.entries(rows)) {
    if (value === null) deletes.add(key);
    else puts.set(key, text.encode(value));
  }
  const appends: StreamAppend[] = records.map(([stream, sequence, record]) => ({
    stream,
    sequence,
    record: text.encode(record),
  }));
  return { puts, deletes, appends, dropStreams, trims };
}

export async function rowsOf(store: StateStore): Promise<readonly string[]> {
  const rows: string[] = [];
  for await (const [key, value] of store.rows()) rows.push(`${key}=${new TextDecoder().decode(value)}`);
  return rows;
}

export async function streamOf(
  store: StateStore,
  stream: string,
  range: { from?: number; to?: number; limit?: number; fromEnd?: boolean } = {},
): Promise<readonly string[]> {
  const whole = { from: 1, to: Number.MAX_SAFE_INTEGER, limit: 100_000 };
  const records = await store.readStream(stream, { ...whole, ...range });
  return records.map(({ sequence, record }) => `${sequence}:${new TextDecoder().decode(record)}`);
}

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await settle();
}
