/**
 * Heights of the rows of a long list of which few are drawn: where a row lies, and which row lies where, in logarithmic time (a Fenwick
 * tree). A row that was never drawn counts with an estimate.
 */
export class RowHeights {
  readonly #estimate: (key: string) => number;
  /** Of rows that were drawn, also of such that are not in the list at the moment. Bounded by `forgetBeyond`. */
  readonly #measured = new Map<string, number>();
  #keys: readonly string[] = [];
  #heights: Float64Array = new Float64Array(0);
  /** Fenwick: entry i (from 1) holds the sum of the `i & -i` heights that end at row i - 1. */
  #sums: Float64Array = new Float64Array(1);

  constructor(estimate: (key: string) => number) {
    this.#estimate = estimate;
  }

  get count(): number {
    return this.#keys.length;
  }

  get total(): number {
    return this.offsetOf(this.#keys.length);
  }

  /** The list has changed: other rows, or others before them. */
  setKeys(keys: readonly string[]): void {
    if (this.#measured.size > forgetBeyond) this.#measured.clear();
    this.#keys = keys;
    this.#heights = Float64Array.from(keys, (key) => this.#measured.get(key) ?? this.#estimate(key));
    this.#sums = new Float64Array(keys.length + 1);
    for (let at = 1; at <= keys.length; at++) {
      this.#sums[at] = (this.#sums[at] ?? 0) + (this.#heights[at - 1] ?? 0);
      const parent = at + (at & -at);
      if (parent <= keys.length) this.#sums[parent] = (this.#sums[parent] ?? 0) + (this.#sums[at] ?? 0);
    }
  }

  /** Returns whether it was believed to be another. */
  measure(row: number, height: number): boolean {
    const key = this.#keys[row];
    if (key === undefined) return false;
    this.#measured.set(key, height);
    const change = height - (this.#heights[row] ?? 0);
    if (change === 0) return false;
    this.#heights[row] = height;
    for (let at = row + 1; at <= this.#keys.length; at += at & -at) {
      this.#sums[at] = (this.#sums[at] ?? 0) + change;
    }
    return true;
  }

  /** All that was measured is of another width. */
  forget(): void {
    this.#measured.clear();
  }

  /** Of its upper edge. */
  offsetOf(row: number): number {
    let sum = 0;
    for (let at = Math.min(row, this.#keys.length); at > 0; at -= at & -at) sum += this.#sums[at] ?? 0;
    return sum;
  }

  /** The row that lies there; the first or last one beyond the ends. */
  rowAt(offset: number): number {
    let row = 0;
    let left = offset;
    for (let step = 2 ** Math.floor(Math.log2(this.#keys.length || 1)); step >= 1; step /= 2) {
      const next = row + step;
      if (next <= this.#keys.length && (this.#sums[next] ?? 0) <= left) {
        row = next;
        left -= this.#sums[next] ?? 0;
      }
    }
    return Math.max(0, Math.min(row, this.#keys.length - 1));
  }

  indexOf(key: string): number {
    return this.#keys.indexOf(key);
  }

  keyAt(row: number): string | null {
    return this.#keys[row] ?? null;
  }
}

const forgetBeyond = 100_000;
