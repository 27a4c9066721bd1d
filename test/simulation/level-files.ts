/** What the files of one `level` hold, over the lives of the processes that open it. Every batch is one record of its journal. */
import type { Random } from '../../src/base/prng.ts';
import type { Operation } from '../../src/store/database.ts';

/** Sorted by key, never changed: a batch makes another one, so each is a snapshot for whoever holds it. */
export interface LevelContent {
  readonly keys: readonly string[];
  readonly values: readonly Buffer[];
}

const empty: LevelContent = { keys: [], values: [] };
/** Batches that can still be lost one by one: what `level` holds in its newest journal. */
const JOURNAL_BATCHES = 6;
/** Older ones are put into the base so many at once: to copy it for each would cost more than all else here. */
const FOLDED_BATCHES = 64;

export class LevelFiles {
  #base: LevelContent = empty;
  #content: LevelContent = empty;
  #journal: (readonly Operation[])[] = [];
  /** Between the base and the journal. */
  #older: (readonly Operation[])[] = [];
  #inFlight: (readonly Operation[])[] = [];
  /** A batch was lost and later ones were not. */
  hasHole = false;
  /** A process has it open. */
  locked = false;

  get content(): LevelContent {
    return this.#content;
  }

  get journalBatches(): number {
    return this.#journal.length;
  }

  begin(operations: readonly Operation[]): void {
    this.#inFlight.push(operations);
  }

  /** The batch is written and synced. */
  end(operations: readonly Operation[]): void {
    this.#inFlight = this.#inFlight.filter((other) => other !== operations);
    this.#add(operations);
  }

  /** It failed: nothing of it is there. */
  drop(operations: readonly Operation[]): void {
    this.#inFlight = this.#inFlight.filter((other) => other !== operations);
  }

  /** Of the batches that were being written the first few are whole, by chance; a torn one is none. */
  losePower(random: Random): void {
    const inFlight = this.#inFlight;
    this.#inFlight = [];
    this.locked = false;
    for (const operations of inFlight) {
      if (random.below(2) === 0) break;
      this.#add(operations);
    }
  }

  /** As an unreadable block of the journal: the batch is gone, what came after it is there. */
  loseBatch(number: number): void {
    this.#journal.splice(number, 1);
    this.hasHole = true;
    this.#fold();
    this.#content = this.#journal.reduce(applied, this.#base);
  }

  /** Of some value, wherever it lies. False when there is none. */
  flipBit(fraction: number): boolean {
    const { keys, values } = this.#content;
    const at = Math.floor(fraction * keys.length);
    const [key, value] = [keys[at], values[at]];
    if (key === undefined || value === undefined || value.length === 0) return false;
    const flipped = Buffer.from(value);
    const bit = Math.floor(((fraction * 7_919) % 1) * value.length * 8);
    const byte = Math.floor(bit / 8);
    flipped[byte] = (flipped[byte] ?? 0) ^ (1 << (bit % 8));
    // In all that is read from now on; a snapshot that is open has its own copy.
    this.#content = applied(this.#content, [{ type: 'put', key, value: flipped }]);
    return true;
  }

  #add(operations: readonly Operation[]): void {
    this.#content = applied(this.#content, operations);
    this.#journal.push(operations);
    if (this.#journal.length <= JOURNAL_BATCHES) return;
    const oldest = this.#journal.shift();
    if (oldest !== undefined) this.#older.push(oldest);
    if (this.#older.length >= FOLDED_BATCHES) this.#fold();
  }

  #fold(): void {
    this.#base = applied(this.#base, this.#older.flat());
    this.#older = [];
  }
}

function applied({ keys, values }: LevelContent, operations: readonly Operation[]): LevelContent {
  const nextKeys = [...keys];
  const nextValues = [...values];
  for (const operation of operations) {
    const at = position(nextKeys, operation.key);
    const known = nextKeys[at] === operation.key ? 1 : 0;
    if (operation.type === 'del') {
      nextKeys.splice(at, known);
      nextValues.splice(at, known);
    } else if (known === 1) {
      nextValues[at] = operation.value;
    } else {
      nextKeys.splice(at, 0, operation.key);
      nextValues.splice(at, 0, operation.value);
    }
  }
  return { keys: nextKeys, values: nextValues };
}

/** Of the first key that is not below. */
export function position(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
