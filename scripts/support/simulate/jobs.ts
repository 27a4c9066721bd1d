/** What the simulation's processes say to each other. Plain data. */
import type { ProfileName } from '../../../test/simulation/profiles.ts';
import type { RunReport } from '../../../test/simulation/run.ts';

/** One after the other in one process, until the first failure if `untilFailure`. */
export interface Job {
  readonly firstSeed: number;
  /** Between two seeds of this process: so many processes share the work. */
  readonly step: number;
  readonly runs: number;
  readonly seconds: number;
  readonly nodes: number | null;
  /** Null: the mutant's own choice, or everything. */
  readonly profile: ProfileName | null;
  readonly mutant: string | null;
  readonly untilFailure: boolean;
}

export type Said =
  /** Of a run that failed, the last that was said and done in it. */
  | { readonly kind: 'report'; readonly report: RunReport; readonly last: readonly string[] }
  | { readonly kind: 'done' };
