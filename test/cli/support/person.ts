/** A person at a dialogue, without a screen: what is typed, and what is read next. */
import type { Test } from 'tap';
import type { Dialogue, ShowKind, Verdict } from '../../../src/cli/dialogues/dialogue.ts';
import { Exchange } from '../../../src/cli/dialogues/exchange.ts';
import { FileDesk } from '../../../src/cli/dialogues/file-desk.ts';
import { findStyle, type Style, type StyleName, styles } from '../../../src/cli/dialogues/styles.ts';
import { connect } from '../../../src/client/index.ts';
import type { TestNode } from '../../support/gateway.ts';

export class Person {
  readonly dialogue: Dialogue;
  readonly exchange: Exchange;
  readonly #lines: { readonly kind: ShowKind; readonly text: string }[] = [];
  #news: (() => void)[] = [];

  constructor(
    t: Test,
    node: TestNode | undefined,
    named: StyleName | Style,
    downloads: string | null = null,
  ) {
    const style = typeof named === 'string' ? styles[named] : named;
    const client = connect({ nodes: `127.0.0.1:${node?.httpPort}` });
    const show = (lines: readonly string[], kind: ShowKind): void => {
      this.#lines.push(...lines.map((text) => ({ kind, text })));
      for (const wake of this.#news.splice(0)) wake();
    };
    const files = new FileDesk({ client, show, texts: style.fileTexts, downloads });
    this.exchange = new Exchange({ client, show, files });
    this.dialogue = style.open(this.exchange, null, true);
    t.teardown(() => client.close());
  }

  types(line: string): Promise<Verdict> {
    return this.dialogue.execute(line);
  }

  /** The next line that is no notice. */
  async reads(): Promise<string> {
    return (await this.#next((kind) => kind !== 'notice')) ?? '';
  }

  notices(): Promise<string | undefined> {
    return this.#next((kind) => kind === 'notice');
  }

  async #next(fits: (kind: ShowKind) => boolean): Promise<string | undefined> {
    for (;;) {
      const at = this.#lines.findIndex(({ kind }) => fits(kind));
      if (at >= 0) return this.#lines.splice(at, 1)[0]?.text;
      await new Promise<void>((resolve) => this.#news.push(resolve));
    }
  }
}

/** `name> line` is typed, `name< line` is what that person reads next. */
export async function play(t: Test, people: Readonly<Record<string, Person>>, script: string): Promise<void> {
  for (const row of script.split('\n')) {
    const [, name = '', direction, line = ''] = /^\s*(\w+)([<>]) ?(.*)$/.exec(row) ?? [];
    const person = people[name];
    if (person === undefined) continue;
    if (direction === '>') await person.types(line);
    else t.equal(await person.reads(), line, `${name} reads ${line}`);
  }
}

export function menu(...operands: string[]): Style {
  return findStyle({ text: () => undefined, has: (name) => name === 'menu', operands });
}
