/** A failing plan made small: as few faults and deeds as still fail in the same way, and ended soon after. */
import type { Plan } from './plan.ts';
import type { RunReport } from './run.ts';

/** Runs that a search may cost. */
const MOST_RUNS = 400;

export async function shrink(
  plan: Plan,
  run: (plan: Plan) => Promise<RunReport>,
  tell: (line: string) => void,
  mostRuns = MOST_RUNS,
): Promise<Plan> {
  const first = await run(plan);
  const kind = first.findings[0]?.kind;
  if (kind === undefined) return plan;
  let runs = 1;
  const fails = async (smaller: Plan): Promise<boolean> => {
    if (runs >= mostRuns) return false;
    runs++;
    return (await run(smaller)).findings.some((finding) => finding.kind === kind);
  };
  let small = await shortened(plan, first, fails);
  for (let size = -1; size !== small.faults.length + small.deeds.length; ) {
    size = small.faults.length + small.deeds.length;
    small = { ...small, faults: await fewest(small.faults, (faults) => fails({ ...small, faults })) };
    const kept = small;
    small = { ...kept, deeds: await fewest(kept.deeds, (deeds) => fails({ ...kept, deeds })) };
    tell(`${runs} runs: ${small.faults.length} faults, ${small.deeds.length} operations`);
  }
  return small;
}

/** What is planned for after the failure has no part in it. */
async function shortened(
  plan: Plan,
  { findings }: RunReport,
  fails: (plan: Plan) => Promise<boolean>,
): Promise<Plan> {
  const endMs = Math.min(plan.endMs, (findings[0]?.atMs ?? plan.endMs) + 1);
  const shorter = {
    ...plan,
    endMs,
    faults: plan.faults.filter(({ atMs }) => atMs <= endMs),
    deeds: plan.deeds.filter(({ atMs }) => atMs <= endMs),
  };
  return (await fails(shorter)) ? shorter : plan;
}

/** Leaves out halves, quarters, and so on, as long as what is left still fails (Zeller's delta debugging). */
async function fewest<Item>(
  items: readonly Item[],
  fails: (items: readonly Item[]) => Promise<boolean>,
): Promise<readonly Item[]> {
  let kept = items;
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < kept.length; ) {
      const without = [...kept.slice(0, from), ...kept.slice(from + size)];
      if (await fails(without)) kept = without;
      else from += size;
    }
  }
  return kept;
}
