import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';
import { ownedGroup } from './group-rights.ts';

type TransferGroup = Extract<Command, { kind: 'transfer-group' }>;

/** To another member. */
export function transferGroup(context: Context, command: TransferGroup): Result {
  const { accounts, conversations } = context.tables;
  const group = ownedGroup(context, command.name);
  if (typeof group === 'string') return reject(group);
  const owner = accounts.byName(command.owner);
  if (owner === undefined) return reject('UNKNOWN_USER');
  if (!group.includes(owner.id)) return reject('NOT_A_MEMBER');
  conversations.changeGroup(group, (changed) => changed.setOwner(owner.id));
  const { id, name } = group;
  context.emit({ kind: 'owner-changed', group: id, name, owner: owner.id, ownerName: owner.name });
  return accept({ kind: 'group-changed', group: id, name });
}
