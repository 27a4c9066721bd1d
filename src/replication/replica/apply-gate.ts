import type { Message } from '../../raft/index.ts';

export interface ApplyGateOptions {
  readonly apply: (message: Message) => void;
  /** Makes it durable that entries up to `index` are committed; null when it is already. */
  readonly noteCommit: (index: number) => Promise<void> | null;
  readonly fatal: (error: unknown) => void;
}

/**
 * The commitment of a change of members is durable before it takes effect: a node that loses its state and builds it again must not
 * stand for election among members that it had left behind (docs/decisions/0013). All else passes at once, in order.
 */
export class ApplyGate {
  readonly #options: ApplyGateOptions;
  #notes = 0;
  #waiting: Message[] = [];
  #stopped = false;

  constructor(options: ApplyGateOptions) {
    this.#options = options;
  }

  pass(message: Message): void {
    const { apply, noteCommit, fatal } = this.#options;
    const changesMembers = message.entries.some(({ type }) => type !== 'normal');
    const note = changesMembers ? noteCommit(message.entries.at(-1)?.index ?? 0) : null;
    if (note === null && this.#notes === 0) {
      apply(message);
      return;
    }
    this.#waiting.push(message);
    if (note === null) return;
    this.#notes++;
    note.then(() => this.#noted(), fatal);
  }

  stop(): void {
    this.#stopped = true;
  }

  #noted(): void {
    this.#notes--;
    if (this.#notes > 0 || this.#stopped) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const message of waiting) this.#options.apply(message);
  }
}
