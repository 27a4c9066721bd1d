import { limits } from '../../base/limits.ts';
import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';
import { makeGroup } from './create-group.ts';
import { nameFault } from './group-rights.ts';

type AnnounceGroup = Extract<Command, { kind: 'announce-group' }>;

/** As long as a name in the domain name system. */
const maxHostChars = 253;

/**
 * The registry's: whoever runs a group elsewhere makes its address known, without an account. The gateway's policy decides who may. Nobody
 * owns such a group, and it stays when its last member leaves.
 */
export function announceGroup(context: Context, { name, address }: AnnounceGroup): Result {
  const { conversations } = context.tables;
  const known = conversations.groups.byName(name);
  if (known?.address?.host === address.host && known.address.port === address.port) {
    return accept({ kind: 'group-announced', group: known.id, name: known.name });
  }
  const fault = nameFault(context.tables, name);
  if (fault !== null) return reject(fault);
  const isAddress = /^[\x21-\x7e]+$/.test(address.host) && address.port >= 1 && address.port <= 65_535;
  if (!isAddress || address.host.length > maxHostChars) return reject('BAD_REQUEST');
  if (conversations.groups.size >= limits.groups) return reject('TOO_MANY_GROUPS');
  const group = makeGroup(context, name, null, null, address);
  return accept({ kind: 'group-announced', group: group.id, name: group.name });
}
