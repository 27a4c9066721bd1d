/**
 * Answers to requests that carried a key instead of a number, by account and key, in the order in which they were given: since all are kept
 * equally long, the front is the first to go. Each entry looks at the front only. None goes before its time: who has too many is refused.
 */
import { limits } from '../../base/limits.ts';
import { ByteWriter, MalformedBytes, readAll } from '../codecs/bytes.ts';
import { readResult, writeResult } from '../codecs/receipt-codec.ts';
import type { ChangeSet, Row } from '../rows/changes.ts';
import { type RecordedAnswer, rowPrefix } from '../rows/row-codec.ts';
import type { Moment } from '../vocabulary/moment.ts';
import type { AccountId, RejectionCode } from '../vocabulary/types.ts';

const version = 1;

export interface KeyedAnswerData extends RecordedAnswer {
  readonly account: AccountId;
  readonly key: string;
  /** Of the entry that it answered. */
  readonly index: number;
  /** Cluster time. */
  readonly untilMs: number;
}

// Scratch space: `begin` starts every encoding afresh.
const writer = new ByteWriter();

class KeyedAnswer implements Row {
  readonly key: string;
  readonly data: KeyedAnswerData;
  noted = false;

  constructor(data: KeyedAnswerData) {
    this.key = `${rowPrefix.keyedAnswer}${data.account}/${data.key}`;
    this.data = data;
  }

  encode(): Uint8Array {
    writer.begin(version);
    writer.integer(this.data.index);
    writer.integer(this.data.untilMs);
    writer.integer(this.data.fingerprint);
    writeResult(writer, this.data.result);
    return writer.take();
  }
}

/** `id` as in the key: `<account>/<key>`. */
export function decodeKeyedAnswer(id: string, value: Uint8Array): KeyedAnswerData | null {
  const slash = id.indexOf('/');
  const [account, key] = [Number(id.slice(0, slash)), id.slice(slash + 1)];
  return readAll(value, (reader) => {
    if (reader.byte() !== version) throw new MalformedBytes('unknown version');
    const [index, untilMs, fingerprint] = [reader.integer(), reader.integer(), reader.integer()];
    return { account, key, index, untilMs, fingerprint, result: readResult(reader) };
  });
}

/** The bounds that tests make smaller. In a cluster every node must have the same: they decide what `apply` answers. */
export interface KeyedAnswerBounds {
  readonly keyedAnswers: number;
  readonly keyedAnswersPerAccount: number;
}

/** After a long pause thousands may be due at once: the rest waits for the next entries, and answers nothing until then. */
const expiriesPerEntry = 16;

export class KeyedAnswers {
  readonly #changes: ChangeSet;
  readonly #bounds: KeyedAnswerBounds;
  /** In the order of their entries; by the row's key. */
  readonly #inOrder = new Map<string, KeyedAnswer>();
  readonly #byAccount = new Map<AccountId, Map<string, KeyedAnswer>>();

  constructor(changes: ChangeSet, bounds: Partial<KeyedAnswerBounds> = {}) {
    this.#changes = changes;
    this.#bounds = { ...limits, ...bounds };
  }

  /** One that is due but not yet cleared away answers nothing. */
  answer(account: AccountId, key: string, clusterMs: number): RecordedAnswer | undefined {
    const known = this.#byAccount.get(account)?.get(key)?.data;
    return known !== undefined && known.untilMs > clusterMs ? known : undefined;
  }

  /** Why no further request with a key is taken; null when one may be. */
  fault(account: AccountId): RejectionCode | null {
    const own = this.#byAccount.get(account)?.size ?? 0;
    if (own >= this.#bounds.keyedAnswersPerAccount) return 'TOO_MANY_IN_FLIGHT';
    return this.#inOrder.size >= this.#bounds.keyedAnswers ? 'LIMIT_REACHED' : null;
  }

  record(account: AccountId, key: string, answer: RecordedAnswer, moment: Moment): void {
    const due = this.#byAccount.get(account)?.get(key);
    if (due !== undefined) this.#remove(due);
    const untilMs = moment.clusterMs + limits.keyedAnswerMs;
    const kept = new KeyedAnswer({ account, key, index: moment.index, untilMs, ...answer });
    this.#insert(kept);
    this.#changes.put(kept);
  }

  /** Removes what is due, at most `expiriesPerEntry`. */
  expire(clusterMs: number): void {
    let left = expiriesPerEntry;
    for (const answer of this.#inOrder.values()) {
      if (left === 0 || answer.data.untilMs > clusterMs) return;
      this.#remove(answer);
      left -= 1;
    }
  }

  /** All of an account that goes. */
  drop(account: AccountId): void {
    for (const answer of [...(this.#byAccount.get(account)?.values() ?? [])]) this.#remove(answer);
  }

  restore(all: readonly KeyedAnswerData[]): void {
    for (const data of [...all].sort((a, b) => a.index - b.index)) this.#insert(new KeyedAnswer(data));
  }

  rows(): Iterable<Row> {
    return this.#inOrder.values();
  }

  clear(): void {
    this.#inOrder.clear();
    this.#byAccount.clear();
  }

  #insert(answer: KeyedAnswer): void {
    const { account, key } = answer.data;
    this.#inOrder.set(answer.key, answer);
    const own = this.#byAccount.get(account);
    if (own === undefined) this.#byAccount.set(account, new Map([[key, answer]]));
    else own.set(key, answer);
  }

  #remove(answer: KeyedAnswer): void {
    const { account, key } = answer.data;
    this.#inOrder.delete(answer.key);
    this.#changes.delete(answer);
    const own = this.#byAccount.get(account);
    own?.delete(key);
    if (own?.size === 0) this.#byAccount.delete(account);
  }
}
