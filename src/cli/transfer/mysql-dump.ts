/**
 * The words dialect's reference kept its data in MySQL: reads the tables `users`, `groupchat` and, if there is one, a table of messages out of a
 * `mysqldump`. Only `CREATE TABLE` (for the order of the columns) and `INSERT INTO` are understood; everything else is passed over. Both stand
 * at the beginning of a line, where no text of a row can: its line breaks are escaped.
 */
export interface DumpTable {
  readonly name: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
}

/** Never throws: what is no statement of a dump is passed over. */
export function readMysqlDump(text: string): readonly DumpTable[] {
  const columns = new Map<string, readonly string[]>();
  const rows = new Map<string, (readonly (string | null)[])[]>();
  const tables = /^CREATE TABLE (?:IF NOT EXISTS )?`?(\w+)`?\s*\(/gm;
  for (let found = tables.exec(text); found !== null; found = tables.exec(text)) {
    const parts = partsOf(text, tables.lastIndex);
    columns.set(
      found[1] ?? '',
      parts.flatMap((part) => column.exec(part)?.[1] ?? plainColumn.exec(part)?.[1] ?? []),
    );
  }
  const inserts = /^INSERT INTO `?(\w+)`?\s*(?:\(([^)]*)\))?\s*VALUES\s*/gm;
  for (let found = inserts.exec(text); found !== null; found = inserts.exec(text)) {
    const [, name = '', named] = found;
    if (named !== undefined)
      columns.set(
        name,
        named.split(',').map((column) => column.replace(/[`\s]/g, '')),
      );
    const tuples = new TupleReader(text, inserts.lastIndex);
    const own = rows.get(name) ?? [];
    rows.set(name, own);
    for (const row of tuples.read()) own.push(row);
    inserts.lastIndex = tuples.end;
  }
  return Array.from(rows, ([name, own]) => ({ name, columns: columns.get(name) ?? [], rows: own }));
}

const column = /^\s*`(\w+)`/;
/** As `--skip-quote-names` writes it; no key and no constraint. */
const plainColumn =
  /^\s*(?!(?:PRIMARY|UNIQUE|FULLTEXT|SPATIAL|FOREIGN|KEY|INDEX|CONSTRAINT|CHECK)\b)(\w+)\s/i;

/** What stands between the commas of a bracket that was opened before `from`; brackets and quoted texts within it are whole. */
function partsOf(text: string, from: number): readonly string[] {
  const parts: string[] = [];
  const marks = /'(?:[^'\\]|\\.|'')*'|[(),]/gs;
  marks.lastIndex = from;
  let begun = from;
  let depth = 1;
  for (let mark = marks.exec(text); mark !== null && depth > 0; mark = marks.exec(text)) {
    if (mark[0] === '(') depth += 1;
    if (mark[0] === ')') depth -= 1;
    const endsPart = (mark[0] === ',' && depth === 1) || depth === 0;
    if (!endsPart) continue;
    parts.push(text.slice(begun, mark.index));
    begun = marks.lastIndex;
  }
  return parts;
}

/** `_binary 'text'`: what a column without a character set has before its text. */
const introducer = /_\w+ (?=')/y;

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', 0: '\0', Z: '\x1a', b: '\b' };

/** `(1,'text',NULL),(…);` */
class TupleReader {
  readonly #text: string;
  #at: number;

  constructor(text: string, at: number) {
    this.#text = text;
    this.#at = at;
  }

  get end(): number {
    return this.#at;
  }

  read(): readonly (readonly (string | null)[])[] {
    const tuples: (readonly (string | null)[])[] = [];
    while (this.#text[this.#at] === '(') {
      this.#at += 1;
      tuples.push(this.#tuple());
      this.#skip(/[\s,]/);
    }
    return tuples;
  }

  #tuple(): readonly (string | null)[] {
    const values: (string | null)[] = [];
    while (this.#at < this.#text.length && this.#text[this.#at] !== ')') {
      values.push(this.#value());
      this.#skip(/[\s,]/);
    }
    this.#at += 1;
    return values;
  }

  #value(): string | null {
    introducer.lastIndex = this.#at;
    if (introducer.test(this.#text)) this.#at = introducer.lastIndex;
    if (this.#text[this.#at] === "'") return this.#quoted();
    const start = this.#at;
    while (this.#at < this.#text.length && !/[,)]/.test(this.#text[this.#at] ?? ')')) this.#at += 1;
    const plain = this.#text.slice(start, this.#at).trim();
    if (plain === 'NULL') return null;
    return /^0x(?:[0-9A-F]{2})+$/i.test(plain) ? Buffer.from(plain.slice(2), 'hex').toString() : plain;
  }

  #quoted(): string {
    let value = '';
    for (this.#at += 1; this.#at < this.#text.length; this.#at += 1) {
      const unit = this.#text[this.#at] ?? '';
      if (unit === '\\') {
        this.#at += 1;
        const escaped = this.#text[this.#at] ?? '';
        value += escapes[escaped] ?? escaped;
      } else if (unit !== "'") {
        value += unit;
      } else if (this.#text[this.#at + 1] === "'") {
        value += "'";
        this.#at += 1;
      } else {
        this.#at += 1;
        return value;
      }
    }
    return value;
  }

  #skip(what: RegExp): void {
    while (this.#at < this.#text.length && what.test(this.#text[this.#at] ?? '')) this.#at += 1;
  }
}
