/** Messages for `for await`: one at a time, each delivered when the loop comes for the next one. */
import type { MessageEntry } from '../protocol/requests.ts';
import type { MessageHandler } from './inbox.ts';

interface Offer {
  readonly message: MessageEntry;
  readonly done: () => void;
}

export class MessageStream {
  /** Handed over by the inbox and not yet taken care of: one, and one more for each session that was lost meanwhile. */
  readonly #offers: Offer[] = [];
  #wake: (() => void) | null = null;
  #ended = false;

  readonly handler: MessageHandler = (message) =>
    new Promise((done) => {
      this.#offers.push({ message, done });
      this.#wake?.();
    });

  /** No more will come: loops end behind what is there. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** A message at which a loop is left was not taken care of: the next loop begins with it. */
  async *[Symbol.asyncIterator](): AsyncGenerator<MessageEntry, void, void> {
    for (;;) {
      const offer = this.#offers[0];
      if (offer === undefined) {
        if (this.#ended) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      yield offer.message;
      this.#offers.shift();
      offer.done();
    }
  }
}
