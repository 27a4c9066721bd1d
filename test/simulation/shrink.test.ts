import t from 'tap';
import { shrink } from './shrink.ts';
import { planOf, simulatePlan } from './simulate.ts';
import { Trace } from './trace.ts';

const options = { seed: 2, seconds: 30, nodes: null, profile: null, mutant: 'apply-twice' };

// Seconds of work, and many more on a busy machine.
t.setTimeout(300_000);

t.test(
  'shrink: a failing plan becomes one with hardly anything left, which fails in the same way',
  async (t) => {
    const plan = planOf(options);
    const first = await simulatePlan(plan, options.mutant);
    const small = await shrink(
      plan,
      (smaller) => simulatePlan(smaller, options.mutant),
      () => undefined,
      60,
    );
    const again = await simulatePlan(small, options.mutant);
    t.equal(again.findings[0]?.kind, first.findings[0]?.kind);
    t.ok(
      small.faults.length < plan.faults.length && small.faults.length <= 3,
      `${small.faults.length} faults`,
    );
    t.ok(small.deeds.length < plan.deeds.length / 2, `${small.deeds.length} of ${plan.deeds.length} deeds`);
    t.ok(small.endMs < plan.endMs);
  },
);

t.test('trace: changes nothing, and says who said what to whom and what went wrong', async (t) => {
  const lines: string[] = [];
  const plan = planOf({ ...options, mutant: null });
  const silent = await simulatePlan(plan, null);
  const told = await simulatePlan(plan, null, new Trace((line) => void lines.push(line)));
  t.same(told, silent);
  const text = lines.join('\n');
  t.match(text, /\d → \d {4}term \d+: vote for me/);
  t.match(text, /\d → \d {4}term \d+: append entry \d+\/\d+ after \d+\/\d+, committed \d+/);
  t.match(text, /users {4}ann sends "ann 1" to /);
  t.match(text, /FAULT {4}(node|machine) \d /);
});
