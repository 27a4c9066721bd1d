/** What a message can be sent to: a user by name, or a group by its name behind a mark that no user's name begins with. */

export const groupMark = '#';

/** The group that everyone is in, and that nobody can make. */
export const lobbyName = 'lobby';

export function isGroupAddress(address: string): boolean {
  return address.startsWith(groupMark);
}

/** The name of a group in an address, or null when it is a user's. */
export function groupNameIn(address: string): string | null {
  return isGroupAddress(address) ? address.slice(groupMark.length) : null;
}
