/** A few seeds of each kind, and every seed that once found a mistake. `npm run simulate` runs the many. */
import t from 'tap';
import { profileNames } from './profiles.ts';
import { foundMistakes } from './regressions.ts';
import { simulatePlan, simulateSeed } from './simulate.ts';

const plain = { nodes: null, mutant: null };

// Seconds of work, and many more on a busy machine.
t.setTimeout(300_000);

t.test('simulation: the same seed gives the same run, to the last event', async (t) => {
  for (const profile of profileNames) {
    const options = { ...plain, seed: 7, seconds: 15, profile };
    const [one, other] = [await simulateSeed(options), await simulateSeed(options)];
    t.equal(one.traceHash, other.traceHash, profile);
    t.same(one, other, profile);
  }
  const hashes = new Set<string>();
  for (let seed = 1; seed <= 5; seed++) {
    hashes.add((await simulateSeed({ ...plain, seed, seconds: 10, profile: 'network' })).traceHash);
  }
  t.equal(hashes.size, 5, 'another seed, another run');
});

t.test('simulation: every profile keeps every promise, and is what it says', async (t) => {
  for (const profile of profileNames) {
    for (const seed of [101, 102]) {
      const report = await simulateSeed({ ...plain, seed, seconds: 20, profile });
      t.same(report.findings, [], `${profile}, seed ${seed}`);
      t.ok((report.outcomes.get('send: receipt') ?? 0) > 5, 'messages were acknowledged');
    }
  }
});

t.test('simulation: what once found a mistake', async (t) => {
  const found = foundMistakes();
  t.ok(found.length > 0);
  for (const { name, plan } of found) {
    const { findings } = await simulatePlan(plan, null);
    t.same(findings, [], name);
  }
});
