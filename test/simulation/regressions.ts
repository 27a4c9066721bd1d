import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Plan } from './plan.ts';
import { readPlan } from './stored-plan.ts';

/**
 * What once failed and how, by name: made small by `--shrink` and written down by `--save`, so that it stays what it was when the making
 * of plans changes. Each finds its mistake in a program, or a simulator, that has it. docs/failures.md tells the story of each, and each mistake has a
 * test of its own beside it.
 */
export function foundMistakes(): readonly { readonly name: string; readonly plan: Plan }[] {
  const directory = fileURLToPath(new URL('./regressions/', import.meta.url));
  const names = readdirSync(directory).sort();
  return names.map((name) => ({ name, plan: readPlan(`${directory}/${name}`) }));
}
