/**
 * The data-driven format: `#` comments, a command line, input lines, `----`, the expected output up to a blank line, or
 * between doubled `----` lines when it has blank lines itself.
 */
export interface Directive {
  /** Of the command, counted from 1. */
  readonly line: number;
  readonly command: string;
  readonly args: readonly Argument[];
  readonly input: readonly string[];
  readonly expected: readonly string[];
}

/** `key`, `key=value` or `key=(value,value value)`; `values` is null for a bare word. */
export interface Argument {
  readonly key: string;
  readonly values: readonly string[] | null;
}

/** The script is wrong, or asks for what is not known: the directive fails. */
export class ScriptError extends Error {
  readonly line: number | null;
  constructor(text: string, line: number | null = null) {
    super(text);
    this.name = 'ScriptError';
    this.line = line;
  }
}

const SEPARATOR = '----';

export function parseScript(text: string): readonly Directive[] {
  const lines = text.split('\n').map((line) => line.trimEnd());
  const directives: Directive[] = [];
  let position = 0;
  while (position < lines.length) {
    const line = lines[position]?.trim() ?? '';
    if (line === '' || line.startsWith('#')) {
      position++;
      continue;
    }
    const parsed = parseDirective(lines, position);
    directives.push(parsed.directive);
    position = parsed.next;
  }
  return directives;
}

function parseDirective(
  lines: readonly string[],
  start: number,
): { readonly directive: Directive; readonly next: number } {
  let position = start;
  let head = lines[position++] ?? '';
  while (head.endsWith('\\')) head = `${head.slice(0, -1)} ${lines[position++] ?? ''}`;
  const { command, args } = parseCommand(head, start + 1);
  const input: string[] = [];
  for (; lines[position] !== SEPARATOR; position++) {
    const line = lines[position];
    if (line === undefined) throw new ScriptError('a command without an expected output', start + 1);
    input.push(line);
  }
  position++;
  const expected: string[] = [];
  if (lines[position] === SEPARATOR) {
    for (position++; lines[position] !== SEPARATOR || lines[position + 1] !== SEPARATOR; position++) {
      const line = lines[position];
      if (line === undefined) throw new ScriptError('an output that is not closed', start + 1);
      expected.push(line);
    }
    position += 2;
  } else {
    for (; (lines[position] ?? '').trim() !== ''; position++) expected.push(lines[position] ?? '');
  }
  return { directive: { line: start + 1, command, args, input, expected }, next: position };
}

function parseCommand(
  head: string,
  line: number,
): { readonly command: string; readonly args: readonly Argument[] } {
  const words = head.match(/[^\s=]+=\([^)]*\)|\S+/g) ?? [];
  const [command = '', ...rest] = words;
  const args = rest.map((word): Argument => {
    const equals = word.indexOf('=');
    if (equals < 0) return { key: word, values: null };
    const key = word.slice(0, equals);
    const value = word.slice(equals + 1);
    if (value.startsWith('(') !== value.endsWith(')')) throw new ScriptError(`unbalanced ${word}`, line);
    if (!value.startsWith('(')) return { key, values: [value] };
    return {
      key,
      values: value
        .slice(1, -1)
        .split(/[\s,]+/)
        .filter((part) => part !== ''),
    };
  });
  return { command, args };
}

export interface Divergence {
  readonly line: number;
  readonly text: string;
}

const LOGGED = /^(DEBUG|INFO|WARN|ERROR)\b/;
const BARE = new Set(['ok', 'ok (quiet)']);

/** Null when both say the same. */
export function compareOutput(directive: Directive, actual: string): Divergence | null {
  const expected = significant(directive.expected);
  const got = significant(actual.split('\n'));
  for (let position = 0; position < Math.max(expected.length, got.length); position++) {
    if (expected[position] === got[position]) continue;
    const show = (line: string | undefined): string => (line === undefined ? 'nothing more' : `"${line}"`);
    const text = `expected ${show(expected[position])}, got ${show(got[position])}`;
    return { line: directive.line, text: `${directive.command}: ${text}` };
  }
  return null;
}

function significant(lines: readonly string[]): readonly string[] {
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== '' && !BARE.has(line) && !LOGGED.test(line));
}

/** The arguments of one directive, taken one by one: what is left over is not known, and fails it. */
export class Arguments {
  readonly #command: string;
  readonly #given: readonly Argument[];
  readonly #words: string[] = [];
  readonly #values = new Map<string, readonly string[]>();

  constructor(directive: Directive) {
    this.#command = directive.command;
    this.#given = directive.args;
    for (const { key, values } of directive.args) {
      if (values === null) this.#words.push(key);
      else this.#values.set(key, [...(this.#values.get(key) ?? []), ...values]);
    }
  }

  word(): string {
    const word = this.#words.shift();
    if (word === undefined) throw new ScriptError(`${this.#command}: an argument is missing`);
    return word;
  }

  number(): number {
    return toNumber(this.word());
  }

  /** All remaining bare words. */
  numbers(): readonly number[] {
    return this.#words.splice(0).map(toNumber);
  }

  /** All bare words and all values of `key`, in the order in which they stand. */
  numbersAmong(key: string): readonly { readonly value: number; readonly keyed: boolean }[] {
    this.#words.length = 0;
    this.#values.delete(key);
    return this.#given.flatMap(({ key: name, values }) => {
      if (values !== null && name !== key) return [];
      return (values ?? [name]).map((value) => ({ value: toNumber(value), keyed: values !== null }));
    });
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  list(key: string): readonly string[] {
    const values = this.#values.get(key) ?? [];
    this.#values.delete(key);
    return values;
  }

  numberList(key: string): readonly number[] {
    return this.list(key).map(toNumber);
  }

  /** The last value wins, as if each was set in turn. */
  option<T>(key: string, fallback: T, convert: (value: string) => T): T {
    return this.list(key).reduce((_, value) => convert(value), fallback);
  }

  done(): void {
    const [word] = this.#words;
    if (word !== undefined) throw new ScriptError(`${this.#command}: unknown argument ${word}`);
    const [key] = this.#values.keys();
    if (key !== undefined) throw new ScriptError(`${this.#command}: unknown argument ${key}=`);
  }
}

export function toNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new ScriptError(`not a number: ${text}`);
  return Number(text);
}

/** In the spellings that the scripts' own reader takes. */
export function toBoolean(text: string): boolean {
  if (/^(1|t|true)$/i.test(text)) return true;
  if (/^(0|f|false)$/i.test(text)) return false;
  throw new ScriptError(`not a boolean: ${text}`);
}
