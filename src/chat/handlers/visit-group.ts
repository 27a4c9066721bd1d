import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';

type VisitGroup = Extract<Command, { kind: 'visit-group' }>;

/** A member comes into a group's room, or goes out of it, and stays a member: told to those who are online, kept nowhere. */
export function visitGroup(context: Context, command: VisitGroup): Result {
  const { actor, tables } = context;
  if (actor === null) return reject('AUTH_REQUIRED');
  const group = tables.conversations.groups.byName(command.name);
  if (group === undefined) return reject('UNKNOWN_GROUP');
  if (!group.includes(actor.id)) return reject('NOT_A_MEMBER');
  const { id, name } = group;
  const kind = command.entering ? 'member-entered' : 'member-exited';
  context.emit({ kind, group: id, name, account: actor.id, accountName: actor.name });
  return accept({ kind: 'group-visited', group: id, name });
}
