/** What becomes of messages after they were said. */
import type { AmendedEntry, ReactionEntry } from '../../protocol/amendments.ts';
import { deletedMessageText, type MessageEntry } from '../../protocol/requests.ts';
import type { Conversation } from './conversations.ts';
import { messageAt, withReplaced } from './message-window.ts';

/** To choose from; a message may carry others. */
export const offeredReactions = ['👍', '❤️', '😄', '🎉', '👀', '✅', '🙏', '😮'] as const;

/** Of a message that is not loaded nothing has to be known: it is read as it is. */
export function afterAmendment(conversation: Conversation, entry: AmendedEntry): Conversation {
  const message = messageAt(conversation.window, entry.sequence);
  if (message === null || entry.revision <= (message.revision ?? 0)) return conversation;
  return { ...conversation, window: withReplaced(conversation.window, amended(message, entry)) };
}

/** Messages as they were read, with what was told of them meanwhile: the answer may be the older of the two. */
export function withAmendments(
  messages: readonly MessageEntry[],
  entries: readonly AmendedEntry[],
): readonly MessageEntry[] {
  if (entries.length === 0) return messages;
  return messages.map((read) =>
    entries.reduce((message, entry) => {
      const isOf = entry.conversation === message.conversation && entry.sequence === message.sequence;
      return isOf && entry.revision > (message.revision ?? 0) ? amended(message, entry) : message;
    }, read),
  );
}

function amended(message: MessageEntry, entry: AmendedEntry): MessageEntry {
  const { revision } = entry;
  if ('text' in entry) return { ...message, revision, text: entry.text, editedMs: entry.editedMs };
  if ('reactions' in entry) return { ...message, revision, reactions: entry.reactions };
  const { file: _file, reactions: _reactions, editedMs: _editedMs, ...rest } = message;
  return { ...rest, revision, text: deletedMessageText, deleted: true };
}

export function hasReacted({ users }: ReactionEntry, me: string): boolean {
  return users.includes(me);
}

/** The author of a text may change it; a file has none. */
export function mayEdit({ from, deleted, file }: MessageEntry, me: string): boolean {
  return from === me && deleted !== true && file === undefined;
}

/** Its author, and the owner of the group that it is in. */
export function mayDelete({ from, deleted }: MessageEntry, me: string, isOwner: boolean): boolean {
  return (from === me || isOwner) && deleted !== true;
}

/** What an arrow up in an empty field goes back to. */
export function lastEditable({ window }: Conversation, me: string): MessageEntry | null {
  return window.messages.findLast((message) => mayEdit(message, me)) ?? null;
}
