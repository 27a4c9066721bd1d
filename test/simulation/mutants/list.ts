import { CodedError } from '../../../src/base/errors.ts';
import type { Mutant } from './mutant.ts';

export const mutants: readonly Mutant[] = [];

/** Throws CodedError USAGE when there is none of that name. */
export function findMutant(name: string): Mutant {
  const found = mutants.find((mutant) => mutant.name === name);
  if (found !== undefined) return found;
  throw new CodedError(
    'USAGE',
    `there is no mutant "${name}"; there are: ${mutants.map((one) => one.name).join(', ')}`,
  );
}
