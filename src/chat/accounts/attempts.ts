/**
 * Failed attempts at a password, by what was attacked: an account, a name that nobody has (by a fingerprint, so that what somebody typed
 * in the wrong field is written nowhere), a group. Replicated, so that going to another node gains nothing.
 */
import { limits } from '../../base/limits.ts';
import { type AttemptData, encodeAttempt } from '../rows/attempt-rows.ts';
import type { ChangeSet, Row } from '../rows/changes.ts';
import { rowPrefix } from '../rows/row-codec.ts';
import type { Moment } from '../vocabulary/moment.ts';
import type { AccountId, AttemptKey, ConversationId } from '../vocabulary/types.ts';
import type { AttemptView } from '../vocabulary/view.ts';

/** Of an account that exists. */
export function accountKey(account: AccountId): AttemptKey {
  return `a:${account}`;
}

/** Of one account at one group's password. */
export function groupKey(group: ConversationId, account: AccountId): AttemptKey {
  return `g:${group}:${account}`;
}

class Attempt implements Row, AttemptData, AttemptView {
  readonly attempted: AttemptKey;
  readonly key: string;
  noted = false;
  notedIndex: number;
  inARow: number;
  windowFailures: number;
  windowMs: number;
  blocks: number;
  untilMs: number;

  constructor(data: AttemptData) {
    this.attempted = data.attempted;
    this.key = rowPrefix.attempt + data.attempted;
    this.notedIndex = data.notedIndex;
    this.inARow = data.inARow;
    this.windowFailures = data.windowFailures;
    this.windowMs = data.windowMs;
    this.blocks = data.blocks;
    this.untilMs = data.untilMs;
  }

  get isLocked(): boolean {
    return this.inARow >= limits.failuresInARow;
  }

  encode(): Uint8Array {
    return encodeAttempt(this);
  }

  fail(failures: number, { index, clusterMs }: Moment): void {
    if (clusterMs - this.windowMs >= limits.failureWindowMs) {
      this.windowMs = clusterMs;
      this.windowFailures = 0;
    }
    this.notedIndex = index;
    this.inARow += failures;
    this.windowFailures += failures;
    if (this.windowFailures < allowedFailures(this)) return;
    this.untilMs = clusterMs + backOffMs(this.blocks);
    this.blocks += 1;
    this.windowFailures = 0;
  }
}

const unattempted = { notedIndex: 0, inARow: 0, windowFailures: 0, windowMs: 0, blocks: 0, untilMs: 0 };

/** Failures within a window that are answered; the first one after a block begins the next block. */
export function allowedFailures(attempt: Pick<AttemptView, 'blocks'>): number {
  return attempt.blocks > 0 ? 1 : limits.failuresPerWindow;
}

export function backOffMs(blocks: number): number {
  return Math.min(limits.backOffMs * 2 ** Math.min(blocks, 20), limits.backOffMaxMs);
}

export class Attempts {
  readonly #changes: ChangeSet;
  /** Each in the order of its newest failure, then by key; names that nobody has apart, so that they crowd out nobody else. */
  readonly #known = new Map<AttemptKey, Attempt>();
  readonly #nobodys = new Map<AttemptKey, Attempt>();

  constructor(changes: ChangeSet) {
    this.#changes = changes;
  }

  byKey(key: AttemptKey): AttemptView | undefined {
    return this.#listOf(key).get(key);
  }

  /** Keys of one entry are noted in ascending order, so that a restored node has them in the same. */
  fail(key: AttemptKey, failures: number, moment: Moment): void {
    const list = this.#listOf(key);
    const attempt = list.get(key) ?? new Attempt({ ...unattempted, attempted: key });
    list.delete(key);
    list.set(key, attempt);
    attempt.fail(failures, moment);
    this.#changes.put(attempt);
    if (list.size <= limits.attemptsKept) return;
    for (const oldest of list.keys()) {
      this.forget(oldest);
      return;
    }
  }

  /** A success, or an administrator. */
  forget(key: AttemptKey): void {
    const attempt = this.#listOf(key).get(key);
    if (attempt === undefined) return;
    this.#listOf(key).delete(key);
    this.#changes.delete(attempt);
  }

  restore(all: readonly AttemptData[]): void {
    const inOrder = [...all].sort(
      (a, b) => a.notedIndex - b.notedIndex || (a.attempted < b.attempted ? -1 : 1),
    );
    for (const data of inOrder) this.#listOf(data.attempted).set(data.attempted, new Attempt(data));
  }

  clear(): void {
    this.#known.clear();
    this.#nobodys.clear();
  }

  *rows(): Iterable<Row> {
    yield* this.#known.values();
    yield* this.#nobodys.values();
  }

  #listOf(key: AttemptKey): Map<AttemptKey, Attempt> {
    return key.startsWith('n:') ? this.#nobodys : this.#known;
  }
}
