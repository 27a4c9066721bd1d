/** One file of a simulated disk: what the program sees, and what of it would be lost with the power. */
import type { Random } from '../../src/base/prng.ts';

export const SECTOR_BYTES = 512;

/** A change that is not durable, with what it takes to undo it. */
interface Change {
  readonly number: number;
  readonly offset: number;
  /** Null: the size alone changed. */
  readonly bytes: Uint8Array | null;
  /** What was there, as far as the file reached. */
  readonly old: Uint8Array;
  readonly sizeBefore: number;
  readonly sizeAfter: number;
}

/** Bytes that a failed sync left unwritten. The platform takes them for clean: what it shows is not what the disk holds. */
interface Hidden {
  readonly offset: number;
  readonly onDisk: Uint8Array;
}

const nothing = new Uint8Array(0);

export class Inode {
  #bytes: Uint8Array = nothing;
  #size = 0;
  #pending: Change[] = [];
  #hidden: Hidden[] = [];
  #changes = 0;

  static of(content: Uint8Array): Inode {
    const inode = new Inode();
    inode.#bytes = content.slice();
    inode.#size = content.length;
    return inode;
  }

  get size(): number {
    return this.#size;
  }

  /** Something is written that a sync would make durable. */
  get dirty(): boolean {
    return this.#pending.length > 0;
  }

  get content(): Uint8Array {
    return this.#bytes.slice(0, this.#size);
  }

  write(bytes: Uint8Array, offset: number): void {
    const sizeBefore = this.#size;
    const end = offset + bytes.length;
    const old = this.#bytes.slice(offset, Math.max(offset, Math.min(end, sizeBefore)));
    this.#put(bytes, offset);
    this.#size = Math.max(sizeBefore, end);
    const sizeAfter = this.#size;
    const number = ++this.#changes;
    const kept = bytes.slice();
    this.#pending.push({ number, offset, bytes: kept, old, sizeBefore, sizeAfter });
  }

  truncate(size: number): void {
    const sizeBefore = this.#size;
    const old = this.#bytes.slice(size, Math.max(size, sizeBefore));
    this.#resize(size);
    const number = ++this.#changes;
    const sizes = { sizeBefore, sizeAfter: size };
    this.#pending.push({ number, offset: size, bytes: null, old, ...sizes });
  }

  /** Number of the newest change: what a sync that begins now makes durable. */
  get changes(): number {
    return this.#changes;
  }

  sync(upTo: number): void {
    for (const { number, offset, bytes } of this.#pending) {
      if (number <= upTo && bytes !== null) this.#reach(offset, bytes);
    }
    this.#pending = this.#pending.filter(({ number }) => number > upTo);
  }

  /** Some sectors have reached the disk, by chance; the others never will, unless they are written anew. */
  syncFailed(upTo: number, random: Random): void {
    for (const { number, offset, bytes, old } of this.#pending) {
      if (number > upTo || bytes === null) continue;
      for (const [from, to] of sectors(offset, bytes.length)) {
        if (random.below(2) === 0) continue;
        const onDisk = new Uint8Array(to - from);
        onDisk.set(old.subarray(from, to));
        this.#hidden.push({ offset: offset + from, onDisk });
      }
    }
    this.#pending = this.#pending.filter(({ number }) => number > upTo);
  }

  /** The power is gone: of each unsynced write, whole sectors are there or not, by chance. */
  losePower(random: Random): void {
    const pending = this.#pending;
    const hidden = this.#hidden;
    this.#pending = [];
    this.#hidden = [];
    for (const change of [...pending].reverse()) this.#undo(change);
    for (const { offset, onDisk } of hidden.reverse()) {
      if (offset < this.#size) this.#put(onDisk.subarray(0, this.#size - offset), offset);
    }
    for (const change of pending) this.#redoSome(change, random);
  }

  flipBit(offset: number, bit: number): void {
    const byte = this.#bytes[offset];
    if (byte !== undefined && offset < this.#size) this.#bytes[offset] = byte ^ (1 << (bit & 7));
  }

  /** Bytes that a crash may lose. */
  get unsyncedBytes(): number {
    return this.#pending.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0);
  }

  /** Bytes have reached the disk: whatever was hidden there is not any more. */
  #reach(offset: number, bytes: Uint8Array): void {
    for (const hidden of this.#hidden) {
      const from = Math.max(offset, hidden.offset);
      const to = Math.min(offset + bytes.length, hidden.offset + hidden.onDisk.length);
      if (from < to) hidden.onDisk.set(bytes.subarray(from - offset, to - offset), from - hidden.offset);
    }
  }

  #undo({ offset, old, sizeBefore }: Change): void {
    this.#resize(sizeBefore);
    this.#put(old, offset);
  }

  #redoSome({ offset, bytes, sizeAfter }: Change, random: Random): void {
    if (bytes === null) {
      if (random.below(2) === 0) this.#resize(sizeAfter);
      return;
    }
    for (const [from, to] of sectors(offset, bytes.length)) {
      if (random.below(2) === 0) continue;
      this.#put(bytes.subarray(from, to), offset + from);
      this.#size = Math.max(this.#size, offset + to);
    }
  }

  #put(bytes: Uint8Array, offset: number): void {
    const end = offset + bytes.length;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, this.#size));
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, offset);
  }

  #resize(size: number): void {
    if (size < this.#size) this.#bytes.fill(0, size, this.#size);
    if (size > this.#bytes.length) this.#put(nothing, size);
    this.#size = size;
  }
}

/** The parts of a write that a disk writes whole or not at all, as offsets within the write. */
function sectors(offset: number, length: number): readonly (readonly [from: number, to: number])[] {
  const parts: [number, number][] = [];
  for (let from = 0; from < length; ) {
    const to = Math.min(length, from + SECTOR_BYTES - ((offset + from) % SECTOR_BYTES));
    parts.push([from, to]);
    from = to;
  }
  return parts;
}
