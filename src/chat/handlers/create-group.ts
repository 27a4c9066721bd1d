import { limits } from '../../base/limits.ts';
import type { Group } from '../conversations/conversation.ts';
import type { GroupAddress } from '../vocabulary/group-types.ts';
import type { Account, Command, ConversationId, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';
import { hashFault, joinFault, nameFault } from './group-rights.ts';

type CreateGroup = Extract<Command, { kind: 'create-group' }>;

/** Its maker owns it and is in it. */
export function createGroup(context: Context, command: CreateGroup): Result {
  const { actor, tables } = context;
  if (actor === null) return reject('AUTH_REQUIRED');
  const fault =
    nameFault(tables, command.name) ?? hashFault(command.passwordHash) ?? joinFault(tables, actor);
  if (fault !== null) return reject(fault);
  if (tables.conversations.groups.size >= limits.groups) return reject('TOO_MANY_GROUPS');
  const group = makeGroup(context, command.name, actor, command.passwordHash, null);
  return accept({ kind: 'group-created', group: group.id, name: group.name });
}

/** What may be made was decided by the caller. */
export function makeGroup(
  context: Context,
  name: string,
  owner: Account | null,
  passwordHash: string | null,
  address: GroupAddress | null,
): Group {
  const { tables, moment } = context;
  const id: ConversationId = `g:${moment.index}`;
  const group = tables.conversations.addGroup({
    id,
    name,
    owner: owner?.id ?? null,
    passwordHash,
    credential: 1,
    createdMs: moment.wallMs,
    address,
    listenerPort: null,
    lastSequence: 0,
    lastIndex: 0,
  });
  if (owner !== null) tables.conversations.join(group, owner.id, moment);
  context.emit({ kind: 'group-created', group: id, name, by: owner?.id ?? null });
  return group;
}
