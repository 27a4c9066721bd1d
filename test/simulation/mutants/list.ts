import { CodedError } from '../../../src/base/errors.ts';
import { clientMutants } from './clients.ts';
import { clockMutants } from './clocks.ts';
import { consensusMutants } from './consensus.ts';
import type { Mutant } from './mutant.ts';
import { stateMutants } from './state.ts';
import { storageMutants } from './storage.ts';

export const mutants: readonly Mutant[] = [
  ...consensusMutants,
  ...storageMutants,
  ...stateMutants,
  ...clientMutants,
  ...clockMutants,
];

/** Throws CodedError USAGE when there is none of that name. */
export function findMutant(name: string): Mutant {
  const found = mutants.find((mutant) => mutant.name === name);
  if (found !== undefined) return found;
  const names = mutants.map((one) => one.name).join(', ');
  throw new CodedError('USAGE', `there is no mutant "${name}"; there are: ${names}`);
}
