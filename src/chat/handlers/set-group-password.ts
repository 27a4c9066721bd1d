import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';
import { hashFault, ownedGroup } from './group-rights.ts';

type SetGroupPassword = Extract<Command, { kind: 'set-group-password' }>;

/** Closes the group behind another password, or opens it to all. Who is in stays in. */
export function setGroupPassword(context: Context, { name, passwordHash }: SetGroupPassword): Result {
  const group = ownedGroup(context, name);
  if (typeof group === 'string') return reject(group);
  const fault = hashFault(passwordHash);
  if (fault !== null) return reject(fault);
  context.tables.conversations.changeGroup(group, (changed) => changed.setPassword(passwordHash));
  return accept({ kind: 'group-changed', group: group.id, name: group.name });
}
