import { crc32c } from '../../src/base/crc.ts';
import type { Violation } from './history.ts';

/** What one entry changed, as the store is told. */
export interface EntryChanges {
  readonly puts: ReadonlyMap<string, Uint8Array>;
  readonly deletes: ReadonlySet<string>;
  readonly appends: readonly {
    readonly stream: string;
    readonly sequence: number;
    readonly record: Uint8Array;
  }[];
  readonly dropStreams: readonly string[];
  readonly trims: readonly { readonly stream: string; readonly below: number }[];
}

interface Version {
  readonly index: number;
  /** Null: the row is gone. */
  readonly checksum: number | null;
}

/**
 * The state as one machine has it that was never stopped, never restored and never late: every entry once, in order. All nodes are held
 * against it: their answers by log index, what they find on disk when they start, and what a snapshot gave them.
 */
export class ReferenceState {
  readonly #answers = new Map<number, number>();
  readonly #rows = new Map<string, Version[]>();
  /** From the first one that was not trimmed. */
  readonly #streams = new Map<string, number[]>();
  readonly #firsts = new Map<string, number>();
  #index = 0;

  /** Of the newest entry. */
  get index(): number {
    return this.#index;
  }

  get streams(): ReadonlyMap<string, readonly number[]> {
    return this.#streams;
  }

  /** The reference has applied an entry: a hash of the entry with its answer, and the changes. */
  record(index: number, answer: number, changes: EntryChanges): void {
    this.#index = index;
    this.#answers.set(index, answer);
    for (const [key, value] of changes.puts) this.#change(key, { index, checksum: crc32c(value) });
    for (const key of changes.deletes) this.#change(key, { index, checksum: null });
    for (const stream of changes.dropStreams) this.#streams.delete(stream);
    for (const stream of changes.dropStreams) this.#firsts.delete(stream);
    for (const { stream, record } of changes.appends) {
      const records = this.#streams.get(stream) ?? [];
      records.push(crc32c(record));
      this.#streams.set(stream, records);
    }
    for (const { stream, below } of changes.trims) {
      const first = this.#firsts.get(stream) ?? 1;
      this.#streams.get(stream)?.splice(0, Math.max(0, below - first));
      this.#firsts.set(stream, Math.max(first, below));
    }
  }

  #change(key: string, version: Version): void {
    const versions = this.#rows.get(key);
    if (versions === undefined) this.#rows.set(key, [version]);
    else versions.push(version);
  }

  /** That node has applied the entry with that answer. */
  answers(node: number, index: number, answer: number): Violation | null {
    const known = this.#answers.get(index);
    if (known === undefined || known === answer) return null;
    const text = `node ${node} gave entry ${index} another meaning or another answer than the others`;
    return { kind: 'state-differs', text };
  }

  /** That node starts from these rows, said to be the state after entry `index`. */
  loads(node: number, index: number, rows: ReadonlyMap<string, number>): Violation | null {
    const differs = (key: string, what: string): Violation => ({
      kind: 'state-differs',
      text: `node ${node} holds a state after entry ${index} in which row ${key} ${what}`,
    });
    for (const [key, versions] of this.#rows) {
      const expected = newest(versions, index);
      const found = rows.get(key) ?? null;
      if (expected === found) continue;
      if (found === null) return differs(key, 'is missing');
      return differs(key, expected === null ? 'should be gone' : 'is not what it should be');
    }
    for (const key of rows.keys()) if (!this.#rows.has(key)) return differs(key, 'should not be there');
    return null;
  }

  /** Checksums of the rows as they are after entry `index`. */
  rowsAt(index: number): Map<string, number> {
    const rows = new Map<string, number>();
    for (const [key, versions] of this.#rows) {
      const checksum = newest(versions, index);
      if (checksum !== null) rows.set(key, checksum);
    }
    return rows;
  }

  /** That node holds these records of a stream. */
  reads(node: number, stream: string, records: readonly Uint8Array[]): Violation | null {
    const expected = this.#streams.get(stream) ?? [];
    const same =
      expected.length === records.length && records.every((record, i) => crc32c(record) === expected[i]);
    if (same) return null;
    const text = `node ${node} holds ${records.length} records of ${stream}, and not the ${expected.length} that were written, or others`;
    return { kind: 'state-differs', text };
  }
}

function newest(versions: readonly Version[], index: number): number | null {
  for (let at = versions.length - 1; at >= 0; at--) {
    const version = versions[at];
    if (version !== undefined && version.index <= index) return version.checksum;
  }
  return null;
}
