import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';
import { depart } from './group-rights.ts';

type LeaveGroup = Extract<Command, { kind: 'leave-group' }>;

export function leaveGroup(context: Context, command: LeaveGroup): Result {
  const { actor, tables } = context;
  if (actor === null) return reject('AUTH_REQUIRED');
  const group = tables.conversations.groups.byName(command.name);
  if (group === undefined) return reject('UNKNOWN_GROUP');
  if (!group.includes(actor.id)) return reject('NOT_A_MEMBER');
  const { id, name } = group;
  depart(context, group, actor, 'left');
  return accept({ kind: 'group-left', group: id, name });
}
