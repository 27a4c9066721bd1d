/** One seed, faithful or with a mutant, to its report. */
import { findMutant } from './mutants/list.ts';
import { makePlan, type Plan } from './plan.ts';
import type { ProfileName } from './profiles.ts';
import { Run, type RunReport } from './run.ts';
import type { Trace } from './trace.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly nodes: number | null;
  readonly profile: ProfileName | null;
  readonly mutant: string | null;
  readonly trace?: Trace;
}

export function planOf({ seed, seconds, nodes, profile, mutant }: SimulationOptions): Plan {
  const chosen = profile ?? (mutant === null ? 'everything' : findMutant(mutant).profile);
  return makePlan({ seed, seconds, nodes, profile: chosen });
}

export function simulateSeed(options: SimulationOptions): Promise<RunReport> {
  return simulatePlan(planOf(options), options.mutant, options.trace);
}

export async function simulatePlan(plan: Plan, mutant: string | null, trace?: Trace): Promise<RunReport> {
  const undo = mutant === null ? null : findMutant(mutant).patch?.();
  try {
    const wiring = mutant === null ? {} : { wiring: findMutant(mutant).wiring };
    const run = new Run(plan, { ...wiring, ...(trace === undefined ? {} : { trace }) });
    return await run.execute();
  } finally {
    undo?.();
  }
}
