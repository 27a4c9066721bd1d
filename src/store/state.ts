import { assert } from '../base/assert.ts';
import type { Changes } from '../base/changes.ts';
import type { Clock, Timer } from '../base/clock.ts';
import type { Disk } from '../base/disk.ts';
import { CodedError } from '../base/errors.ts';
import { MIB } from '../base/limits.ts';
import { makeBatch } from './batch.ts';
import { StateDamage } from './damage.ts';
import {
  type Database,
  isCorruption,
  type OpenLevel,
  openDatabase,
  openLevelOnDisk,
  readError,
  scan,
  writeBatch,
} from './database.ts';
import { digestText } from './digest.ts';
import { exportFrom } from './export.ts';
import { Generation } from './generation.ts';
import { noRows, readHead } from './head.ts';
import { Install } from './install.ts';
import { ROW_RANGE, withoutPrefix } from './keys.ts';
import { readThrough } from './overlay.ts';
import { Pending } from './pending.ts';
import {
  discardState,
  type Pointer,
  readPointer,
  removeOtherStates,
  stateDirectory,
  writePointer,
} from './pointer.ts';
import { checkRows, RowIndex } from './row-index.ts';
import { Scrub } from './scrub.ts';
import { breakSeal, writeSeal } from './state-seal.ts';
import type { AppliedMark, SnapshotInstall, StateStore, StateWatcher, StreamRecord } from './state-store.ts';
import { prepareTrims } from './stream-trim.ts';
import { dropStream } from './stream-writer.ts';
import { plain, unwrapValue, valueChecksum } from './value.ts';
import { verifyState } from './verify.ts';

/** Staged groups are written after this time, or as soon as a batch costs so much; more must not hold up the loop at once. */
const FLUSH_DELAY_MS = 150;
const BATCH_BYTES = 1 * MIB;
/** Copies that may be read at the same time; each one holds back the reclaiming of what it shows. */
const EXPORTS = 8;

export interface StateOptions {
  /** The data directory, absolute: `level` opens its files itself. */
  readonly root: string;
  /** The same directory. */
  readonly disk: Disk;
  readonly clock: Clock;
  readonly openLevel?: OpenLevel;
  /** Told of each batch that was written. */
  readonly onBatch?: (batch: { readonly durationMs: number; readonly bytes: number }) => void;
}

/**
 * Opens the state, creating it if absent, and checks it. Rejects with DATA_LOCKED, DISK_FAILED, or `StateDamage`
 * (DATA_DAMAGED); after the latter, `discardState` makes room for a state that is built anew.
 */
export async function openState(options: StateOptions): Promise<StateStore> {
  const { disk } = options;
  await disk.makeDirectory('.');
  let pointer: Pointer | null = await readPointer(disk);
  if (pointer === null) {
    pointer = { number: 1, made: false };
    await writePointer(disk, pointer);
  }
  const generation = await openGeneration(options, pointer);
  await removeOtherStates(disk, pointer.number);
  return new LevelState(options, generation);
}

async function openGeneration(options: StateOptions, { number, made }: Pointer): Promise<Generation> {
  const tables = await breakSeal(options.disk, stateDirectory(number));
  const database = await openNumbered(options, number, !made);
  try {
    const state = await verifyState(database);
    if (!made) {
      await options.disk.syncDirectory('.');
      await writePointer(options.disk, { number, made: true });
    }
    return new Generation(number, database, state, tables);
  } catch (error) {
    await database.close();
    throw readError(error);
  }
}

function openNumbered(options: StateOptions, number: number, create: boolean): Promise<Database> {
  const path = `${options.root}/${stateDirectory(number)}`;
  return openDatabase(options.openLevel ?? openLevelOnDisk, path, create);
}

class LevelState implements StateStore {
  readonly #options: StateOptions;
  readonly #disk: Disk;
  readonly #clock: Clock;
  #generation: Generation;
  #mark: AppliedMark | null;
  /** Oldest first. The first one is being written while `#writing`; only the last one may take another group. */
  #queue: readonly Pending[] = [];
  #writing: Promise<void> | null = null;
  #timer: Timer | null = null;
  #failure: CodedError | null = null;
  #closed = false;
  /** At most one at a time; true from before its directory is made. */
  #installing = false;
  #install: Install | null = null;
  #exports = 0;
  #replacing: Promise<void> = Promise.resolve();
  #watcher: StateWatcher | null = null;
  #scrub: Scrub | null = null;

  constructor(options: StateOptions, generation: Generation) {
    this.#options = options;
    this.#disk = options.disk;
    this.#clock = options.clock;
    this.#generation = generation;
    this.#mark = generation.head?.mark ?? null;
  }

  get mark(): AppliedMark | null {
    return this.#mark;
  }

  get syncedIndex(): number {
    return this.#generation.head?.mark.index ?? 0;
  }

  get pendingBytes(): number {
    return this.#queue.reduce((sum, pending) => sum + pending.bytes, 0);
  }

  stage(mark: AppliedMark, changes: Changes, checkpoint = false): void {
    this.#check();
    assert(mark.index > (this.#mark?.index ?? -1), 'groups are staged in log order');
    this.#mark = mark;
    let last = this.#queue.at(-1);
    if (last === undefined || last.closed || last.bytes >= BATCH_BYTES) {
      last = new Pending(mark);
      this.#queue = [...this.#queue, last];
    }
    last.add(mark, changes);
    last.checkpoint = checkpoint;
    if (checkpoint) last.closed = true;
    if (last.bytes >= BATCH_BYTES) this.#write();
    else this.#timer ??= this.#clock.after(FLUSH_DELAY_MS, () => this.#write());
  }

  /** Every batch is synced (see the README), so `sync` asks for nothing more. */
  async flush(_sync: boolean): Promise<void> {
    this.#check();
    const last = this.#queue.at(-1);
    if (last === undefined) return;
    const written = new Promise<void>((resolve, reject) => last.waiters.push({ resolve, reject }));
    this.#write();
    await written;
  }

  async *rows(): AsyncGenerator<readonly [key: string, value: Uint8Array], void, undefined> {
    await this.flush(false);
    const { database } = this.#generation;
    const release = this.#generation.hold();
    const snapshot = database.snapshot();
    const found = new RowIndex();
    try {
      for await (const [key, value] of scan(database, { ...ROW_RANGE, snapshot }, 1_000)) {
        const content = unwrapValue(key, value);
        found.put(withoutPrefix(key), valueChecksum(value));
        yield [withoutPrefix(key), plain(content)];
      }
      const head = await readHead(database, snapshot);
      checkRows(found.digest, head?.rows ?? noRows);
    } catch (error) {
      throw this.#noticed(error);
    } finally {
      await snapshot.close();
      release();
    }
  }

  async readStream(
    stream: string,
    range: { readonly from: number; readonly to: number; readonly limit: number; readonly fromEnd?: boolean },
  ): Promise<readonly StreamRecord[]> {
    this.#check();
    const release = this.#generation.hold();
    try {
      return await readThrough(this.#generation, this.#queue, stream, range);
    } catch (error) {
      throw this.#noticed(error);
    } finally {
      release();
    }
  }

  async exportSnapshot(): Promise<{
    readonly mark: AppliedMark;
    readonly chunks: AsyncIterable<Uint8Array>;
  }> {
    await this.flush(true);
    if (this.#exports >= EXPORTS)
      throw new CodedError('BUSY', 'Too many copies of the state are being read.');
    const generation = this.#generation;
    if (generation.head === null)
      throw new CodedError('UNAVAILABLE', 'The state is empty: there is nothing to copy.');
    const release = generation.hold();
    this.#exports++;
    const done = (): void => {
      this.#exports--;
      release();
    };
    return exportFrom(generation.database, done, (error) => this.#noticed(error));
  }

  async beginInstall(): Promise<SnapshotInstall> {
    this.#check();
    if (this.#installing) throw new CodedError('BUSY', 'Another copy is being installed.');
    this.#installing = true;
    try {
      const number = this.#generation.number + 1;
      await this.#replacing;
      await this.#disk.remove(stateDirectory(number));
      const database = await openNumbered(this.#options, number, true);
      this.#install = new Install(database, {
        commit: (state) => this.#replace(new Generation(number, database, state)),
        abort: () => this.#abandon(number, database),
      });
      return this.#install;
    } catch (error) {
      this.#installing = false;
      throw error;
    }
  }

  watch(watcher: StateWatcher): void {
    this.#watcher = watcher;
    this.#scrub ??= new Scrub({
      clock: this.#clock,
      generation: () => this.#generation,
      failed: (error) => this.#noticed(error),
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    try {
      if (this.#failure === null) await this.flush(true);
    } finally {
      this.#closed = true;
      this.#timer?.cancel();
      await this.#writing;
      await this.#scrub?.stop();
      await this.#install?.abort();
      await this.#generation.database.close();
      await this.#replacing;
    }
    if (this.#failure !== null) throw this.#failure;
    const { number, tables } = this.#generation;
    await writeSeal(this.#disk, stateDirectory(number), tables);
  }

  #check(): void {
    if (this.#failure !== null) throw this.#failure;
    if (this.#closed) throw new CodedError('UNAVAILABLE', 'The state is closed.');
  }

  #write(): void {
    this.#timer?.cancel();
    this.#timer = null;
    // Never for nothing: a writing that ends before it is assigned would be taken for one that goes on, for ever.
    if (this.#queue.length > 0) this.#writing ??= this.#writeQueue();
  }

  /** Writes what is queued, one batch after the other; groups staged meanwhile wait for their timer, if nobody asks. */
  async #writeQueue(): Promise<void> {
    try {
      for (let pending = this.#queue[0]; pending !== undefined; pending = this.#queue[0]) {
        if (!this.#isDue(pending)) break;
        pending.closed = true;
        await this.#writePending(this.#generation, pending);
        this.#queue = this.#queue.slice(1);
        for (const waiter of pending.waiters) waiter.resolve();
      }
    } catch (error) {
      if (isCorruption(error) || error instanceof StateDamage) await this.#giveUp();
      this.#fail(error);
    } finally {
      this.#writing = null;
    }
  }

  /** A state that cannot be written to any more would fail at every start. The next one begins with an empty state in its place. */
  async #giveUp(): Promise<void> {
    try {
      await discardState(this.#disk);
    } catch {
      // The write's own error says more; the next start meets the damage again.
    }
  }

  #isDue(pending: Pending): boolean {
    return (
      this.#timer === null ||
      this.#queue.length > 1 ||
      pending.waiters.length > 0 ||
      pending.bytes >= BATCH_BYTES
    );
  }

  async #writePending(generation: Generation, pending: Pending): Promise<void> {
    // Before the batch and not within it: a long stream has too many keys for one. After a crash in between, the log drops the
    // rest before anyone reads.
    for (const stream of pending.drops) await dropStream(generation.database, stream);
    const trims = await prepareTrims(generation.database, generation.streams, pending);
    const { operations, head } = makeBatch(pending, generation.head, generation, trims);
    const digest = digestText(generation);
    const startMs = this.#clock.monotonicMs();
    await writeBatch(generation.database, operations);
    const durationMs = this.#clock.monotonicMs() - startMs;
    this.#options.onBatch?.({ durationMs, bytes: pending.bytes });
    generation.head = head;
    if (pending.checkpoint) this.#watcher?.digest(head.mark.index, digest);
  }

  async #abandon(number: number, database: Database): Promise<void> {
    await database.close();
    await this.#disk.remove(stateDirectory(number));
    this.#install = null;
    this.#installing = false;
  }

  /** Puts an installed copy in force. */
  async #replace(next: Generation): Promise<void> {
    const mark = next.head?.mark ?? null;
    assert(mark !== null, 'an installed copy has a mark');
    await this.flush(true);
    await this.#disk.syncDirectory('.');
    try {
      await writePointer(this.#disk, { number: next.number, made: true });
    } catch (error) {
      throw this.#fail(error);
    }
    assert(
      (this.#mark?.index ?? 0) <= mark.index,
      'nothing newer than a copy is staged while it is installed',
    );
    await this.#writing;
    for (const pending of this.#queue) for (const waiter of pending.waiters) waiter.resolve();
    this.#queue = [];
    const old = this.#generation;
    this.#generation = next;
    this.#mark = mark;
    this.#install = null;
    this.#installing = false;
    this.#replacing = this.#remove(old);
  }

  /** Never rejects. */
  async #remove(old: Generation): Promise<void> {
    try {
      await old.retired();
      await old.database.close();
      await this.#disk.remove(stateDirectory(old.number));
      await this.#disk.syncDirectory('.');
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Of a read that failed. */
  #noticed(error: unknown): CodedError {
    const failure = readError(error);
    if (failure instanceof StateDamage && !this.#closed) this.#watcher?.damaged(failure);
    return failure;
  }

  #fail(error: unknown): CodedError {
    if (this.#failure !== null) return this.#failure;
    const text = error instanceof Error ? error.message : String(error);
    const failure = new CodedError('DISK_FAILED', `The state could not be written: ${text}`, {
      cause: error,
    });
    this.#failure = failure;
    this.#timer?.cancel();
    for (const pending of this.#queue) for (const waiter of pending.waiters) waiter.reject(failure);
    this.#watcher?.failed(failure);
    return failure;
  }
}
