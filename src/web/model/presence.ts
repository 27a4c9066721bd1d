/** Who is online, and who is writing in which conversation. */
import type { UserEntry } from '../../protocol/requests.ts';

/** `isComplete`: what was known before is forgotten. */
export function afterPresence(
  online: ReadonlySet<string>,
  users: readonly UserEntry[],
  isComplete: boolean,
): ReadonlySet<string> {
  const next = new Set(isComplete ? [] : online);
  for (const user of users) {
    if (user.online) next.add(user.name);
    else next.delete(user.name);
  }
  return next;
}

/** Conversation → who is writing in it. */
export type Typing = ReadonlyMap<string, readonly string[]>;

export function withTyping(typing: Typing, conversation: string, user: string): Typing {
  const known = typing.get(conversation) ?? [];
  return known.includes(user) ? typing : new Map(typing).set(conversation, [...known, user]);
}

/** Their time is over, or what they wrote has come. */
export function withoutTyping(typing: Typing, conversation: string, user: string): Typing {
  const known = typing.get(conversation);
  if (known?.includes(user) !== true) return typing;
  const next = new Map(typing);
  const left = known.filter((name) => name !== user);
  if (left.length === 0) next.delete(conversation);
  else next.set(conversation, left);
  return next;
}
