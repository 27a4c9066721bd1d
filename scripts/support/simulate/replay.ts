/** One seed, looked at closely: written down as a conversation, or made smaller. */
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { describeFault } from '../../../test/simulation/describe-fault.ts';
import type { Plan } from '../../../test/simulation/plan.ts';
import type { ProfileName } from '../../../test/simulation/profiles.ts';
import type { RunReport } from '../../../test/simulation/run.ts';
import { shrink } from '../../../test/simulation/shrink.ts';
import { planOf, simulatePlan } from '../../../test/simulation/simulate.ts';
import { writePlan } from '../../../test/simulation/stored-plan.ts';
import { Trace } from '../../../test/simulation/trace.ts';
import { describeFailure } from './report.ts';

export interface ReplayOptions {
  readonly firstSeed: number;
  readonly seconds: number;
  readonly nodes: number | null;
  readonly profile: ProfileName | null;
  readonly mutant: string | null;
  /** Carried out instead of what the seed stands for. */
  readonly plan: Plan | null;
  readonly traceFile: string | null;
  /** The plan is written there, to be given again. */
  readonly saveFile: string | null;
  readonly shrink: boolean;
  readonly tell: (line: string) => void;
}

export async function replay(options: ReplayOptions): Promise<number> {
  const { mutant, traceFile, saveFile, tell } = options;
  let plan = options.plan ?? planOf({ ...options, seed: options.firstSeed });
  if (options.shrink) plan = await made(plan, options);
  if (saveFile !== null) writePlan(saveFile, plan);
  const report = await traced(plan, mutant, traceFile);
  if (report.findings.length === 0) {
    tell(`seed ${plan.seed}: every promise held (trace hash ${report.traceHash})`);
    return 0;
  }
  tell(describeFailure(report, options));
  return 1;
}

async function made(plan: Plan, { mutant, tell }: ReplayOptions): Promise<Plan> {
  const small = await shrink(plan, (smaller) => simulatePlan(smaller, mutant), tell);
  tell(
    `left: ${small.faults.length} of ${plan.faults.length} faults, ${small.deeds.length} of ${plan.deeds.length} operations`,
  );
  for (const { atMs, fault } of small.faults)
    tell(`  ${(atMs / 1_000).toFixed(3)} s  ${describeFault(fault)}`);
  return small;
}

async function traced(plan: Plan, mutant: string | null, file: string | null): Promise<RunReport> {
  if (file === null) return simulatePlan(plan, mutant);
  const output = createWriteStream(file);
  let isOver = false;
  // What was still open when the run was over ends after it, and is no part of it.
  const write = (line: string): void => void (isOver || output.write(`${line}\n`));
  const report = await simulatePlan(plan, mutant, new Trace(write));
  isOver = true;
  for (const { atMs, kind, text } of report.findings) {
    output.write(`${(atMs / 1_000).toFixed(4).padStart(9)} s  FOUND    ${kind}: ${text}\n`);
  }
  output.end();
  await finished(output);
  return report;
}
