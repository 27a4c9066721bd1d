/** Plans in files: what a seed stands for changes when the making of plans does, what was written down does not. */
import { readFileSync, writeFileSync } from 'node:fs';
import { CodedError } from '../../src/base/errors.ts';
import type { Plan } from './plan.ts';

export function writePlan(path: string, plan: Plan): void {
  writeFileSync(path, `${JSON.stringify(plan, null, 2)}\n`);
}

/** Throws CodedError USAGE when there is none. */
export function readPlan(path: string): Plan {
  try {
    const plan: Plan = JSON.parse(readFileSync(path, 'utf8'));
    return plan;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new CodedError('USAGE', `${path} holds no plan: ${text}`, { cause: error });
  }
}
