import { assert } from '../base/assert.ts';
import { entrySize, NO_BYTES, NO_ENTRIES } from './entries.ts';
import type { Entry } from './types.ts';

/** Takes the place of a released entry until the slots are moved together, so that its data can be collected. */
const RELEASED: Entry = { term: 0, index: 0, type: 'normal', data: NO_BYTES };
const SLOTS_WORTH_MOVING = 1024;

/**
 * A contiguous run of log entries, addressed by log index: cheap to extend and to truncate at the end, and to release
 * from the front. Releasing moves the remaining slots only once they are fewer than the released ones, so each entry
 * is moved a constant number of times.
 *
 * Invariant: `#slots[#head + i]` holds the entry of index `first + i`.
 */
export class EntryWindow {
  #slots: Entry[] = [];
  #head = 0;
  #first: number;

  constructor(first: number) {
    this.#first = first;
  }

  /** Index of the first entry, or of the one that would be first. */
  get first(): number {
    return this.#first;
  }

  /** Index that the next entry will have. */
  get next(): number {
    return this.#first + this.length;
  }

  get length(): number {
    return this.#slots.length - this.#head;
  }

  at(index: number): Entry {
    const entry = this.#slots[this.#head + index - this.#first];
    assert(entry !== undefined && index >= this.#first, 'an entry is read within its window');
    return entry;
  }

  push(entries: readonly Entry[], from = 0): void {
    for (let position = from; position < entries.length; position++) {
      const entry = entries[position];
      assert(entry !== undefined && entry.index === this.next, 'entries of a window are contiguous');
      this.#slots.push(entry);
    }
  }

  /** Drops the entries from `index` on. */
  truncateFrom(index: number): void {
    assert(index >= this.#first && index <= this.next, 'a window is truncated within its bounds');
    this.#slots.length = this.#head + index - this.#first;
  }

  /** Releases the entries before `index`. */
  dropBefore(index: number): void {
    assert(index >= this.#first && index <= this.next, 'a window is released within its bounds');
    const head = this.#head + index - this.#first;
    this.#first = index;
    if (head === this.#slots.length) {
      this.#slots = [];
      this.#head = 0;
    } else if (head >= SLOTS_WORTH_MOVING && head * 2 >= this.#slots.length) {
      this.#slots = this.#slots.slice(head);
      this.#head = 0;
    } else {
      this.#slots.fill(RELEASED, this.#head, head);
      this.#head = head;
    }
  }

  restart(first: number): void {
    this.#slots = [];
    this.#head = 0;
    this.#first = first;
  }

  /** Entries [lo, hi), cut before the entry that would bring them above `maxBytes`, but at least one. */
  slice(lo: number, hi: number, maxBytes = Number.POSITIVE_INFINITY): readonly Entry[] {
    assert(lo >= this.#first && hi <= this.next, 'a slice lies within its window');
    if (lo >= hi) return NO_ENTRIES;
    let end = hi;
    if (maxBytes !== Number.POSITIVE_INFINITY) {
      let size = entrySize(this.at(lo));
      for (end = lo + 1; end < hi; end++) {
        size += entrySize(this.at(end));
        if (size > maxBytes) break;
      }
    }
    const offset = this.#head - this.#first;
    return this.#slots.slice(lo + offset, end + offset);
  }
}
