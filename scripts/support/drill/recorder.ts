import { isGroupAddress } from '../../../src/base/addresses.ts';
import type { Reply } from '../../../src/protocol/requests.ts';
import type { HistoryEvent } from '../../../test/checkers/history.ts';

/** What the oracle needs of a message, from a push or from a history. */
export interface SeenMessage {
  readonly conversation: string;
  readonly sequence: number;
  readonly index: number;
  readonly text: string;
}

/** Some hundred bytes each: a run that is longer than this is refused, not truncated. */
const mostEvents = 5_000_000;

/** Writes down what the clients of one process do and see, in the order in which it happens. */
export class Recorder {
  readonly history: HistoryEvent[] = [];
  readonly acknowledgedAt = new Map<string, number[]>();
  readonly #conversations = new Map<string, string>();
  readonly #highestRead = new Map<string, number>();
  /** When the newest acknowledged send of a writer had begun. */
  readonly #newestBegun = new Map<string, number>();

  /** Runs one send and records its beginning and its end. */
  async send(client: string, n: number, to: string, text: string, run: () => Promise<Reply>): Promise<void> {
    const begunMs = performance.now();
    this.#add({ kind: 'invoke', client, n, to, text, atMs: begunMs });
    const reply = await run();
    const atMs = performance.now();
    if (reply.kind === 'unknown') {
      this.#add({ kind: 'unknown', client, n, atMs });
    } else if (reply.kind === 'rejection') {
      this.#add({ kind: 'rejected', client, n, code: reply.code, atMs });
    } else if (reply.value.op === 'send') {
      const { conversation, sequence } = reply.value;
      this.#add({ kind: 'ack', client, n, conversation, sequence, atMs });
      const times = this.acknowledgedAt.get(client) ?? [];
      times.push(atMs);
      this.acknowledgedAt.set(client, times);
      if (!isGroupAddress(to)) this.#conversations.set(client, conversation);
      this.#newestBegun.set(client, Math.max(begunMs, this.#newestBegun.get(client) ?? 0));
    }
  }

  read(reader: string, message: SeenMessage): void {
    const { conversation, sequence, index, text } = message;
    this.#add({
      kind: 'read',
      reader,
      conversation,
      sequence,
      payload: text,
      index,
      atMs: performance.now(),
    });
    const key = `${reader}\n${conversation}`;
    this.#highestRead.set(key, Math.max(sequence, this.#highestRead.get(key) ?? 0));
  }

  begin(reader: string, conversation: string): void {
    this.#add({ kind: 'begin', reader, conversation, atMs: performance.now() });
  }

  complete(reader: string, conversation: string): void {
    this.#add({ kind: 'complete', reader, conversation, atMs: performance.now() });
  }

  /** Whether a send that the client began after `sinceMs` was acknowledged. */
  acknowledgedSince(client: string, sinceMs: number): boolean {
    return (this.#newestBegun.get(client) ?? Number.NEGATIVE_INFINITY) > sinceMs;
  }

  /** The direct conversation that a client has written in. */
  conversationOf(client: string): string | undefined {
    return this.#conversations.get(client);
  }

  highestRead(reader: string, conversation: string): number {
    return this.#highestRead.get(`${reader}\n${conversation}`) ?? 0;
  }

  #add(event: HistoryEvent): void {
    if (this.history.length >= mostEvents)
      throw new Error(`more than ${mostEvents} events: a shorter run, please`);
    this.history.push(event);
  }
}
