import { foldName } from '../names/names.ts';
import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';
import { nameFault, ownedGroup } from './group-rights.ts';

type RenameGroup = Extract<Command, { kind: 'rename-group' }>;

/** The same conversation under another name; only the letter case may change, too. */
export function renameGroup(context: Context, { name, newName }: RenameGroup): Result {
  const { tables } = context;
  const group = ownedGroup(context, name);
  if (typeof group === 'string') return reject(group);
  const fault = nameFault(tables, newName);
  const isOwnName = fault === 'GROUP_TAKEN' && foldName(newName) === group.folded;
  if (fault !== null && !isOwnName) return reject(fault);
  const oldName = group.name;
  tables.conversations.changeGroup(group, (changed) => changed.setName(newName));
  context.emit({ kind: 'group-renamed', group: group.id, name: newName, oldName });
  return accept({ kind: 'group-changed', group: group.id, name: newName });
}
