import { crc32c } from '../base/crc.ts';
import { KIB, MIB } from '../base/limits.ts';
import { StateDamage } from './damage.ts';
import { plain } from './value.ts';

/**
 * A copy of the state on its way to another node: one row of items (the mark, then rows, then chunks of streams, in key order)
 * as a stream of bytes, cut into numbered frames with a checksum each; the last frame says how much there was.
 */
export type Item =
  | { readonly kind: 'mark'; readonly content: Buffer }
  | { readonly kind: 'value'; readonly key: string; readonly content: Buffer };

export const FRAME_BYTES = 64 * KIB;
const VERSION = 1;
/** version, kind, 2 zero bytes, order, checksum */
const FRAME_HEADER_BYTES = 12;
const PAYLOAD_BYTES = FRAME_BYTES - FRAME_HEADER_BYTES;
const DATA = 0;
const LAST = 1;
/** items (8), bytes (8), checksum of all payloads (4) */
const TOTALS_BYTES = 20;

const MARK = 1;
const VALUE = 2;
const ITEM_HEADER_BYTES = 9;
/** Far above any row or chunk: bounds what a receiver gathers before it believes in an item. */
const ITEM_BYTES = 64 * MIB;

/** Turns items into frames of at most `FRAME_BYTES`. */
export class FrameWriter {
  #frame = emptyFrame();
  #used = FRAME_HEADER_BYTES;
  #order = 0;
  #items = 0;
  #bytes = 0;
  #checksum = 0;

  /** The frames that became full. */
  *add(item: Item): Generator<Uint8Array> {
    const key = Buffer.from(item.kind === 'mark' ? '' : item.key, 'utf8');
    const header = Buffer.allocUnsafe(ITEM_HEADER_BYTES);
    header.writeUInt8(item.kind === 'mark' ? MARK : VALUE, 0);
    header.writeUInt32LE(key.length, 1);
    header.writeUInt32LE(item.content.length, 5);
    this.#items++;
    for (const part of [header, key, item.content]) yield* this.#addBytes(part);
  }

  /** What is left, and the totals. */
  *end(): Generator<Uint8Array> {
    if (this.#used > FRAME_HEADER_BYTES) yield this.#close(DATA);
    this.#used += TOTALS_BYTES;
    this.#frame.writeDoubleLE(this.#items, FRAME_HEADER_BYTES);
    this.#frame.writeDoubleLE(this.#bytes, FRAME_HEADER_BYTES + 8);
    this.#frame.writeUInt32LE(this.#checksum, FRAME_HEADER_BYTES + 16);
    yield this.#close(LAST);
  }

  *#addBytes(bytes: Buffer): Generator<Uint8Array> {
    for (let at = 0; at < bytes.length; ) {
      const taken = bytes.copy(this.#frame, this.#used, at);
      this.#used += taken;
      at += taken;
      if (this.#used === FRAME_BYTES) yield this.#close(DATA);
    }
  }

  #close(kind: number): Uint8Array {
    const frame = this.#frame.subarray(0, this.#used);
    frame.writeUInt8(VERSION, 0);
    frame.writeUInt8(kind, 1);
    frame.writeUInt16LE(0, 2);
    frame.writeUInt32LE(this.#order, 4);
    frame.writeUInt32LE(frameChecksum(frame), 8);
    if (kind === DATA) {
      this.#checksum = crc32c(frame, this.#checksum, FRAME_HEADER_BYTES);
      this.#bytes += frame.length - FRAME_HEADER_BYTES;
    }
    this.#order++;
    this.#frame = emptyFrame();
    this.#used = FRAME_HEADER_BYTES;
    return plain(frame);
  }
}

/** Turns frames back into items. Throws `StateDamage` (`transfer`, `version`). */
export class FrameReader {
  /** Bytes that are not yet a whole item. */
  #rest: Buffer = Buffer.alloc(0);
  #parts: Buffer[] = [];
  #partBytes = 0;
  #order = 0;
  #items = 0;
  #bytes = 0;
  #checksum = 0;
  #complete = false;

  get complete(): boolean {
    return this.#complete;
  }

  read(bytes: Uint8Array): readonly Item[] {
    const frame = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.#complete) throw wrong('something follows the last frame');
    if (frame.length < FRAME_HEADER_BYTES || frame.length > FRAME_BYTES)
      throw wrong('a frame has a wrong size');
    if (frame.readUInt32LE(8) !== frameChecksum(frame))
      throw wrong(`the checksum of frame ${this.#order} is wrong`);
    if (frame.readUInt8(0) !== VERSION)
      throw new StateDamage('version', 'The copy was made by a newer version.');
    if (frame.readUInt32LE(4) !== this.#order) throw wrong(`frame ${this.#order} is missing`);
    this.#order++;
    const payload = frame.subarray(FRAME_HEADER_BYTES);
    if (frame.readUInt8(1) === LAST) {
      this.#checkTotals(payload);
      return [];
    }
    this.#checksum = crc32c(payload, this.#checksum);
    this.#bytes += payload.length;
    return this.#takeItems(payload);
  }

  #takeItems(payload: Buffer): readonly Item[] {
    this.#parts.push(payload);
    this.#partBytes += payload.length;
    const needed = this.#rest.length === 0 ? 0 : itemLength(this.#rest);
    if (this.#rest.length + this.#partBytes < needed) return [];
    let bytes = Buffer.concat([this.#rest, ...this.#parts]);
    this.#parts = [];
    this.#partBytes = 0;
    const items: Item[] = [];
    for (let length = itemLength(bytes); length <= bytes.length; length = itemLength(bytes)) {
      items.push(takeItem(bytes.subarray(0, length)));
      bytes = bytes.subarray(length);
    }
    this.#items += items.length;
    this.#rest = bytes;
    return items;
  }

  #checkTotals(totals: Buffer): void {
    const asSent =
      totals.length === TOTALS_BYTES &&
      this.#rest.length + this.#partBytes === 0 &&
      totals.readDoubleLE(0) === this.#items &&
      totals.readDoubleLE(8) === this.#bytes &&
      totals.readUInt32LE(16) === this.#checksum;
    if (!asSent) throw wrong('it is not what its last frame says');
    this.#complete = true;
  }
}

/** Bytes of the item at the start of `bytes`, which may hold less; at least the header's. */
function itemLength(bytes: Buffer): number {
  if (bytes.length < ITEM_HEADER_BYTES) return ITEM_HEADER_BYTES;
  const length = ITEM_HEADER_BYTES + bytes.readUInt32LE(1) + bytes.readUInt32LE(5);
  if (length > ITEM_BYTES) throw wrong('an item is too large');
  return length;
}

function takeItem(bytes: Buffer): Item {
  const keyEnd = ITEM_HEADER_BYTES + bytes.readUInt32LE(1);
  const content = bytes.subarray(keyEnd);
  const kind = bytes.readUInt8(0);
  if (kind === MARK) return { kind: 'mark', content };
  if (kind === VALUE)
    return { kind: 'value', key: bytes.toString('utf8', ITEM_HEADER_BYTES, keyEnd), content };
  throw new StateDamage('version', 'The copy holds an item of an unknown kind.');
}

function frameChecksum(frame: Buffer): number {
  return crc32c(frame, crc32c(frame, 0, 0, 8), FRAME_HEADER_BYTES);
}

function emptyFrame(): Buffer {
  return Buffer.allocUnsafeSlow(FRAME_HEADER_BYTES + PAYLOAD_BYTES);
}

function wrong(text: string): StateDamage {
  return new StateDamage('transfer', `The copy of the state is damaged: ${text}.`);
}
