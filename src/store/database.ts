import type { AbstractLevel, AbstractSnapshot } from 'abstract-level';
import { Level } from 'level';
import { CodedError } from '../base/errors.ts';
import { MIB } from '../base/limits.ts';
import { StateDamage } from './damage.ts';

export type Operation =
  | { readonly type: 'put'; readonly key: string; readonly value: Buffer }
  | { readonly type: 'del'; readonly key: string };

/** A database of the `level` family, with text keys and binary values; `memory-level` in tests. */
export type Database = AbstractLevel<string | Buffer | Uint8Array, string, Buffer>;

export type Snapshot = AbstractSnapshot;

export interface Scan {
  readonly gte: string;
  readonly lt?: string;
  readonly lte?: string;
  readonly reverse?: boolean;
  readonly limit?: number;
  readonly snapshot?: Snapshot;
}

/** Makes a database that is not open yet. */
export type OpenLevel = (path: string) => Database;

const WRITE_BUFFER_BYTES = 8 * MIB;

export const openLevelOnDisk: OpenLevel = (path) =>
  new Level<string, Buffer>(path, {
    keyEncoding: 'utf8',
    valueEncoding: 'buffer',
    createIfMissing: false,
    writeBufferSize: WRITE_BUFFER_BYTES,
  });

/** Nothing is wrong with the files then. */
const RESOURCES = /no space|too many open files|permission denied|read-only/i;

/** Rejects with DATA_LOCKED, DISK_FAILED, or `StateDamage`. */
export async function openDatabase(openLevel: OpenLevel, path: string, create: boolean): Promise<Database> {
  const database = openLevel(path);
  try {
    await database.open({ createIfMissing: create });
  } catch (error) {
    throw openError(path, error);
  }
  return database;
}

function openError(path: string, error: unknown): CodedError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const text = cause instanceof Error ? cause.message : String(cause);
  if (codeOf(cause) === 'LEVEL_LOCKED') {
    return new CodedError('DATA_LOCKED', `Another process uses ${path}.`, { cause });
  }
  if (RESOURCES.test(text)) {
    return new CodedError('DISK_FAILED', `The state cannot be opened: ${text}`, { cause });
  }
  return new StateDamage('database', `The state in ${path} cannot be opened: ${text}.`, {
    cause,
  });
}

/** What failed while an open database was read. `level` meets damage to its own files as an error of its own. */
export function readError(error: unknown): CodedError {
  if (error instanceof CodedError) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (codeOf(error)?.endsWith('_NOT_OPEN') === true) {
    return new CodedError('UNAVAILABLE', 'The state is closed.', { cause: error });
  }
  if (RESOURCES.test(text)) {
    return new CodedError('DISK_FAILED', `The state cannot be read: ${text}`, { cause: error });
  }
  return new StateDamage('database', `The state cannot be read: ${text}.`, { cause: error });
}

/** Of a write: `level` reads its own files when it merges them, and then finds what is wrong with them. */
export function isCorruption(error: unknown): boolean {
  return error instanceof Error && /^corruption|checksum mismatch|bad block/i.test(error.message);
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}

/** Entries of a range in pages, so that many rows cost few calls into `level`. */
export async function* scan(
  database: Database,
  options: Scan,
  pageEntries = 256,
): AsyncGenerator<readonly [key: string, value: Buffer], void, undefined> {
  const iterator = database.iterator<string, Buffer>(options);
  try {
    for (;;) {
      const page = await iterator.nextv(pageEntries);
      if (page.length === 0) return;
      yield* page;
    }
  } finally {
    await iterator.close();
  }
}

/** See the README for why every batch is synced. (`memory-level` has nothing to sync.) */
const durably = { sync: true };

/** All or nothing, and durable. A chained batch costs a third of an array of operations, which are copied one by one. */
export async function writeBatch(database: Database, operations: readonly Operation[]): Promise<void> {
  const batch = database.batch();
  for (const operation of operations) {
    if (operation.type === 'put') batch.put(operation.key, operation.value);
    else batch.del(operation.key);
  }
  await batch.write(durably);
}
