/**
 * Which rows changed since the store last asked. A row is a live object that can encode itself, so that one changed by a
 * thousand entries of a group is encoded once.
 */
import type { Changes, StreamAppend, StreamTrim } from '../../base/changes.ts';

export interface Row {
  readonly key: string;
  /** Already noted: makes noting a busy row again cost one comparison. Written by `ChangeSet` only. */
  noted: boolean;
  encode(): Uint8Array;
}

export class ChangeSet {
  /** Key → the row to write, or null for one to delete: so a key never is both. */
  #rows = new Map<string, Row | null>();
  #appends: StreamAppend[] = [];
  #dropped: string[] = [];
  #trims: StreamTrim[] = [];
  readonly #onDrop: (stream: string) => void;

  /** `onDrop`: what else goes with the records of a stream. */
  constructor(onDrop: (stream: string) => void = () => undefined) {
    this.#onDrop = onDrop;
  }

  put(row: Row): void {
    if (row.noted) return;
    row.noted = true;
    this.#rows.set(row.key, row);
  }

  delete(row: Row): void {
    // Stays noted: should anything change the dead object later, its row does not come back.
    row.noted = true;
    this.#rows.set(row.key, null);
  }

  append(stream: string, sequence: number, record: Uint8Array): void {
    this.#appends.push({ stream, sequence, record });
  }

  dropStream(stream: string): void {
    this.#dropped.push(stream);
    this.#onDrop(stream);
  }

  /** All records of the stream below that sequence go. */
  trimStream(stream: string, below: number): void {
    this.#trims.push({ stream, below });
  }

  take(): Changes {
    const puts = new Map<string, Uint8Array>();
    const deletes = new Set<string>();
    for (const [key, row] of this.#rows) {
      if (row === null) {
        deletes.add(key);
      } else {
        row.noted = false;
        puts.set(key, row.encode());
      }
    }
    const appends = this.#kept(this.#appends);
    const changes = { puts, deletes, appends, dropStreams: this.#dropped, trims: this.#kept(this.#trims) };
    this.clear();
    return changes;
  }

  clear(): void {
    this.#rows = new Map();
    this.#appends = [];
    this.#dropped = [];
    this.#trims = [];
  }

  /** A stream that was written and dropped in one group is only dropped: nobody has to know which came first. */
  #kept<Change extends { readonly stream: string }>(changes: readonly Change[]): readonly Change[] {
    if (this.#dropped.length === 0) return changes;
    const dropped = new Set(this.#dropped);
    return changes.filter(({ stream }) => !dropped.has(stream));
  }
}
