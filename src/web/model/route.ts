/** Which conversation is open stands in the address of the page, so that back, forward and bookmarks work. */
const conversationMark = '#/';
const invitationMark = '#invite=';

export function addressFor(conversation: string): string {
  return `${conversationMark}${encodeURIComponent(conversation)}`;
}

export function conversationIn(hash: string): string | null {
  if (!hash.startsWith(conversationMark) || hash.length === conversationMark.length) return null;
  try {
    return decodeURIComponent(hash.slice(conversationMark.length));
  } catch {
    return null;
  }
}

/** Behind the mark a browser sends nothing to any server: the code stays between who invites and who comes. */
export function invitationIn(hash: string): string {
  if (!hash.startsWith(invitationMark)) return '';
  try {
    return decodeURIComponent(hash.slice(invitationMark.length));
  } catch {
    return '';
  }
}
