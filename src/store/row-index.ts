import { StateDamage } from './damage.ts';
import { noRows, type RowDigest } from './head.ts';

/**
 * The checksum of every row in force, held in memory (rows are small live state, which the machine holds anyway), to keep the
 * digest up to date when a row is replaced. A row that `level` loses changes the digest, and is found at opening.
 */
export class RowIndex {
  readonly #checksums = new Map<string, number>();
  #digest: RowDigest = noRows;

  get digest(): RowDigest {
    return this.#digest;
  }

  put(key: string, checksum: number): void {
    this.delete(key);
    this.#checksums.set(key, checksum);
    this.#fold(checksum, 1);
  }

  delete(key: string): void {
    const checksum = this.#checksums.get(key);
    if (checksum === undefined) return;
    this.#checksums.delete(key);
    this.#fold(checksum, -1);
  }

  #fold(checksum: number, sign: 1 | -1): void {
    const { count, xor, sum } = this.#digest;
    this.#digest = {
      count: count + sign,
      xor: (xor ^ checksum) >>> 0,
      sum: (sum + sign * checksum) >>> 0,
    };
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
