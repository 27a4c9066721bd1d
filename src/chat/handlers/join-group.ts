import { lobbyName } from '../../base/addresses.ts';
import { limits } from '../../base/limits.ts';
import type { Group } from '../conversations/conversation.ts';
import { foldName } from '../names/names.ts';
import type { Command, RejectionCode, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';
import { createGroup } from './create-group.ts';
import { joinFault } from './group-rights.ts';

type JoinGroup = Extract<Command, { kind: 'join-group' }>;

/**
 * The gateway has verified the password against the hash of one credential of one group. Here it is decided whether that is still the
 * group's: between the two its password may have changed, or another group have taken the name.
 */
export function joinGroup(context: Context, command: JoinGroup): Result {
  const { actor, tables } = context;
  if (actor === null) return reject('AUTH_REQUIRED');
  if (foldName(command.name) === lobbyName) return reject('ALREADY_MEMBER');
  const group = tables.conversations.groups.byName(command.name);
  if (group === undefined) {
    // One that was seen is gone since: what would be made in its place might lack the password that was typed.
    if (!command.create || command.seen !== null) return reject('UNKNOWN_GROUP');
    const { name, passwordHash } = command;
    return createGroup(context, { kind: 'create-group', name, passwordHash });
  }
  if (group.includes(actor.id)) return reject('ALREADY_MEMBER');
  const fault = doorFault(group, command) ?? joinFault(tables, actor);
  if (fault !== null) return reject(fault);
  tables.conversations.join(group, actor.id, context.moment);
  const { id, name } = group;
  context.emit({ kind: 'member-joined', group: id, name, account: actor.id, accountName: actor.name });
  return accept({ kind: 'group-joined', group: id, name });
}

function doorFault(group: Group, { seen }: JoinGroup): RejectionCode | null {
  const isProven = seen?.group === group.id && seen.credential === group.credential;
  if (group.passwordHash !== null && !isProven) return 'GROUP_PASSWORD_WRONG';
  return group.memberCount >= limits.groupMembers ? 'GROUP_FULL' : null;
}
