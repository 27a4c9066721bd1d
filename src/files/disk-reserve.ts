import type { Clock } from '../base/clock.ts';
import type { Disk } from '../base/disk.ts';

/** What was seen is believed for so long: chunks come faster than disks fill. */
const freshMs = 500;
/** Of a small file system, no more than this part is kept free. */
const largestPart = 1 / 4;

/** Files stop before the disk is full: what is left is for the log and the state, which the whole cluster waits for. */
export class DiskReserve {
  readonly #disk: Pick<Disk, 'space'>;
  readonly #clock: Clock;
  readonly #reserveBytes: number;
  #seenMs = Number.NEGATIVE_INFINITY;
  #hasRoom = true;

  constructor(disk: Pick<Disk, 'space'>, clock: Clock, reserveBytes: number) {
    this.#disk = disk;
    this.#clock = clock;
    this.#reserveBytes = reserveBytes;
  }

  /** A disk that cannot say has room: its writes will tell. */
  async hasRoom(): Promise<boolean> {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#seenMs <= freshMs) return this.#hasRoom;
    this.#seenMs = nowMs;
    this.#hasRoom = await this.#disk.space().then(
      ({ freeBytes, totalBytes }) => freeBytes >= Math.min(this.#reserveBytes, totalBytes * largestPart),
      () => true,
    );
    return this.#hasRoom;
  }
}
