import { assert } from '../base/assert.ts';

/**
 * The window of appends that were sent and not yet acknowledged: the last index and the bytes of each, oldest first.
 * Bounded by count and by bytes; the last append may exceed the bound in bytes, so that a large entry can be sent at all.
 * A ring that grows to what is really used, up to `capacity`.
 */
export class Inflights {
  readonly #capacity: number;
  readonly #maxBytes: number;
  #indexes: number[] = [];
  #sizes: number[] = [];
  #start = 0;
  #count = 0;
  #bytes = 0;

  constructor(capacity: number, maxBytes: number) {
    this.#capacity = capacity;
    this.#maxBytes = maxBytes;
  }

  get count(): number {
    return this.#count;
  }

  full(): boolean {
    return this.#count >= this.#capacity || this.#bytes >= this.#maxBytes;
  }

  /** `index` is the last one of the append; indexes must ascend. */
  add(index: number, bytes: number): void {
    assert(!this.full(), 'an append is sent only while there is room in the window');
    if (this.#count === this.#indexes.length) this.#grow();
    const slot = (this.#start + this.#count) % this.#indexes.length;
    this.#indexes[slot] = index;
    this.#sizes[slot] = bytes;
    this.#count++;
    this.#bytes += bytes;
  }

  /** The peer acknowledged everything up to `index`. */
  freeUpTo(index: number): void {
    while (this.#count > 0 && (this.#indexes[this.#start] ?? 0) <= index) {
      this.#bytes -= this.#sizes[this.#start] ?? 0;
      this.#start = (this.#start + 1) % this.#indexes.length;
      this.#count--;
    }
    if (this.#count === 0) this.#start = 0;
  }

  clear(): void {
    this.#start = 0;
    this.#count = 0;
    this.#bytes = 0;
  }

  #grow(): void {
    const length = Math.min(this.#capacity, Math.max(8, this.#indexes.length * 2));
    const rotate = (ring: readonly number[]): number[] => {
      const unrolled = ring.slice(this.#start).concat(ring.slice(0, this.#start));
      while (unrolled.length < length) unrolled.push(0);
      return unrolled;
    };
    this.#indexes = rotate(this.#indexes);
    this.#sizes = rotate(this.#sizes);
    this.#start = 0;
  }
}
