/**
 * Transcripts: who types what, and which lines each of them then reads, to the letter. `a> line` is typed by a, `a< line` is what a reads
 * next; an empty line of a list is `a<`. Lines of one reader are compared in order; readers do not wait for each other.
 */
import { LineClient } from '../../support/gateway.ts';

export interface Asserts {
  equal(found: unknown, wanted: unknown, message: string): unknown;
}

/** A line with `…` in it matches what begins and ends as it does; the part between is given back. */
export class Transcript {
  readonly #asserts: Asserts;
  readonly #clients = new Map<string, LineClient>();

  constructor(asserts: Asserts) {
    this.#asserts = asserts;
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

  async play(script: string): Promise<readonly string[]> {
    const variable: string[] = [];
    for (const row of script.split('\n')) {
      const [, name, direction, line = ''] = /^\s*(\w+)([<>]) ?(.*)$/.exec(row) ?? [];
      if (name === undefined) continue;
      if (direction === '>') this.client(name).send(`${line}\n`);
      else variable.push(...(await this.#expect(name, line)));
    }
    return variable;
  }

  /** What comes until the other side ends. */
  rest(name: string): Promise<string> {
    return this.client(name).rest();
  }

  close(): void {
    for (const client of this.#clients.values()) client.destroy();
  }

  async #expect(name: string, wanted: string): Promise<readonly string[]> {
    const [found = ''] = await this.client(name).take();
    const [start = '', end] = wanted.split('…');
    if (end === undefined) {
      this.#asserts.equal(found, wanted, `${name} reads ${wanted}`);
      return [];
    }
    const middle = found.slice(start.length, found.length - end.length);
    this.#asserts.equal(found, start + middle + end, `${name} reads ${wanted}`);
    return [middle];
  }
}
