/** Many runs in one: what was injected how often, what happened, how the operations ended, and which seeds failed. */
import type { RunReport } from './run.ts';
import { Tally } from './tally.ts';

export class Summary {
  readonly injected = new Tally();
  readonly happened = new Tally();
  readonly outcomes = new Tally();
  readonly failures: RunReport[] = [];
  runs = 0;
  virtualMs = 0;
  events = 0;

  add(report: RunReport): void {
    this.runs++;
    this.virtualMs += report.virtualMs;
    this.events += report.events;
    this.injected.merge(report.injected);
    this.happened.merge(report.happened);
    this.outcomes.merge(report.outcomes);
    if (report.findings.length > 0) this.failures.push(report);
  }
}
