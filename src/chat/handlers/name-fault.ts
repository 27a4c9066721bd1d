import type { Accounts } from '../accounts/accounts.ts';
import { isName, isPreparedName } from '../names/names.ts';
import type { RejectionCode } from '../vocabulary/types.ts';

/** Why nobody can come under that name; null when somebody can. */
export function nameFault(accounts: Accounts, name: string, names?: 'unicode'): RejectionCode | null {
  if (!isName(name) && !(names === 'unicode' && isPreparedName(name))) return 'BAD_NAME';
  if (accounts.byName(name) !== undefined) return 'NAME_TAKEN';
  return accounts.isConfusable(name) ? 'NAME_CONFUSABLE' : null;
}
