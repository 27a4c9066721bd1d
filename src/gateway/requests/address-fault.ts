import { groupNameIn } from '../../base/addresses.ts';
import { limits } from '../../base/limits.ts';

/** What `apply` would refuse for its size needs no place in the log. */
export function addressFault(to: string): 'UNKNOWN_USER' | 'UNKNOWN_GROUP' | null {
  const group = groupNameIn(to);
  if (group === null) return to.length > limits.nameMaxChars ? 'UNKNOWN_USER' : null;
  return group.length > limits.groupNameMaxChars ? 'UNKNOWN_GROUP' : null;
}
