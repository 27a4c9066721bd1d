import { CodedError } from '../base/errors.ts';

/** So many at once, so many more in a queue, the rest refused: what holds a chunk in memory, or a connection, takes a slot. */
export class Slots {
  readonly #most: number;
  readonly #mostWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  constructor(most: number, mostWaiting: number) {
    this.#most = most;
    this.#mostWaiting = mostWaiting;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Rejects BUSY when the queue is full. */
  async run<Value>(work: () => Promise<Value>): Promise<Value> {
    if (this.#taken < this.#most) this.#taken += 1;
    else await this.#queue();
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      // A slot is handed over, not freed: whoever comes in between does not overtake.
      if (next === undefined) this.#taken -= 1;
      else next();
    }
  }

  #queue(): Promise<void> {
    if (this.#waiting.length >= this.#mostWaiting) throw new CodedError('BUSY');
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
