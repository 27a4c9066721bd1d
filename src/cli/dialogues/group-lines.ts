/** Lines about groups that the terminal client understands beside those of the house dialect: who is in one, and what its owner may do. Pure. */
import { groupNameIn } from '../../base/addresses.ts';
import type { ClientRequest, GroupEntry, MemberEntry } from '../../protocol/requests.ts';

export const groupHelp: readonly string[] = [
  'g - show the groups; g|#group - who is in it',
  'l|#group - leave it',
  'g|#group|name|NEW, g|#group|password|TEXT (nothing behind the bar opens it), g|#group|remove|user, g|#group|owner|user, g|#group|delete - of a group that is yours',
];

/** Null when it is another line. */
export function parseGroupLine(line: string): ClientRequest | null {
  if (line === 'g') return { op: 'groups' };
  const [, verb, address = '', what, value] = /^([gl])\|([^|]+)(?:\|(\w+)(?:\|(.*))?)?$/s.exec(line) ?? [];
  const group = groupNameIn(address);
  if (verb === undefined || group === null) return null;
  if (what === undefined) return verb === 'g' ? { op: 'members', group } : { op: 'leave-group', group };
  return verb === 'g' ? ownersRequest(group, what, value) : null;
}

/** `value` undefined: there was no bar. */
function ownersRequest(group: string, what: string, value: string | undefined): ClientRequest | null {
  if (what === 'delete') return value === undefined ? { op: 'delete-group', group } : null;
  if (value === undefined) return null;
  switch (what) {
    case 'password':
      return { op: 'set-group-password', group, ...(value === '' ? {} : { password: value }) };
    case 'name':
      return { op: 'rename-group', group, name: groupNameIn(value) ?? value };
    case 'remove':
      return { op: 'remove-member', group, user: value };
    case 'owner':
      return { op: 'transfer-group', group, user: value };
    default:
      return null;
  }
}

export function groupLine({ name, members, closed, joined }: GroupEntry): string {
  const facts = [
    ...(members === null ? [] : [`${members} ${members === 1 ? 'member' : 'members'}`]),
    ...(closed ? ['closed'] : []),
    ...(joined ? ['you are in it'] : []),
  ];
  return facts.length === 0 ? `#${name}` : `#${name} (${facts.join(', ')})`;
}

export function memberLine({ name, online, owner }: MemberEntry): string {
  return `${name}${owner ? ' (owner)' : ''}${online ? ' ✅' : ''}`;
}
