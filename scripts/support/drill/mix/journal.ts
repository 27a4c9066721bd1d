/**
 * What people of dialects without places did and saw, in the order in which it happened. Every message carries a word of its own; where it
 * stands is read from the conversations in the end, and the history that the oracle judges is made then.
 */
import type { HistoryEvent } from '../../../../test/checkers/history.ts';

/** Names a message for ever, and is (part of) its text. */
export type Token = string;

export interface Place {
  readonly conversation: string;
  readonly sequence: number;
  readonly index: number;
}

export type SendOutcome = 'acknowledged' | 'rejected' | 'unknown';

type Entry =
  | {
      readonly kind: 'begun';
      readonly client: string;
      readonly n: number;
      readonly to: string;
      readonly token: Token;
    }
  | {
      readonly kind: 'ended';
      readonly client: string;
      readonly n: number;
      readonly token: Token;
      readonly outcome: SendOutcome;
    }
  | { readonly kind: 'heard'; readonly reader: string; readonly token: Token }
  | { readonly kind: 'read'; readonly reader: string; readonly token: Token; readonly place: Place }
  | {
      readonly kind: 'scan';
      readonly event: 'begin' | 'complete';
      readonly reader: string;
      readonly conversation: string;
    };

/** Some hundred bytes each. */
const mostEntries = 5_000_000;

const tokenPattern = /mix-[a-z]+-\d+-/;

export function tokenOf(writer: string, n: number): Token {
  return `mix-${writer}-${n}-`;
}

export function tokenIn(text: string): Token | null {
  return tokenPattern.exec(text)?.[0] ?? null;
}

export interface Sent {
  readonly client: string;
  readonly to: string;
  readonly token: Token;
}

export class Journal {
  readonly #entries: (Entry & { readonly atMs: number })[] = [];
  readonly #acknowledged: Sent[] = [];
  readonly #lastAckMs = new Map<string, number>();
  readonly #heard = new Map<string, Set<Token>>();
  readonly #places = new Map<Token, Place>();

  async send(sent: Sent & { readonly n: number }, run: () => Promise<SendOutcome>): Promise<SendOutcome> {
    const { client, n, to, token } = sent;
    this.#add({ kind: 'begun', client, n, to, token });
    const outcome = await run();
    this.#add({ kind: 'ended', client, n, token, outcome });
    if (outcome === 'acknowledged') {
      this.#acknowledged.push({ client, to, token });
      this.#lastAckMs.set(client, performance.now());
    }
    return outcome;
  }

  /** False: this reader has heard it before. */
  hear(reader: string, token: Token): boolean {
    const heard = this.#heard.get(reader) ?? new Set();
    this.#heard.set(reader, heard);
    if (heard.has(token)) return false;
    heard.add(token);
    this.#add({ kind: 'heard', reader, token });
    return true;
  }

  /** Read with its place, of a whole conversation. */
  read(reader: string, token: Token, place: Place): void {
    if (!this.#places.has(token)) this.#places.set(token, place);
    this.#add({ kind: 'read', reader, token, place });
  }

  scan(event: 'begin' | 'complete', reader: string, conversation: string): void {
    this.#add({ kind: 'scan', event, reader, conversation });
  }

  hasHeard(reader: string, token: Token): boolean {
    return this.#heard.get(reader)?.has(token) ?? false;
  }

  placeOf(token: Token): Place | undefined {
    return this.#places.get(token);
  }

  /** What a reader heard, in its order. */
  heardBy(reader: string): readonly Token[] {
    return [...(this.#heard.get(reader) ?? [])];
  }

  /** Acknowledged, and in no conversation: lost. */
  homeless(): readonly Sent[] {
    return this.#acknowledged.filter(({ token }) => !this.#places.has(token));
  }

  get acknowledged(): readonly Sent[] {
    return this.#acknowledged;
  }

  lastAckMs(client: string): number {
    return this.#lastAckMs.get(client) ?? Number.NEGATIVE_INFINITY;
  }

  /** `isWhole`: whether what was heard live of this conversation is all of it, in its order. */
  history(isWhole: (conversation: string) => boolean): HistoryEvent[] {
    return this.#entries.flatMap((entry) => this.#eventOf(entry, isWhole) ?? []);
  }

  #eventOf(
    entry: Entry & { readonly atMs: number },
    isWhole: (conversation: string) => boolean,
  ): HistoryEvent | null {
    const { atMs } = entry;
    switch (entry.kind) {
      case 'begun': {
        const { client, n, to, token } = entry;
        return { kind: 'invoke', client, n, to, text: token, atMs };
      }
      case 'ended':
        return this.#endOf(entry, atMs);
      case 'read':
      case 'heard': {
        const { reader, token } = entry;
        const place = entry.kind === 'read' ? entry.place : this.#places.get(token);
        // What stands nowhere is reported apart.
        if (place === undefined) return null;
        if (entry.kind === 'heard' && !isWhole(place.conversation)) return null;
        return { kind: 'read', reader, payload: token, ...place, atMs };
      }
      case 'scan':
        return { kind: entry.event, reader: entry.reader, conversation: entry.conversation, atMs };
    }
  }

  #endOf(entry: Extract<Entry, { kind: 'ended' }>, atMs: number): HistoryEvent | null {
    const { client, n, token, outcome } = entry;
    const place = this.#places.get(token);
    if (outcome === 'rejected') return { kind: 'rejected', client, n, code: 'REFUSED', atMs };
    if (outcome === 'unknown') return { kind: 'unknown', client, n, atMs };
    // The oracle has no place to look at: see `homeless`.
    if (place === undefined) return null;
    const { conversation, sequence } = place;
    return { kind: 'ack', client, n, conversation, sequence, atMs };
  }

  #add(entry: Entry): void {
    if (this.#entries.length >= mostEntries) {
      throw new Error(`more than ${mostEntries} entries: a shorter run, please`);
    }
    this.#entries.push({ ...entry, atMs: performance.now() });
  }
}
