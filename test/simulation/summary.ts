/** Many runs in one: what was injected how often, what happened, how the operations ended, and which seeds failed. */
import { hashText, mixed } from './digest.ts';
import type { RunReport } from './run.ts';
import { Tally } from './tally.ts';

export class Summary {
  readonly injected = new Tally();
  readonly happened = new Tally();
  readonly outcomes = new Tally();
  readonly failures: RunReport[] = [];
  /** By seed. */
  readonly traceHashes = new Map<number, string>();
  runs = 0;
  virtualMs = 0;
  events = 0;

  add(report: RunReport): void {
    this.runs++;
    this.traceHashes.set(report.seed, report.traceHash);
    this.virtualMs += report.virtualMs;
    this.events += report.events;
    this.injected.merge(report.injected);
    this.happened.merge(report.happened);
    this.outcomes.merge(report.outcomes);
    if (report.findings.length > 0) this.failures.push(report);
  }

  /** Over all runs, whoever made them in which order: eight hexadecimal digits. */
  get traceHash(): string {
    let hash = 0;
    for (const [seed, traceHash] of [...this.traceHashes].sort(([a], [b]) => a - b)) {
      hash = mixed(hash, hashText(`${seed} ${traceHash}`));
    }
    return (hash >>> 0).toString(16).padStart(8, '0');
  }
}
