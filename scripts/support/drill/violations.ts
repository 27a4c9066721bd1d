import type { Violation } from '../../../test/checkers/history.ts';
import type { Played } from './under-load.ts';

const shownViolations = 20;

/** What the oracle found, that something could not be read in the end, or that too little was acknowledged to prove anything. */
export function loadFailures({ verdict, trouble, load }: Played): readonly string[] {
  const { violations, acknowledged } = verdict;
  const failures = violations.slice(0, shownViolations).map(explain);
  if (violations.length > shownViolations) failures.push(`… ${violations.length} violations in all`);
  if (trouble !== null) failures.push(`not everything could be read in the end: ${trouble}`);
  if (acknowledged < load.promised / 2) {
    failures.push(`only ${acknowledged} of ${load.promised} sends were acknowledged`);
  }
  return failures;
}

function explain(violation: Violation): string {
  return `${violation.kind}: ${violation.text}`;
}
