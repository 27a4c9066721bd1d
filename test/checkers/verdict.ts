import { type History, type Send, sendsOf, type Violation, type ViolationKind } from './history.ts';
import { checkLosses } from './losses.ts';
import { checkNoPhantom } from './no-phantom.ts';
import { checkOnePayload } from './one-payload.ts';
import { checkOutcomes } from './outcomes.ts';
import { checkReaderOrder } from './reader-order.ts';
import { checkRealTime } from './real-time.ts';
import { checkUniqueSequence } from './unique-sequence.ts';

export interface Verdict {
  /** Requests by what they were told last; `open` ones were never answered and count as unknown. */
  readonly acknowledged: number;
  readonly unknown: number;
  readonly rejected: number;
  /** Faults by kind. `violations` explains every one of them. */
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  /** Diverged readers, phantoms, applied rejections and stale reads. */
  readonly others: number;
  readonly violations: readonly Violation[];
}

const checkers = [
  checkUniqueSequence,
  checkOnePayload,
  checkReaderOrder,
  checkNoPhantom,
  checkRealTime,
  checkOutcomes,
  checkLosses,
];

/** Runs every checker over one history. */
export function judge(history: History): Verdict {
  const violations = checkers.flatMap((check) => check(history));
  const count = (kind: ViolationKind): number =>
    violations.filter((violation) => violation.kind === kind).length;
  const sends = [...sendsOf(history).values()];
  const ended = (...outcomes: Send['outcome'][]): number =>
    sends.filter((send) => outcomes.includes(send.outcome)).length;
  const [lost, duplicated, reordered] = [count('lost'), count('duplicated'), count('reordered')];
  return {
    acknowledged: ended('acknowledged'),
    unknown: ended('unknown', 'open'),
    rejected: ended('rejected'),
    lost,
    duplicated,
    reordered,
    others: violations.length - lost - duplicated - reordered,
    violations,
  };
}
