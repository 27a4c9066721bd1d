import type { Database } from './database.ts';
import type { Head } from './head.ts';
import type { RowIndex } from './row-index.ts';
import type { TableSums } from './state-seal.ts';
import type { StreamIndex } from './stream-index.ts';

/**
 * One state directory while it is in force, and after that until its last reader is done: an install puts the next generation in
 * its place without waiting for them.
 */
export class Generation {
  readonly number: number;
  readonly database: Database;
  /** Of the tables that were there at its opening. */
  readonly tables: TableSums;
  readonly rows: RowIndex;
  readonly streams: StreamIndex;
  /** Of the newest batch that is written. */
  head: Head | null;
  #readers = 0;
  #retire: (() => void) | null = null;

  constructor(
    number: number,
    database: Database,
    state: { readonly head: Head | null; readonly rows: RowIndex; readonly streams: StreamIndex },
    tables: TableSums = new Map(),
  ) {
    this.number = number;
    this.tables = tables;
    this.database = database;
    this.head = state.head;
    this.rows = state.rows;
    this.streams = state.streams;
  }

  /** Until the returned function is called (once or more), the database stays open. */
  hold(): () => void {
    this.#readers++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#readers--;
      if (this.#readers === 0) this.#retire?.();
    };
  }

  /** Resolves once no reader is left. */
  retired(): Promise<void> {
    return new Promise((resolve) => {
      this.#retire = resolve;
      if (this.#readers === 0) resolve();
    });
  }
}
