/** What was done to the cluster by those who look after it, and what became of it: the newest, in the order of the log. */
import { limits } from '../../base/limits.ts';
import { encodeAction } from '../codecs/administration-codec.ts';
import type { ChangeSet, Row } from '../rows/changes.ts';
import { rowPrefix } from '../rows/row-codec.ts';
import type { ActionActor, ActionRecord } from '../vocabulary/administration-types.ts';

export type NewAction = Pick<ActionRecord, 'number' | 'by' | 'action' | 'subject' | 'node' | 'beganMs'>;

class Action implements Row, ActionRecord {
  readonly key: string;
  readonly number: number;
  readonly by: ActionActor;
  readonly action: string;
  readonly subject: string;
  readonly node: number;
  readonly beganMs: number;
  endedMs: number | null = null;
  outcome: string | null = null;
  times = 1;
  noted = false;

  constructor({ number, by, action, subject, node, beganMs }: NewAction) {
    this.key = rowPrefix.action + number;
    this.number = number;
    this.by = by;
    this.action = action;
    this.subject = subject;
    this.node = node;
    this.beganMs = beganMs;
  }

  encode(): Uint8Array {
    return encodeAction(this);
  }
}

export class ActionLog {
  readonly #changes: ChangeSet;
  /** By number, ascending: each new one has the highest. */
  readonly #actions = new Map<number, Action>();
  #newest: Action | null = null;

  constructor(changes: ChangeSet) {
    this.#changes = changes;
  }

  /** Its number. Over the bound, the oldest goes. */
  begin(action: NewAction): number {
    const begun = new Action(action);
    this.#actions.set(begun.number, begun);
    this.#newest = begun;
    this.#changes.put(begun);
    const [oldest] = this.#actions.values();
    if (this.#actions.size > limits.actionsKept && oldest !== undefined) {
      this.#actions.delete(oldest.number);
      this.#changes.delete(oldest);
    }
    return begun.number;
  }

  /** Counts one more of the newest action, if it is the same and has ended; null: it is another one. */
  join({ by, action, subject, node }: NewAction): number | null {
    const newest = this.#newest;
    if (newest === null || newest.outcome === null || newest.node !== node) return null;
    if (newest.action !== action || newest.subject !== subject || !isSame(newest.by, by)) return null;
    newest.times += 1;
    newest.outcome = null;
    newest.endedMs = null;
    this.#changes.put(newest);
    return newest.number;
  }

  /** Nothing for one that is not kept any more, or has its outcome. */
  end(number: number, outcome: string, endedMs: number): void {
    const action = this.#actions.get(number);
    if (action === undefined || action.outcome !== null) return;
    action.outcome = outcome;
    action.endedMs = endedMs;
    this.#changes.put(action);
  }

  /** Oldest first. */
  all(): readonly ActionRecord[] {
    return [...this.#actions.values()];
  }

  restore(all: readonly ActionRecord[]): void {
    for (const record of [...all].sort((a, b) => a.number - b.number)) {
      const action = Object.assign(new Action(record), {
        endedMs: record.endedMs,
        outcome: record.outcome,
        times: record.times,
      });
      this.#actions.set(action.number, action);
      this.#newest = action;
    }
  }

  rows(): Iterable<Row> {
    return this.#actions.values();
  }

  clear(): void {
    this.#actions.clear();
    this.#newest = null;
  }
}

function isSame(a: ActionActor, b: ActionActor): boolean {
  if (a.kind !== 'account' || b.kind !== 'account') return a.kind === b.kind;
  return a.account === b.account;
}
