import type { Clock, Timer } from '../../base/clock.ts';
import type { Disk, DiskSpace } from '../../base/disk.ts';
import { MIB } from '../../base/limits.ts';

const LOOK_EVERY_MS = 500;
/** Of a small file system, the marks are no more than this part. */
const LARGEST_PART = 1 / 8;
const RESERVE_PART = 1 / 4;
/** Above the mark by so much again, there is room: so that a file more or less does not change the answer twice a second. */
const COMES_BACK = 1.25;

export interface RoomSettings {
  /** With less than this, the node gives up leading, and counts among those that lack room. */
  readonly lowBytes: number;
  /** With less than this, it appends nothing any more. */
  readonly reserveBytes: number;
}

export const defaultRoom: RoomSettings = { lowBytes: 128 * MIB, reserveBytes: 32 * MIB };

/** `none`: what is left is for the log's own end, and for stopping cleanly. */
export type RoomLevel = 'ample' | 'low' | 'none';

/** The marks on a file system of this size. */
export function marksOn({ totalBytes }: DiskSpace, { lowBytes, reserveBytes }: RoomSettings): RoomSettings {
  const low = Math.min(lowBytes, Math.floor(totalBytes * LARGEST_PART));
  return { lowBytes: low, reserveBytes: Math.min(reserveBytes, Math.floor(low * RESERVE_PART)) };
}

export function levelOf(space: DiskSpace, settings: RoomSettings, before: RoomLevel): RoomLevel {
  const { lowBytes, reserveBytes } = marksOn(space, settings);
  const { freeBytes } = space;
  if (freeBytes < reserveBytes || (before === 'none' && freeBytes < reserveBytes * COMES_BACK)) return 'none';
  if (freeBytes < lowBytes || (before !== 'ample' && freeBytes < lowBytes * COMES_BACK)) return 'low';
  return 'ample';
}

export interface DiskRoomOptions {
  readonly disk: Pick<Disk, 'space'>;
  readonly clock: Clock;
  readonly settings: RoomSettings;
  /** After each look. */
  readonly looked: (changed: boolean) => void;
}

/** Looks again and again how much room is left. A disk that cannot say is taken to have room: its writes will tell. */
export class DiskRoom {
  readonly #options: DiskRoomOptions;
  #space: DiskSpace | null = null;
  #level: RoomLevel = 'ample';
  #timer: Timer | null = null;
  #stopped = false;

  constructor(options: DiskRoomOptions) {
    this.#options = options;
  }

  get level(): RoomLevel {
    return this.#level;
  }

  /** Null before the first look. */
  get figures(): { readonly freeBytes: number; readonly lowBytes: number } | null {
    if (this.#space === null) return null;
    const { lowBytes } = marksOn(this.#space, this.#options.settings);
    return { freeBytes: this.#space.freeBytes, lowBytes };
  }

  start(): void {
    void this.#look();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    const { disk, clock, settings, looked } = this.#options;
    this.#space = await disk.space().catch(() => null);
    if (this.#stopped) return;
    const before = this.#level;
    this.#level = this.#space === null ? 'ample' : levelOf(this.#space, settings, before);
    looked(this.#level !== before);
    this.#timer = clock.after(LOOK_EVERY_MS, () => void this.#look());
  }
}
