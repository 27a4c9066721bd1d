import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';
import { ownedGroup } from './group-rights.ts';

type SetGroupRetention = Extract<Command, { kind: 'set-group-retention' }>;

export function setGroupRetention(context: Context, { name, ageMs }: SetGroupRetention): Result {
  const group = ownedGroup(context, name);
  if (typeof group === 'string') return reject(group);
  context.tables.retention.setAge(group.id, ageMs);
  return accept({ kind: 'group-changed', group: group.id, name: group.name });
}
