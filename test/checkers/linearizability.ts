/**
 * Is there an order of all operations, each somewhere between its call and its return, that explains every answer? Search after Wing and
 * Gong (1993), with Lowe's memo (2017) of the situations that were tried: which operations are done, and the state they led to. An operation
 * without a known answer may have happened at any time after its call, or never.
 */
import type { Violation } from './history.ts';

export interface Operation<Input, Output> {
  readonly input: Input;
  /** Null: unknown. */
  readonly output: Output | null;
  readonly calledAt: number;
  /** Infinity while the outcome is unknown. */
  readonly returnedAt: number;
  /** For people. */
  readonly name: string;
}

/** States are compared as text. `step` gives the state after the operation, or null when it cannot answer so. */
export interface Model<Input, Output> {
  readonly initial: string;
  step(state: string, input: Input, output: Output | null): readonly string[];
}

/** Situations tried before the search is given up. */
const MOST_SITUATIONS = 200_000;

export type Decision = 'linearizable' | 'not-linearizable' | 'undecided';

export function decide<Input, Output>(
  model: Model<Input, Output>,
  operations: readonly Operation<Input, Output>[],
  mostSituations = MOST_SITUATIONS,
): Decision {
  const ordered = [...operations].sort((a, b) => a.calledAt - b.calledAt);
  return new Search(model, ordered, mostSituations).run();
}

interface Situation {
  /** Number of the first operation that is not done; all before it are. */
  readonly first: number;
  /** Those after `first` that are done, ascending. */
  readonly beyond: readonly number[];
  readonly state: string;
}

class Search<Input, Output> {
  readonly #model: Model<Input, Output>;
  readonly #operations: readonly Operation<Input, Output>[];
  readonly #most: number;
  readonly #seen = new Set<string>();

  constructor(model: Model<Input, Output>, operations: readonly Operation<Input, Output>[], most: number) {
    this.#model = model;
    this.#operations = operations;
    this.#most = most;
  }

  run(): Decision {
    const stack: Situation[] = [{ first: 0, beyond: [], state: this.#model.initial }];
    for (let here = stack.pop(); here !== undefined; here = stack.pop()) {
      if (this.#isEnd(here)) return 'linearizable';
      const key = `${here.first};${here.beyond.join()};${here.state}`;
      if (this.#seen.has(key)) continue;
      if (this.#seen.size >= this.#most) return 'undecided';
      this.#seen.add(key);
      stack.push(...this.#next(here).reverse());
    }
    return 'not-linearizable';
  }

  /** All that returned is done. */
  #isEnd({ first, beyond }: Situation): boolean {
    for (let at = first; at < this.#operations.length; at++) {
      if (!beyond.includes(at) && this.#operations[at]?.output !== null) return false;
    }
    return true;
  }

  /** Whatever is called before the earliest return of what is not done may come next. */
  #next(here: Situation): Situation[] {
    const next: Situation[] = [];
    let earliestReturn = Number.POSITIVE_INFINITY;
    for (let at = here.first; at < this.#operations.length; at++) {
      const operation = this.#operations[at];
      if (operation === undefined || operation.calledAt > earliestReturn) break;
      if (here.beyond.includes(at)) continue;
      earliestReturn = Math.min(earliestReturn, operation.returnedAt);
      for (const state of this.#model.step(here.state, operation.input, operation.output)) {
        next.push({ ...done(here, at), state });
      }
      // One that may never have happened can be left out for good.
      if (operation.output === null) next.push({ ...done(here, at), state: here.state });
    }
    return next;
  }
}

function done(
  { first, beyond }: Situation,
  at: number,
): { readonly first: number; readonly beyond: readonly number[] } {
  const all = new Set([...beyond, at]);
  let next = first;
  while (all.delete(next)) next++;
  return { first: next, beyond: [...all].sort((a, b) => a - b) };
}

/** Key by key: the operations of one key are a history of their own. */
export function checkLinearizable<Input, Output>(
  model: Model<Input, Output>,
  byKey: ReadonlyMap<string, readonly Operation<Input, Output>[]>,
  what: string,
  mostSituations = MOST_SITUATIONS,
): Violation[] {
  const violations: Violation[] = [];
  for (const [key, operations] of byKey) {
    const decision = decide(model, operations, mostSituations);
    if (decision === 'linearizable') continue;
    const names = operations.map(({ name }) => name);
    const text = `no order explains what was answered about ${what} ${key}: ${names.join('; ')}`;
    const given = `after ${mostSituations} situations it is not known whether an order explains what was answered about ${what} ${key}`;
    violations.push(
      decision === 'undecided'
        ? { kind: decision, text: given }
        : { kind: decision, text: text.slice(0, 4_000) },
    );
  }
  return violations;
}
