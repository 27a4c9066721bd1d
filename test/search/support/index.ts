/** The index in this process, in a directory of its own, and what a test may do to it. */
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodedError } from '../../../src/base/errors.ts';
import { IndexFile } from '../../../src/search/index-file.ts';
import type {
  Hit,
  IndexBatch,
  IndexQuestion,
  Place,
  SearchDocument,
  SearchIndex,
} from '../../../src/search/ports.ts';
import { readWords } from '../../../src/search/words.ts';

export function temporaryPath(t: { teardown(action: () => unknown): void }): string {
  const root = join(tmpdir(), `conclave-search-${process.pid}-${Math.random().toString(36).slice(2)}`);
  t.teardown(() => rm(root, { recursive: true, force: true }));
  return join(root, 'search', 'index.db');
}

export class LocalIndex implements SearchIndex {
  readonly path: string;
  readonly batches: IndexBatch[] = [];
  #file: IndexFile | null = null;
  /** Every call fails while it is set. */
  isBroken = false;

  constructor(path: string) {
    this.path = path;
  }

  async places(): Promise<ReadonlyMap<string, Place>> {
    return new Map(this.#open().places());
  }

  async write(batch: IndexBatch): Promise<void> {
    this.#open().write(batch);
    this.batches.push(batch);
  }

  async find(question: IndexQuestion): Promise<readonly Hit[]> {
    return this.#open().find(question);
  }

  async stop(): Promise<void> {
    this.#file?.close();
    this.#file = null;
  }

  #open(): IndexFile {
    if (this.isBroken) throw new CodedError('UNAVAILABLE');
    this.#file ??= new IndexFile(this.path);
    return this.#file;
  }
}

export function document(
  id: number,
  text: string,
  scopes: readonly string[],
  conversation = 'g:1',
): SearchDocument {
  return { id, conversation, sequence: id, text, scopes };
}

export function question(
  typed: string,
  scopes: readonly string[],
  more: Partial<IndexQuestion> = {},
): IndexQuestion {
  return { words: readWords(typed), scopes, also: [], conversation: null, before: null, limit: 10, ...more };
}
