/** Reads a backup and believes nothing: order, checksums, addresses, counts, and that every file that the state refers to is there. */
import { decodeFileReference } from '../chat/rows/file-rows.ts';
import { rowPrefix } from '../chat/rows/row-codec.ts';
import { addressOf } from '../files/digest.ts';
import { decodeManifest } from '../protocol/manifest.ts';
import { StateDamage } from '../store/damage.ts';
import { ROW_RANGE, withoutPrefix } from '../store/keys.ts';
import { FrameReader, type Item } from '../store/transfer.ts';
import {
  type BackupEnd,
  type BackupHead,
  type BackupRecord,
  invalidBackup,
  RecordReader,
} from './records.ts';

/** Who does something with what is read. Each part has passed its checks; that all of them are there, only the end tells. */
export interface BackupSink {
  head?(head: BackupHead): void;
  items?(items: readonly Item[]): Promise<void>;
  piece?(address: string, content: Uint8Array): Promise<void>;
}

export interface BackupSummary {
  readonly head: BackupHead;
  readonly end: BackupEnd;
  /** Bytes below the encryption. */
  readonly bytes: number;
}

export class BackupReader {
  readonly #sink: BackupSink;
  readonly #records = new RecordReader();
  readonly #frames = new FrameReader();
  readonly #seen = new Set<string>();
  readonly #missing = new Set<string>();
  /** Of messages. What their chunks are, their content says. */
  readonly #manifests = new Set<string>();
  readonly #chunks = new Set<string>();
  #head: BackupHead | null = null;
  #end: BackupEnd | null = null;
  #frameCount = 0;
  #bytes = 0;

  constructor(sink: BackupSink = {}) {
    this.#sink = sink;
  }

  get head(): BackupHead | null {
    return this.#head;
  }

  /** So far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Rejects with CodedError BACKUP_INVALID. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#bytes += bytes.length;
    for (const record of this.#records.read(bytes)) await this.#take(record);
  }

  /** Throws CodedError BACKUP_INVALID when something is missing. */
  finish(): BackupSummary {
    const [head, end] = [this.#head, this.#end];
    if (head === null || end === null || !this.#records.isBetweenRecords)
      throw invalidBackup('it is cut off');
    return { head, end, bytes: this.#bytes };
  }

  async #take(record: BackupRecord): Promise<void> {
    if (this.#end !== null) throw invalidBackup('something follows its end');
    if ((record.kind === 'head') !== (this.#head === null))
      throw invalidBackup('its head is not where it should be');
    switch (record.kind) {
      case 'head':
        this.#head = record.head;
        this.#sink.head?.(record.head);
        return;
      case 'frame':
        this.#frameCount++;
        await this.#takeFrame(record.frame);
        return;
      case 'piece':
        this.#takePiece(record.address, record.content);
        await this.#sink.piece?.(record.address, record.content);
        return;
      case 'missing':
        this.#missing.add(record.address);
        return;
      case 'end':
        this.#takeEnd(record.end);
        return;
      default:
        record satisfies never;
    }
  }

  async #takeFrame(frame: Uint8Array): Promise<void> {
    const items = this.#read(frame);
    for (const item of items) this.#note(item);
    await this.#sink.items?.(items);
  }

  #read(frame: Uint8Array): readonly Item[] {
    try {
      return this.#frames.read(frame);
    } catch (error) {
      if (error instanceof StateDamage) throw invalidBackup(error.message, error);
      throw error;
    }
  }

  #note(item: Item): void {
    const manifest = manifestIn(item);
    if (manifest !== null) this.#manifests.add(manifest);
  }

  #takePiece(address: string, content: Uint8Array): void {
    if (addressOf(content) !== address) throw invalidBackup('a part of a file is not what its address says');
    this.#seen.add(address);
    if (!this.#manifests.has(address)) return;
    const manifest = decodeManifest(content);
    if (manifest === null) throw invalidBackup('the list of the parts of a file cannot be read');
    for (const chunk of manifest.chunks) this.#chunks.add(chunk);
  }

  #takeEnd(end: BackupEnd): void {
    const found = { frames: this.#frameCount, pieces: this.#seen.size, missing: this.#missing.size };
    const isWhole =
      this.#frames.complete &&
      end.frames === found.frames &&
      end.pieces === found.pieces &&
      end.missing === found.missing;
    if (!isWhole) throw invalidBackup('it is not what its end says');
    for (const address of [...this.#manifests, ...this.#chunks]) {
      if (!this.#seen.has(address) && !this.#missing.has(address))
        throw invalidBackup('a part of a file is not in it');
    }
    this.#end = end;
  }
}

/** The manifest that a row of the state refers to, if it is such a row. */
export function manifestIn(item: Item): string | null {
  if (item.kind !== 'value' || !item.key.startsWith(ROW_RANGE.gte + rowPrefix.file)) return null;
  const key = withoutPrefix(item.key);
  const reference = decodeFileReference(Number(key.slice(rowPrefix.file.length)), item.content);
  if (reference === null)
    throw invalidBackup('a row of its state cannot be read, perhaps of a newer version');
  return reference.manifest;
}
