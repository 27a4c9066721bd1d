/**
 * Records over one authenticated connection: a length, a truncated HMAC over (record number, payload), the payload. The number is counted
 * on both sides and never sent, so a record that is repeated, left out, moved or altered does not verify. What one turn of the event
 * loop sends leaves as one record that holds many frames, so the cost of the HMAC is shared.
 */
import { createHmac } from 'node:crypto';
import { MIB } from '../../base/limits.ts';

export const macBytes = 16;
const headBytes = 4 + macBytes;
/** One record: enough for the largest frame and what is coalesced with it. */
export const recordBytes = 8 * MIB;

/** Why a connection cannot go on; counted by the transport. */
export type FrameFault = 'length' | 'mac';

function mac(key: Uint8Array, number: number, payload: readonly Uint8Array[]): Buffer {
  const counter = Buffer.allocUnsafe(8);
  counter.writeBigUInt64BE(BigInt(number));
  const hmac = createHmac('sha256', key).update(counter);
  for (const part of payload) hmac.update(part);
  return hmac.digest().subarray(0, macBytes);
}

export class RecordSealer {
  readonly #key: Uint8Array;
  #number = 0;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** The record of these frames, as buffers to be written one after another. Their sum must stay below `recordBytes`. */
  seal(frames: readonly Uint8Array[]): Uint8Array[] {
    const parts: Uint8Array[] = [];
    let payloadBytes = 0;
    for (const frame of frames) {
      const length = Buffer.allocUnsafe(4);
      length.writeUInt32BE(frame.length);
      parts.push(length, frame);
      payloadBytes += 4 + frame.length;
    }
    const head = Buffer.allocUnsafe(4);
    head.writeUInt32BE(payloadBytes);
    const seal = mac(this.#key, this.#number, parts);
    this.#number += 1;
    return [head, seal, ...parts];
  }
}

/** Cuts a byte stream into verified frames. After a fault it takes nothing any more: the connection must be closed. */
export class RecordOpener {
  readonly #key: Uint8Array;
  #number = 0;
  #pieces: Uint8Array[] = [];
  #held = 0;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  take(piece: Uint8Array, onFrame: (frame: Uint8Array) => void): FrameFault | null {
    this.#pieces.push(piece);
    this.#held += piece.length;
    while (this.#held >= headBytes) {
      const payloadBytes = this.#peekLength();
      if (payloadBytes < 4 || payloadBytes > recordBytes) return 'length';
      if (this.#held < headBytes + payloadBytes) return null;
      const record = this.#cut(headBytes + payloadBytes);
      const payload = record.subarray(headBytes);
      const seal = mac(this.#key, this.#number, [payload]);
      if (!seal.equals(record.subarray(4, headBytes))) return 'mac';
      this.#number += 1;
      if (!split(payload, onFrame)) return 'length';
    }
    return null;
  }

  #peekLength(): number {
    const [first] = this.#pieces;
    if (first !== undefined && first.length >= 4) {
      return new DataView(first.buffer, first.byteOffset, 4).getUint32(0);
    }
    this.#pieces = [Buffer.concat(this.#pieces)];
    return this.#peekLength();
  }

  #cut(bytes: number): Buffer {
    const [first] = this.#pieces;
    const whole = this.#pieces.length === 1 && first !== undefined ? first : Buffer.concat(this.#pieces);
    const rest = whole.subarray(bytes);
    this.#pieces = rest.length > 0 ? [rest] : [];
    this.#held = rest.length;
    return Buffer.from(whole.buffer, whole.byteOffset, bytes);
  }
}

function split(payload: Buffer, onFrame: (frame: Uint8Array) => void): boolean {
  let offset = 0;
  while (offset < payload.length) {
    if (offset + 4 > payload.length) return false;
    const length = payload.readUInt32BE(offset);
    if (offset + 4 + length > payload.length) return false;
    onFrame(payload.subarray(offset + 4, offset + 4 + length));
    offset += 4 + length;
  }
  return true;
}
