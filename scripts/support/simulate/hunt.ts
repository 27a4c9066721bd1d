/** Every mutant, until it is found out: how many seeds that takes, and which checker sees it. */
import { mutants } from '../../../test/simulation/mutants/list.ts';
import type { ProfileName } from '../../../test/simulation/profiles.ts';
import type { RunReport } from '../../../test/simulation/run.ts';
import { runInPool } from './pool.ts';

export interface HuntOptions {
  readonly firstSeed: number;
  readonly runs: number;
  readonly seconds: number;
  readonly nodes: number | null;
  readonly profile: ProfileName | null;
  readonly workers: number;
  readonly json: boolean;
}

interface Caught {
  readonly mutant: string;
  /** Seeds tried until then; null: not found. */
  readonly seeds: number | null;
  readonly seed: number | null;
  readonly checker: string | null;
  readonly says: string | null;
}

export async function huntMutants(options: HuntOptions, tell: (line: string) => void): Promise<number> {
  const all: Caught[] = [];
  for (const { name, does } of mutants) {
    const caught = await hunt(name, options);
    all.push(caught);
    const how =
      caught.seeds === null
        ? `NOT FOUND in ${options.runs} seeds`
        : `${caught.seeds} seeds, ${caught.checker}`;
    tell(`${name} (${does}): ${how}`);
  }
  console.log(options.json ? JSON.stringify(all) : table(all, options.runs));
  return all.every(({ seeds }) => seeds !== null) ? 0 : 1;
}

async function hunt(mutant: string, options: HuntOptions): Promise<Caught> {
  let tried = 0;
  let first: RunReport | null = null;
  const job = { ...options, mutant, untilFailure: true };
  await runInPool(job, options.workers, (report) => {
    tried++;
    if (report.findings.length > 0) first ??= report;
  });
  const found: RunReport | null = first;
  return describeCatch(mutant, tried, found);
}

function describeCatch(mutant: string, tried: number, found: RunReport | null): Caught {
  if (found === null) return { mutant, seeds: null, seed: null, checker: null, says: null };
  const [finding] = found.findings;
  return {
    mutant,
    seeds: tried,
    seed: found.seed,
    checker: finding?.kind ?? null,
    says: finding?.text.split('\n')[0] ?? null,
  };
}

function table(all: readonly Caught[], most: number): string {
  const width = Math.max(...all.map(({ mutant }) => mutant.length)) + 2;
  const rows = all.map(({ mutant, seeds, seed, checker, says }) =>
    seeds === null
      ? `${mutant.padEnd(width)} NOT FOUND in ${most} seeds`
      : `${mutant.padEnd(width)} ${String(seeds).padStart(5)}  ${String(checker).padEnd(18)} seed ${seed}: ${String(says).slice(0, 110)}`,
  );
  const missed = all.filter(({ seeds }) => seeds === null).length;
  const verdict =
    missed === 0
      ? `All ${all.length} mutants were found.`
      : `${missed} of ${all.length} mutants were NOT found.`;
  return ['', `${'mutant'.padEnd(width)} seeds  checker`, ...rows, '', verdict].join('\n');
}
