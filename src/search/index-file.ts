/**
 * The index: one SQLite file with one FTS5 table and no texts. Synchronous, so it lives in a process of its own. Whatever is wrong with the
 * file, it is removed and begun anew: all of it follows from the applied state.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import sqlite, { type Database as SqliteDatabase } from 'node-sqlite3-wasm';
import { matchOf } from './match.ts';
import type { Hit, IndexBatch, IndexQuestion, Place } from './ports.ts';
import { spaced } from './words.ts';

/** Of tables and tokens: another one begins anew. */
const format = 3;

/** `words.ts` knows these categories, too. */
const schema = `
  create virtual table words using fts5(text, scope, content='', contentless_delete=1,
    tokenize="unicode61 remove_diacritics 2 categories 'L* M* N* Co So'");
  create table conversation(number integer primary key, id text not null unique,
    first integer not null, sequence integer not null, revision integer not null);
  create table message(id integer primary key, conversation integer not null, sequence integer not null);
  create index message_place on message(conversation, sequence);
  pragma user_version = ${format};
`;

export class IndexFile {
  readonly #path: string;
  #database: SqliteDatabase;
  readonly #numbers = new Map<string, number>();

  constructor(path: string) {
    this.#path = path;
    mkdirSync(dirname(path), { recursive: true });
    // Left by a process that was killed. This node's is the only one: the data directory is locked.
    rmSync(`${path}.lock`, { recursive: true, force: true });
    this.#database = this.#open();
  }

  places(): readonly (readonly [string, Place])[] {
    return this.#trying(() => {
      this.#numbers.clear();
      const rows = this.#database.all('select number, id, first, sequence, revision from conversation');
      return rows.map(({ number, id, first, sequence, revision }) => {
        this.#numbers.set(String(id), Number(number));
        const place = { first: Number(first), sequence: Number(sequence), revision: Number(revision) };
        return [String(id), place] as const;
      });
    });
  }

  write({ documents, places, gone, removed }: IndexBatch): void {
    this.#trying(() => {
      const database = this.#database;
      database.exec('begin immediate');
      try {
        for (const id of gone) this.#forget(id);
        for (const id of removed) this.#remove(id);
        for (const { id, conversation, sequence, text, scopes } of documents) {
          database.run('insert or replace into words(rowid, text, scope) values (?, ?, ?)', [
            id,
            spaced(text),
            scopes.join(' '),
          ]);
          database.run('insert or replace into message values (?, ?, ?)', [
            id,
            this.#number(conversation),
            sequence,
          ]);
        }
        for (const [id, place] of places) this.#advance(this.#number(id), place);
        database.exec('commit');
      } catch (error) {
        this.#numbers.clear();
        if (database.inTransaction) database.exec('rollback');
        throw error;
      }
    });
  }

  find(question: IndexQuestion): readonly Hit[] {
    const match = matchOf(question);
    if (match === null) return [];
    const { conversation, before, limit } = question;
    return this.#trying(() => {
      const rows = this.#database.all(
        `select message.id as id, conversation.id as conversation, message.sequence as sequence
           from words join message on message.id = words.rowid
           join conversation on conversation.number = message.conversation
          where words match ? and words.rowid < ? and (? is null or conversation.id = ?)
          order by words.rowid desc limit ?`,
        [match, before ?? Number.MAX_SAFE_INTEGER, conversation, conversation, limit],
      );
      return rows.map(({ id, conversation, sequence }) => ({
        id: Number(id),
        conversation: String(conversation),
        sequence: Number(sequence),
      }));
    });
  }

  close(): void {
    this.#database.close();
  }

  #open(): SqliteDatabase {
    try {
      return this.#prepared();
    } catch {
      this.#wipe();
      return this.#prepared();
    }
  }

  #prepared(): SqliteDatabase {
    const database = new sqlite.Database(this.#path);
    try {
      // A rollback journal: a killed process leaves a whole file. Cache: 8 MiB.
      database.exec(
        'pragma locking_mode = exclusive; pragma journal_mode = truncate; pragma synchronous = normal',
      );
      database.exec('pragma cache_size = -8192; pragma cell_size_check = on');
      const version = Number(database.get('pragma user_version')?.user_version ?? 0);
      if (version === format) return database;
      if (version !== 0) throw new Error(`format ${version}`);
      database.exec(`begin; ${schema} commit`);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** A file that SQLite finds damaged is begun anew; the caller still learns that this went wrong, and asks for the places again. */
  #trying<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (error instanceof Error && /malformed|not a database|corrupt/i.test(error.message)) {
        this.#database.close();
        this.#numbers.clear();
        this.#wipe();
        this.#database = this.#prepared();
      }
      throw error;
    }
  }

  #wipe(): void {
    for (const end of ['', '-journal', '.lock']) rmSync(this.#path + end, { recursive: true, force: true });
  }

  #number(conversation: string): number {
    const known = this.#numbers.get(conversation);
    if (known !== undefined) return known;
    this.#database.run(
      'insert or ignore into conversation(id, first, sequence, revision) values (?, 1, 0, 0)',
      [conversation],
    );
    const row = this.#database.get('select number from conversation where id = ?', [conversation]);
    const number = Number(row?.number);
    this.#numbers.set(conversation, number);
    return number;
  }

  #advance(number: number, { first, sequence, revision }: Place): void {
    const row = this.#database.get('select first from conversation where number = ?', [number]);
    if (Number(row?.first) < first) this.#cut(number, first);
    this.#database.run('update conversation set first = ?, sequence = ?, revision = ? where number = ?', [
      first,
      sequence,
      revision,
      number,
    ]);
  }

  /** All below a sequence. */
  #cut(number: number, below: number): void {
    const all = 'select id from message where conversation = ? and sequence < ?';
    this.#database.run(`delete from words where rowid in (${all})`, [number, below]);
    this.#database.run('delete from message where conversation = ? and sequence < ?', [number, below]);
  }

  #remove(id: number): void {
    this.#database.run('delete from words where rowid = ?', [id]);
    this.#database.run('delete from message where id = ?', [id]);
  }

  #forget(conversation: string): void {
    const number = this.#number(conversation);
    this.#cut(number, Number.MAX_SAFE_INTEGER);
    this.#database.run('delete from conversation where number = ?', [number]);
    this.#numbers.delete(conversation);
  }
}
