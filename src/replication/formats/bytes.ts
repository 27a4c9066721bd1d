/** Little binary writer and reader of the formats of replication: big-endian, bounded, no surprises. */
const TWO_32 = 2 ** 32;

/** What a frame or record holds does not follow its format. Caught where frames come in, and counted there. */
export class MalformedError extends Error {
  constructor(text: string) {
    super(text);
    this.name = 'MalformedError';
  }
}

/** Grows when the expected size was too small; `finish` hands the buffer over without a copy. */
export class ByteWriter {
  #buffer: Buffer;
  #at = 0;

  constructor(expectedBytes: number) {
    this.#buffer = Buffer.allocUnsafe(Math.max(16, expectedBytes));
  }

  #reserve(bytes: number): number {
    const at = this.#at;
    this.#at = at + bytes;
    if (this.#at > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#at, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, at);
      this.#buffer = larger;
    }
    return at;
  }

  u8(value: number): void {
    const at = this.#reserve(1);
    this.#buffer[at] = value;
  }

  u32(value: number): void {
    const at = this.#reserve(4);
    this.#buffer.writeUInt32BE(value, at);
  }

  /** A safe integer ≥ 0, in 8 bytes. */
  u64(value: number): void {
    const at = this.#reserve(8);
    this.#buffer.writeUInt32BE(Math.floor(value / TWO_32), at);
    this.#buffer.writeUInt32BE(value % TWO_32, at + 4);
  }

  raw(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#buffer.set(bytes, at);
  }

  /** Length (u32), then the bytes. */
  block(bytes: Uint8Array): void {
    this.u32(bytes.length);
    this.raw(bytes);
  }

  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#at);
  }
}

/** Every read is checked against the end; throws MalformedError. Blocks are views of the source, not copies. */
export class ByteReader {
  readonly #buffer: Buffer;
  #at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = at;
  }

  get left(): number {
    return this.#buffer.length - this.#at;
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (bytes > this.#buffer.length - at) throw new MalformedError('it ends too early');
    this.#at = at + bytes;
    return at;
  }

  u8(): number {
    return this.#buffer.readUInt8(this.#take(1));
  }

  u32(): number {
    return this.#buffer.readUInt32BE(this.#take(4));
  }

  u64(): number {
    const at = this.#take(8);
    const value = this.#buffer.readUInt32BE(at) * TWO_32 + this.#buffer.readUInt32BE(at + 4);
    if (!Number.isSafeInteger(value)) throw new MalformedError('a number is too large');
    return value;
  }

  block(): Uint8Array {
    const length = this.u32();
    const at = this.#take(length);
    return this.#buffer.subarray(at, at + length);
  }

  /** A count of things that take at least `leastBytes` each: a count that cannot be true is refused before any loop. */
  count(leastBytes: number): number {
    const count = this.u32();
    if (count * leastBytes > this.left) throw new MalformedError('a count is too large');
    return count;
  }

  end(): void {
    if (this.left !== 0) throw new MalformedError('it is longer than its content');
  }
}
