/**
 * Parts into frames for many connections: what one has to say is often what the one before it had, a message to a group above all. Then
 * nothing is joined and encoded again, and the frame goes out in the form that it has on the wire.
 */
import { packNative } from '../../protocol/native-codec.ts';

/** Frames of one connection, in order. */
export interface PackedFrames {
  readonly texts: readonly string[];
  /** The same with their headers (RFC 6455, 5.2: text, whole, not masked); null for the first that has these parts. */
  readonly wire: readonly Uint8Array[] | null;
}

export class FramePacker {
  #parts: readonly string[] = [];
  #packed: PackedFrames = { texts: [], wire: null };

  /** `parts` is kept: it must not change. */
  pack(parts: readonly string[]): PackedFrames {
    if (!isSame(parts, this.#parts)) {
      this.#parts = parts;
      this.#packed = { texts: packNative(parts), wire: null };
    } else if (this.#packed.wire === null) {
      this.#packed = { texts: this.#packed.texts, wire: this.#packed.texts.map(wireForm) };
    }
    return this.#packed;
  }
}

/** Shared parts are the same strings, so comparing them costs no look at their text. */
function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((part, at) => part === others[at]);
}

const finalText = 0x81;
const shortBytes = 125;
const mediumBytes = 65_535;

export function wireForm(text: string): Uint8Array {
  const bytes = Buffer.byteLength(text);
  const headerBytes = bytes <= shortBytes ? 2 : bytes <= mediumBytes ? 4 : 10;
  const frame = Buffer.allocUnsafe(headerBytes + bytes);
  frame[0] = finalText;
  if (headerBytes === 2) {
    frame[1] = bytes;
  } else if (headerBytes === 4) {
    frame[1] = shortBytes + 1;
    frame.writeUInt16BE(bytes, 2);
  } else {
    frame[1] = shortBytes + 2;
    frame.writeBigUInt64BE(BigInt(bytes), 2);
  }
  frame.write(text, headerBytes);
  return frame;
}
