import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';
import { ownedGroup } from './group-rights.ts';

type DeleteGroup = Extract<Command, { kind: 'delete-group' }>;

/** With its messages, for every member. The one command whose cost grows with the group; its bound is `limits.groupMembers`. */
export function deleteGroup(context: Context, command: DeleteGroup): Result {
  const group = ownedGroup(context, command.name);
  if (typeof group === 'string') return reject(group);
  const { id, name } = group;
  const members = new Set(group.members());
  context.tables.conversations.removeGroup(group);
  context.tables.hooks.removeIn(id);
  context.emit({ kind: 'group-deleted', group: id, name, members });
  return accept({ kind: 'group-deleted', group: id, name });
}
