/**
 * Transcripts: who types what, and which lines each of them then reads, to the letter. Lines of one reader are compared in order; readers
 * do not wait for each other.
 *
 *     a@2         a connects to the place that is called 2
 *     a> line     a types it
 *     a< line     what a reads next; an empty line of a list is `a<`
 *     a? line     typed again until what follows (one line, or a list) is read: for what other nodes learn in a moment
 *     a.          the connection ends, and nothing comes before
 *     # remark
 *
 * In a line that is read, `…` stands for anything, and `{word}` the first time, too; later it stands for what was read there, also in lines
 * that are typed.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { LineClient } from '../../../support/gateway.ts';

export interface Asserts {
  equal(found: unknown, wanted: unknown, message: string): unknown;
}

/** A port by its name in transcripts. */
export type PortOf = (place: string) => number;

const patienceMs = 30_000;
const againMs = 50;
const hole = '…';

export class Transcript {
  readonly #asserts: Asserts;
  readonly #portOf: PortOf;
  readonly #clients = new Map<string, LineClient>();
  readonly #words = new Map<string, string>();

  constructor(
    asserts: Asserts,
    portOf: PortOf = (place) => {
      throw new Error(`there is no place ${place}`);
    },
  ) {
    this.#asserts = asserts;
    this.#portOf = portOf;
  }

  async join(name: string, port: number): Promise<void> {
    this.#clients.get(name)?.destroy();
    this.#clients.set(name, await LineClient.open(port));
  }

  client(name: string): LineClient {
    const client = this.#clients.get(name);
    if (client === undefined) throw new Error(`nobody is called ${name}`);
    return client;
  }

  /** What `{word}` stands for. */
  define(word: string, text: string): void {
    this.#words.set(word, text);
  }

  /** What stood in place of `…`, in order. */
  async play(script: string): Promise<readonly string[]> {
    const variable: string[] = [];
    const rows = script.split('\n').flatMap(readRow);
    for (let row = rows.shift(); row !== undefined; row = rows.shift()) {
      const { name, sign, text } = row;
      if (sign === '>') this.client(name).send(`${this.#filled(text)}\n`);
      else if (sign === '<') variable.push(...(await this.#expect(name, text)));
      else if (sign === '@') await this.join(name, this.#portOf(text));
      else if (sign === '.') this.#asserts.equal(await this.rest(name), '', `the connection of ${name} ends`);
      else {
        const next = rows.findIndex((other) => other.sign !== '<' || other.name !== name);
        const answer = rows.splice(0, next < 0 ? rows.length : next);
        await this.#repeat(
          name,
          this.#filled(text),
          answer.map((line) => this.#filled(line.text)),
        );
      }
    }
    return variable;
  }

  /** What comes until the other side ends. */
  rest(name: string): Promise<string> {
    return inTime(`${name} waits for the end`, this.client(name).rest());
  }

  close(): void {
    for (const client of this.#clients.values()) client.destroy();
  }

  async #expect(name: string, text: string): Promise<readonly string[]> {
    const unknown = /\{(\w+)\}/g;
    const known = this.#filled(text);
    const [, word] = unknown.exec(known) ?? [];
    const wanted = known.replace(unknown, hole);
    const found = await this.#next(name, wanted);
    const [start = '', end] = wanted.split(hole);
    if (end === undefined) {
      this.#asserts.equal(found, wanted, `${name} reads ${wanted}`);
      return [];
    }
    const middle = found.slice(start.length, found.length - end.length);
    this.#asserts.equal(found, start + middle + end, `${name} reads ${wanted}`);
    if (word !== undefined) this.#words.set(word, middle);
    return [middle];
  }

  async #repeat(name: string, line: string, wanted: readonly string[]): Promise<void> {
    const isList = wanted.at(-1) === '';
    for (const endMs = performance.now() + patienceMs; ; await delay(againMs)) {
      this.client(name).send(`${line}\n`);
      const found: string[] = [];
      do found.push(await this.#next(name, wanted.join(' ')));
      while (isList && found.at(-1) !== '');
      const isRight = found.join('\n') === wanted.join('\n');
      if (!isRight && performance.now() < endMs) continue;
      this.#asserts.equal(found.join('\n'), wanted.join('\n'), `${name} reads after ${line}`);
      return;
    }
  }

  async #next(name: string, wanted: string): Promise<string> {
    const [line = ''] = await inTime(`${name} waits for ${wanted}`, this.client(name).take());
    return line;
  }

  #filled(text: string): string {
    return text.replace(/\{(\w+)\}/g, (all, word: string) => this.#words.get(word) ?? all);
  }
}

interface Row {
  readonly name: string;
  readonly sign: string;
  readonly text: string;
}

function readRow(line: string): Row[] {
  if (/^\s*(#.*)?$/.test(line)) return [];
  const [, name, sign, text = ''] = /^\s*(\w+)([<>@?.]) ?(.*)$/.exec(line) ?? [];
  if (name === undefined || sign === undefined) throw new Error(`no row of a transcript: ${line}`);
  return [{ name, sign, text }];
}

async function inTime<Found>(what: string, found: Promise<Found>): Promise<Found> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(what)), patienceMs);
  });
  try {
    return await Promise.race([found, late]);
  } finally {
    clearTimeout(timer);
  }
}
