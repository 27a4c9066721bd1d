import type { DurableLog } from './commit-safety.ts';
import type { Violation } from './history.ts';

/** One entry as far as agreement goes. */
export interface LogEntry {
  readonly index: number;
  readonly term: number;
  /** Of type and data. */
  readonly hash: number;
  /** A change of members. */
  readonly changesMembers?: boolean;
}

/**
 * The logs of all nodes against each other and against time. Raft, figure 3: logs that hold an entry of the same index and term are equal
 * up to it; what was committed is in every later log and never changes; what a node's log told to be durable is there after a crash.
 */
export class LogAgreement {
  readonly #logs = new Map<number, NodeLog>();
  /** By index and term: the entry, and the term of the one before. By induction, that is the whole log before it. */
  readonly #known = new Map<number, { readonly hash: number; readonly before: number }>();
  /** By node: where its newest change of members is that it appended first of all. */
  readonly #memberChanges = new Map<number, number>();
  readonly #committed: { readonly term: number; readonly hash: number }[] = [];

  #of(node: number): NodeLog {
    const known = this.#logs.get(node);
    if (known !== undefined) return known;
    const made = new NodeLog();
    this.#logs.set(node, made);
    return made;
  }

  /** A process starts and finds this log. `start`: the place before its first entry. */
  finds(
    node: number,
    start: { readonly index: number; readonly term: number },
    entries: readonly LogEntry[],
  ): Violation | null {
    const log = this.#of(node);
    const last = entries.at(-1)?.index ?? start.index;
    const { durable } = log;
    const found = (index: number): number | undefined => {
      if (index === start.index) return start.term;
      return entries[index - start.index - 1]?.term;
    };
    const keeps = durable.index <= start.index || found(durable.index) === durable.term;
    log.restart(start);
    const violation = this.appends(node, entries);
    log.durable = { index: last, term: entries.at(-1)?.term ?? start.term };
    if (keeps) return violation;
    const text = `node ${node} was told that entry ${durable.index} of term ${durable.term} is durable, and finds its log ending at ${last} after a restart`;
    return { kind: 'not-durable', text };
  }

  /** The log of that node was emptied by hand. */
  forgets(node: number): void {
    this.#logs.delete(node);
  }

  appends(node: number, entries: readonly LogEntry[]): Violation | null {
    const log = this.#of(node);
    const before = log.entriesFrom(entries[0]?.index ?? Number.POSITIVE_INFINITY);
    let violation: Violation | null = null;
    for (const entry of entries) {
      violation ??= this.#check(node, log, entry);
      log.put(entry);
    }
    return violation ?? this.#checkCut(node, log, before);
  }

  /** Replacing an end of the log takes off what followed: never anything that was committed. */
  #checkCut(node: number, log: NodeLog, before: readonly LogEntry[]): Violation | null {
    for (const { index, term, hash } of before) {
      const committed = this.#committed[index];
      if (index <= log.last || committed?.term !== term || committed.hash !== hash) continue;
      const text = `node ${node} cuts its log after entry ${log.last}, and with it the committed entry ${index} of term ${term}`;
      return { kind: 'committed-changed', text };
    }
    return null;
  }

  #check(node: number, log: NodeLog, { index, term, hash, changesMembers }: LogEntry): Violation | null {
    const committed = this.#committed[index];
    if (
      committed !== undefined &&
      index <= log.applied &&
      (committed.term !== term || committed.hash !== hash)
    ) {
      const text = `node ${node} replaces the committed entry ${index} of term ${committed.term} by one of term ${term}`;
      return { kind: 'committed-changed', text };
    }
    const before = log.termAt(index - 1) ?? 0;
    const key = index * 65_536 + term;
    const known = this.#known.get(key);
    if (known === undefined) {
      this.#known.set(key, { hash, before });
      return changesMembers === true ? this.#checkAlone(node, log, index) : null;
    }
    if (known.hash === hash && (before === 0 || known.before === 0 || known.before === before)) return null;
    const text = `node ${node} has another entry ${index} of term ${term} than others, or another one before it`;
    return { kind: 'log-differs', text };
  }

  /** Whoever has an entry first is the leader that made it. Thesis §4.1: one change of members at a time. */
  #checkAlone(node: number, log: NodeLog, index: number): Violation | null {
    const before = this.#memberChanges.get(node) ?? 0;
    this.#memberChanges.set(node, index);
    if (before <= log.applied || before >= index || before > log.last) return null;
    const text = `leader ${node} appends a change of members at ${index} while the one at ${before} is not applied`;
    return { kind: 'two-changes', text };
  }

  /** What was appended up to there is durable, says the log of that node. */
  durable(node: number, last: { readonly index: number; readonly term: number }): void {
    this.#of(node).durable = last;
  }

  /** The log starts behind that place, which was applied or came with a snapshot. `keep`: what is after it stays. */
  restarts(
    node: number,
    start: { readonly index: number; readonly term: number },
    keep: boolean,
  ): Violation | null {
    const log = this.#of(node);
    if (keep) log.cut(start);
    else log.restart(start);
    log.applied = Math.max(log.applied, start.index);
    if (!keep) log.durable = start;
    const committed = this.#committed[start.index];
    if (committed === undefined || committed.term === start.term) return null;
    const text = `node ${node} starts its log at entry ${start.index} of term ${start.term}, which was committed with term ${committed.term}`;
    return { kind: 'committed-changed', text };
  }

  /** That node has applied all up to there. */
  applied(node: number, index: number, term: number): Violation | null {
    const log = this.#of(node);
    let violation: Violation | null = null;
    for (let at = Math.max(log.applied, log.start) + 1; at <= index; at++) {
      const entry = log.at(at);
      if (entry === undefined) continue;
      const committed = this.#committed[at];
      if (committed === undefined) this.#committed[at] = entry;
      else if (committed.term !== entry.term || committed.hash !== entry.hash) {
        const text = `node ${node} applied entry ${at} of term ${entry.term}, others one of term ${committed.term}`;
        violation ??= { kind: 'committed-changed', text };
      }
    }
    log.applied = Math.max(log.applied, index);
    const last = log.at(index);
    if (last === undefined || last.term === term) return violation;
    const text = `node ${node} applied entry ${index} as of term ${term}, and its log says term ${last.term}`;
    return violation ?? { kind: 'log-differs', text };
  }

  /** What the disk of that node is known to hold of its log; null when that is nothing, and it takes no part. */
  durableLog(node: number, entry: { readonly index: number; readonly term: number }): DurableLog | null {
    const log = this.#logs.get(node);
    if (log === undefined || log.durable.index === 0) return null;
    const { index: lastIndex, term: lastTerm } = log.durable;
    const holds =
      lastIndex >= entry.index && (entry.index <= log.start || log.termAt(entry.index) === entry.term);
    return { lastIndex, lastTerm, holds };
  }

  /** A process starts with a state that holds all up to there; what it applied beyond is applied anew. */
  startsFrom(node: number, index: number): void {
    this.#of(node).applied = index;
  }

  /** Entries that are known to be committed. */
  get committedIndex(): number {
    return this.#committed.length - 1;
  }
}

class NodeLog {
  start = 0;
  #startTerm = 0;
  applied = 0;
  durable = { index: 0, term: 0 };
  #entries: { readonly term: number; readonly hash: number }[] = [];

  at(index: number): { readonly term: number; readonly hash: number } | undefined {
    return this.#entries[index - this.start - 1];
  }

  termAt(index: number): number | undefined {
    return index === this.start ? this.#startTerm : this.at(index)?.term;
  }

  get last(): number {
    return this.start + this.#entries.length;
  }

  entriesFrom(index: number): readonly LogEntry[] {
    const place = Math.max(0, index - this.start - 1);
    return this.#entries.slice(place).map((entry, i) => ({ ...entry, index: this.start + 1 + place + i }));
  }

  put({ index, term, hash }: LogEntry): void {
    const place = index - this.start - 1;
    if (place < 0 || place > this.#entries.length) return;
    this.#entries.length = place;
    this.#entries.push({ term, hash });
    // Replacing an entry takes back what was durable from there on.
    if (index <= this.durable.index) this.durable = { index: index - 1, term: this.termAt(index - 1) ?? 0 };
  }

  cut({ index, term }: { readonly index: number; readonly term: number }): void {
    this.#entries = this.#entries.slice(Math.max(0, index - this.start));
    this.start = index;
    this.#startTerm = term;
  }

  restart({ index, term }: { readonly index: number; readonly term: number }): void {
    this.#entries = [];
    this.start = index;
    this.#startTerm = term;
  }
}
