/** What several group commands ask: may there be one more, is this its owner, who comes after. */

import { lobbyName } from '../../base/addresses.ts';
import { limits } from '../../base/limits.ts';
import type { Group } from '../conversations/conversation.ts';
import { foldName, isGroupName } from '../names/names.ts';
import type { Account, RejectionCode } from '../vocabulary/types.ts';
import type { Context, Tables } from './context.ts';

/** An argon2id hash in PHC form has about a hundred. */
const maxHashChars = 512;

/** Null when a group of this name may be made. */
export function nameFault(tables: Tables, name: string): RejectionCode | null {
  if (!isGroupName(name)) return 'BAD_GROUP_NAME';
  const isTaken = foldName(name) === lobbyName || tables.conversations.groups.byName(name) !== undefined;
  return isTaken ? 'GROUP_TAKEN' : null;
}

export function hashFault(passwordHash: string | null): RejectionCode | null {
  return passwordHash !== null && passwordHash.length > maxHashChars ? 'BAD_REQUEST' : null;
}

/** Null when the account may be in one group more. */
export function joinFault(tables: Tables, account: Account): RejectionCode | null {
  const groups = tables.conversations.of(account.id).filter(({ kind }) => kind === 'group').length;
  return groups >= limits.groupsPerAccount ? 'TOO_MANY_GROUPS' : null;
}

/** To those who are not in it a group shows no more than its name: whoever is no owner is told so as a member only. */
export function ownedGroup({ tables, actor }: Context, name: string): Group | RejectionCode {
  if (actor === null) return 'AUTH_REQUIRED';
  const group = tables.conversations.groups.byName(name);
  if (group === undefined) return 'UNKNOWN_GROUP';
  if (!group.includes(actor.id)) return 'NOT_A_MEMBER';
  return group.owner === actor.id ? group : 'DENIED';
}

/**
 * Takes a member out. An owner's group passes to whoever has been in it longest; one without members is gone, unless it was announced from
 * elsewhere, where it still is, or has a port that an operator gave it.
 */
export function depart(
  context: Context,
  group: Group,
  member: Account,
  reason: 'left' | 'removed' | 'deleted',
): void {
  const { conversations, hooks } = context.tables;
  const { id, name } = group;
  const members = new Set([member.id]);
  conversations.leave(group, member.id);
  hooks.removeIn(id, member.id);
  context.emit({
    kind: 'member-left',
    group: id,
    name,
    account: member.id,
    accountName: member.name,
    reason,
  });
  if (group.memberCount === 0) {
    if (group.address !== null || group.listenerPort !== null) return;
    conversations.removeGroup(group);
    hooks.removeIn(id);
    context.emit({ kind: 'group-deleted', group: id, name, members });
    return;
  }
  if (group.owner === member.id) passOn(context, group);
}

function passOn(context: Context, group: Group): void {
  const { conversations, accounts } = context.tables;
  const [longest] = group.members();
  const owner = longest === undefined ? undefined : accounts.byId(longest);
  if (owner === undefined) return;
  conversations.changeGroup(group, (changed) => changed.setOwner(owner.id));
  context.emit({
    kind: 'owner-changed',
    group: group.id,
    name: group.name,
    owner: owner.id,
    ownerName: owner.name,
  });
}
