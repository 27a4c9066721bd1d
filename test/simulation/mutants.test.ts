/** The checkers are judged: each planted mistake is found. `npm run simulate -- --mutants` searches on a larger budget, from seed 1. */
import t from 'tap';
import { firstSeeds } from './mutants/catches.ts';
import { mutants } from './mutants/list.ts';
import { simulateSeed } from './simulate.ts';

const SECONDS = 30;
/** Seeds that one may take here. Mostly the first one shows it. */
const MOST_SEEDS = 150;

async function seedsUntilFound(mutant: string): Promise<number> {
  const first = firstSeeds[mutant] ?? 1;
  for (let seed = first; seed < first + MOST_SEEDS; seed++) {
    const { findings } = await simulateSeed({ seed, seconds: SECONDS, nodes: null, profile: null, mutant });
    if (findings.length > 0) return seed - first + 1;
  }
  return Number.POSITIVE_INFINITY;
}

// Seconds of work, and many more on a busy machine.
t.setTimeout(300_000);

t.test('mutants: every planted mistake is found', async (t) => {
  for (const { name, does } of mutants) {
    t.ok((await seedsUntilFound(name)) <= MOST_SEEDS, `${name}: ${does}`);
  }
});

t.test('mutants: a method that was replaced for a run is put back after it', async (t) => {
  for (const { name, profile, patch } of mutants) {
    if (patch === undefined) continue;
    const options = { seed: 3, seconds: 10, nodes: null, profile };
    const before = await simulateSeed({ ...options, mutant: null });
    await simulateSeed({ ...options, mutant: name });
    t.same(await simulateSeed({ ...options, mutant: null }), before, name);
  }
});
