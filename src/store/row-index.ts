import { StateDamage } from './damage.ts';
import type { RowDigest } from './head.ts';

/** Count and checksums of a set of values, kept up to date as they are replaced. Plain numbers: this is done for every value written. */
export class RunningDigest {
  #count = 0;
  #xor = 0;
  #sum = 0;

  get value(): RowDigest {
    return { count: this.#count, xor: this.#xor >>> 0, sum: this.#sum >>> 0 };
  }

  add(checksum: number): void {
    this.#count++;
    this.#xor ^= checksum;
    this.#sum = (this.#sum + checksum) | 0;
  }

  remove(checksum: number): void {
    this.#count--;
    this.#xor ^= checksum;
    this.#sum = (this.#sum - checksum) | 0;
  }
}

/**
 * The checksum of every row in force, held in memory (rows are small live state, which the machine holds anyway), to keep the
 * digest up to date when a row is replaced. A row that `level` loses changes the digest, and is found at opening.
 */
export class RowIndex {
  readonly #checksums = new Map<string, number>();
  readonly #digest = new RunningDigest();

  get digest(): RowDigest {
    return this.#digest.value;
  }

  put(key: string, checksum: number): void {
    const before = this.#checksums.get(key);
    if (before !== undefined) this.#digest.remove(before);
    this.#checksums.set(key, checksum);
    this.#digest.add(checksum);
  }

  delete(key: string): void {
    const before = this.#checksums.get(key);
    if (before === undefined) return;
    this.#checksums.delete(key);
    this.#digest.remove(before);
  }
}

export function sameDigest(a: RowDigest, b: RowDigest): boolean {
  return a.count === b.count && a.xor === b.xor && a.sum === b.sum;
}

export function checkRows(found: RowDigest, written: RowDigest): void {
  if (sameDigest(found, written)) return;
  throw new StateDamage(
    'hole',
    `The state has ${found.count} rows, and not the ${written.count} that were written.`,
  );
}
