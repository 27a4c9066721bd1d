import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';
import { depart, ownedGroup } from './group-rights.ts';

type RemoveMember = Extract<Command, { kind: 'remove-member' }>;

/** The owner's right over others; an owner who wants to go leaves. */
export function removeMember(context: Context, command: RemoveMember): Result {
  const { accounts } = context.tables;
  const group = ownedGroup(context, command.name);
  if (typeof group === 'string') return reject(group);
  const member = accounts.byName(command.member);
  if (member === undefined) return reject('UNKNOWN_USER');
  if (!group.includes(member.id)) return reject('NOT_A_MEMBER');
  if (member.id === group.owner) return reject('DENIED');
  depart(context, group, member, 'removed');
  return accept({ kind: 'member-removed', group: group.id, name: group.name });
}
