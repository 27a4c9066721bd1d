import type { Disk, DiskFile } from '../base/disk.ts';
import { KIB, MIB } from '../base/limits.ts';

/**
 * Zeros are written ahead of the records, so that an append changes neither the file's size nor its map of blocks and a sync
 * has no journal of the file system to wait for (docs/decisions/0003-log-on-disk.md has the figures).
 */
const AHEAD_LOW_BYTES = 512 * KIB;
const AHEAD_STEP_BYTES = 1 * MIB;
const FILL_BYTES = 128 * KIB;

const zeros = new Uint8Array(FILL_BYTES);

/** One open segment. Appends come one at a time; filling goes on beside them, never where an append writes. */
export class SegmentWriter {
  readonly #file: DiskFile;
  /** No zeros are written from here on. */
  readonly #limit: number;
  /** Everything from the last append up to here is zero. */
  #zeroEnd: number;
  #fill: Promise<void> | null = null;
  #fillError: unknown = null;

  private constructor(file: DiskFile, end: number, limit: number) {
    this.#file = file;
    this.#zeroEnd = end;
    this.#limit = limit;
  }

  /** `end`: where the records of the file end, 0 for a new one. `limit`: how large it is meant to become. */
  static async open(disk: Disk, path: string, end: number, limit: number): Promise<SegmentWriter> {
    return new SegmentWriter(await disk.open(path, 'through'), end, limit);
  }

  /** Durable once it resolves. */
  async append(bytes: Uint8Array, offset: number): Promise<void> {
    const end = offset + bytes.length;
    if (end > this.#zeroEnd && this.#fill !== null) await this.#fill;
    if (this.#fillError !== null) throw this.#fillError;
    this.#zeroEnd = Math.max(this.#zeroEnd, end);
    await this.#file.write(bytes, offset);
    await this.#file.sync();
    const low = Math.min(this.#limit, end + AHEAD_LOW_BYTES);
    if (this.#fill === null && this.#zeroEnd < low) {
      this.#fill = this.#fillTo(Math.min(this.#limit, end + AHEAD_LOW_BYTES + AHEAD_STEP_BYTES));
    }
  }

  async close(): Promise<void> {
    await this.#fill;
    await this.#file.close();
  }

  /** Never rejects: a failure is told to the next append. */
  async #fillTo(target: number): Promise<void> {
    try {
      while (this.#zeroEnd < target) {
        const from = this.#zeroEnd;
        const bytes = Math.min(FILL_BYTES, target - from);
        // Claimed before the write: an append that reaches beyond waits for the whole fill.
        this.#zeroEnd = from + bytes;
        await this.#file.write(bytes === FILL_BYTES ? zeros : zeros.subarray(0, bytes), from);
      }
    } catch (error) {
      this.#fillError = error;
    } finally {
      this.#fill = null;
    }
  }
}
