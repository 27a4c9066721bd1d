import { crc32c } from '../base/crc.ts';
import { CodedError } from '../base/errors.ts';
import { MIB } from '../base/limits.ts';
import { StateDamage } from './damage.ts';
import { type Database, type Operation, writeBatch } from './database.ts';
import { decodeMark, encodeDigest, encodeHead, encodeLink, encodeMark, type Head } from './head.ts';
import {
  HEAD_KEY,
  linkKey,
  ROW_RANGE,
  STREAM_HEAD_RANGE,
  STREAM_RANGE,
  STREAMS_KEY,
  streamHeadKey,
  streamOfChunk,
  withoutPrefix,
} from './keys.ts';
import { RowIndex } from './row-index.ts';
import type { AppliedMark, SnapshotInstall } from './state-store.ts';
import {
  beginningOf,
  decodeStreamHead,
  encodeStreamHead,
  noRecords,
  type StreamHead,
  StreamIndex,
} from './stream-index.ts';
import { extendByChunk } from './stream-walk.ts';
import { FrameReader, type Item } from './transfer.ts';
import { valueChecksum, wrapValue } from './value.ts';

const BATCH_BYTES = 1 * MIB;

/** What becomes of the directory that was filled. */
export interface InstallEnd {
  commit(state: {
    readonly head: Head;
    readonly rows: RowIndex;
    readonly streams: StreamIndex;
  }): Promise<void>;
  abort(): Promise<void>;
}

/** A received copy on its way into a database of its own. */
export class Install implements SnapshotInstall {
  readonly #database: Database;
  readonly #end: InstallEnd;
  readonly #reader = new FrameReader();
  readonly #rows = new RowIndex();
  readonly #streams = new StreamIndex();
  /** The stream that is arriving, as far as it has. */
  #stream: { readonly name: string; readonly head: StreamHead } | null = null;
  /** Where the streams begin that lost their front and have not arrived yet. */
  readonly #beginnings = new Map<string, StreamHead>();
  #mark: AppliedMark | null = null;
  #operations: Operation[] = [];
  #operationBytes = 0;
  #committing: Promise<void> = Promise.resolve();
  #ended = false;

  constructor(database: Database, end: InstallEnd) {
    this.#database = database;
    this.#end = end;
  }

  get complete(): boolean {
    return this.#reader.complete && this.#mark !== null;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#checkOpen();
    for (const item of this.#reader.read(chunk)) this.#take(item);
    if (this.#operationBytes >= BATCH_BYTES) await this.#writeOperations();
  }

  async commit(): Promise<AppliedMark> {
    this.#checkOpen();
    const mark = this.#mark;
    if (!this.complete || mark === null)
      throw new StateDamage('transfer', 'The copy of the state is incomplete.');
    const committing = this.#commit(mark);
    this.#committing = committing.then(
      () => undefined,
      () => undefined,
    );
    await committing;
    return mark;
  }

  /** A swap under way is not taken back: it ends, one way or the other, before this resolves. */
  async abort(): Promise<void> {
    await this.#committing;
    await this.#abandon();
  }

  async #abandon(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#end.abort();
  }

  async #commit(mark: AppliedMark): Promise<void> {
    try {
      await this.#swap(mark);
    } catch (error) {
      await this.#abandon();
      throw error;
    }
  }

  async #swap(mark: AppliedMark): Promise<void> {
    const chain = crc32c(encodeMark(mark));
    const link = { number: 1, firstIndex: 1, lastIndex: mark.index, chainBefore: 0, chain };
    const head: Head = { mark, batch: { number: 1, chain, oldestLink: 1 }, rows: this.#rows.digest };
    this.#closeStream();
    // Of these nothing is left but where they go on.
    for (const [name, head] of this.#beginnings) this.#putHead(name, head);
    this.#put(STREAMS_KEY, encodeDigest(this.#streams.digest));
    this.#put(linkKey(1), encodeLink(link));
    this.#put(HEAD_KEY, encodeHead(head));
    await this.#writeOperations();
    await this.#end.commit({ head, rows: this.#rows, streams: this.#streams });
    this.#ended = true;
  }

  #checkOpen(): void {
    if (this.#ended) throw new StateDamage('transfer', 'The install has ended.');
  }

  #take(item: Item): void {
    if (item.kind === 'mark') {
      if (this.#mark !== null) throw new StateDamage('transfer', 'The copy of the state has two marks.');
      this.#mark = decodeMark(item.content);
      return;
    }
    if (within(item.key, STREAM_HEAD_RANGE)) {
      this.#beginnings.set(withoutPrefix(item.key), beginningOf(decodeStreamHead(item.content)));
      return;
    }
    const isRow = within(item.key, ROW_RANGE);
    if (!isRow && !within(item.key, STREAM_RANGE)) {
      throw new StateDamage(
        'transfer',
        `The copy of the state has a key that is none: ${JSON.stringify(item.key)}.`,
      );
    }
    const value = this.#put(item.key, item.content);
    if (isRow) this.#rows.put(withoutPrefix(item.key), valueChecksum(value));
    else this.#takeChunk(item.key, item.content);
  }

  #takeChunk(key: string, content: Buffer): void {
    const name = streamOfChunk(key);
    if (this.#stream?.name !== name) this.#closeStream();
    const head = this.#stream?.head ?? this.#beginnings.get(name) ?? noRecords;
    this.#beginnings.delete(name);
    this.#stream = { name, head: extendByChunk(name, head, key, content) };
  }

  #closeStream(): void {
    if (this.#stream === null) return;
    const { name, head } = this.#stream;
    this.#putHead(name, head);
    this.#stream = null;
  }

  #putHead(name: string, head: StreamHead): void {
    this.#streams.put(name, head, valueChecksum(this.#put(streamHeadKey(name), encodeStreamHead(head))));
  }

  #put(key: string, content: Uint8Array): Buffer {
    const value = wrapValue(key, content);
    this.#operations.push({ type: 'put', key, value });
    this.#operationBytes += key.length + value.length;
    return value;
  }

  async #writeOperations(): Promise<void> {
    const operations = this.#operations;
    this.#operations = [];
    this.#operationBytes = 0;
    if (operations.length === 0) return;
    try {
      await writeBatch(this.#database, operations);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      throw new CodedError('DISK_FAILED', `The copy of the state could not be written: ${text}`, {
        cause: error,
      });
    }
  }
}

function within(key: string, range: { readonly gte: string; readonly lt: string }): boolean {
  return key >= range.gte && key < range.lt;
}
