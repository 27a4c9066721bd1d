/** What a search says at its end, and about each run that failed. */
import { execFileSync } from 'node:child_process';
import type { RunReport } from '../../../test/simulation/run.ts';
import type { Summary } from '../../../test/simulation/summary.ts';

export interface Asked {
  readonly seconds: number;
  readonly nodes: number | null;
  readonly profile: string | null;
  readonly mutant: string | null;
}

export function describeFailure(report: RunReport, asked: Asked, last: readonly string[] = []): string {
  const [first] = report.findings;
  const at = ((first?.atMs ?? report.virtualMs) / 1_000).toFixed(3);
  const lines = report.findings.slice(0, 5).map(({ kind, text }) => `    ${kind}: ${text}`);
  const more = report.findings.length > 5 ? [`    and ${report.findings.length - 5} more`] : [];
  return [
    `seed ${report.seed} FAILED at ${at} virtual seconds (commit ${commit()}, trace hash ${report.traceHash}):`,
    ...lines,
    ...more,
    ...(last.length === 0 ? [] : ['  the last events:', ...last.map((line) => `    ${line.slice(0, 160)}`)]),
    `  again, with all that was said: ${replayCommand(report.seed, asked)} --trace trace.txt`,
  ].join('\n');
}

export function replayCommand(seed: number, { seconds, nodes, profile, mutant }: Asked): string {
  const flags = [
    `--seed ${seed} --runs 1 --seconds ${seconds}`,
    nodes === null ? '' : ` --nodes ${nodes}`,
    profile === null ? '' : ` --profile ${profile}`,
    mutant === null ? '' : ` --mutant ${mutant}`,
  ];
  return `npm run simulate -- ${flags.join('')}`;
}

export function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}

export function summaryTable(summary: Summary, elapsedMs: number): string {
  const seconds = elapsedMs / 1_000;
  const virtual = summary.virtualMs / 1_000;
  return [
    '',
    `${summary.runs} runs, ${Math.round(virtual).toLocaleString('en')} virtual seconds, ${summary.events.toLocaleString('en')} events in ${seconds.toFixed(1)} s`,
    `${(summary.runs / seconds).toFixed(1)} runs a second, ${Math.round(virtual / seconds)} virtual seconds a second`,
    `trace hash ${summary.traceHash}`,
    ...section('injected', summary.injected.counts),
    ...section('happened', summary.happened.counts),
    ...section('operations', summary.outcomes.counts),
    '',
    summary.failures.length === 0
      ? 'Every promise held in every run.'
      : `FAILED: ${summary.failures.length} of ${summary.runs} runs: seeds ${seedsOf(summary).slice(0, 50).join(' ')}`,
  ].join('\n');
}

function seedsOf({ failures }: Summary): readonly number[] {
  return failures.map(({ seed }) => seed).sort((a, b) => a - b);
}

function section(title: string, counts: ReadonlyMap<string, number>): readonly string[] {
  const rows = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    '',
    `${title}:`,
    ...rows.map(([name, count]) => `  ${name.padEnd(28)} ${count.toLocaleString('en').padStart(12)}`),
  ];
}

export function summaryJson(summary: Summary, elapsedMs: number): string {
  return JSON.stringify({
    runs: summary.runs,
    failed: seedsOf(summary),
    virtualSeconds: summary.virtualMs / 1_000,
    events: summary.events,
    elapsedMs: Math.round(elapsedMs),
    traceHash: summary.traceHash,
    traceHashes: Object.fromEntries(summary.traceHashes),
    injected: Object.fromEntries(summary.injected.counts),
    happened: Object.fromEntries(summary.happened.counts),
    operations: Object.fromEntries(summary.outcomes.counts),
    failures: summary.failures.map(({ seed, traceHash, findings }) => ({ seed, traceHash, findings })),
  });
}
