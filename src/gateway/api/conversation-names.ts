/** Conversations as addresses name them: by id (`d:3:7`, `g:12`, `lobby`), by a user’s name, or by `#` and a group’s. */
import { type Static, Type } from '@sinclair/typebox';
import { groupMark, groupNameIn, lobbyName } from '../../base/addresses.ts';
import { CodedError } from '../../base/errors.ts';
import { lobbyId } from '../../chat/conversations/conversation.ts';
import { foldName } from '../../chat/names/names.ts';
import type { AccountId } from '../../chat/vocabulary/types.ts';
import type { ChatView, ConversationView } from '../../chat/vocabulary/view.ts';
import { closed } from '../http/schemas.ts';

export const conversationName = Type.String({
  minLength: 1,
  maxLength: 320,
  description: 'Id, a user’s name, `#` and a group’s name (in an address `%23`), or `lobby`.',
});
export const conversationParams = closed({ conversation: conversationName });
export type ConversationRoute = { Params: Static<typeof conversationParams> };

type View = Pick<
  ChatView,
  'conversation' | 'accountById' | 'accountByName' | 'groupByName' | 'directConversation'
>;

/** What `send` and `history` take: an id stays one where only that will do. */
export function addressOf(view: View, account: AccountId, given: string): string {
  if (given === lobbyId) return groupMark + lobbyName;
  // No name holds a colon.
  if (!given.includes(':')) return given;
  const conversation = view.conversation(given);
  if (conversation?.includes(account) !== true) throw missing(given);
  switch (conversation.kind) {
    case 'lobby':
      return groupMark + lobbyName;
    case 'group':
      return groupMark + conversation.name;
    case 'direct': {
      const other = conversation.members.find((member) => member !== account) ?? account;
      const [, first, second] = given.split(':');
      // Of two the one that is gone has no address; to oneself both are one.
      if (other === account && first !== second) throw new CodedError('UNKNOWN_USER');
      return view.accountById(other)?.name ?? given;
    }
  }
}

/** One that the account is in. */
export function conversationOf(view: View, account: AccountId, given: string): ConversationView {
  const conversation = view.conversation(idOf(view, account, given));
  if (conversation?.includes(account) !== true) throw missing(given);
  return conversation;
}

function idOf(view: View, account: AccountId, given: string): string {
  if (given === lobbyId || given.includes(':')) return given;
  const group = groupNameIn(given);
  if (group === null) {
    const other = view.accountByName(given);
    return other === undefined ? '' : view.directConversation(account, other.id);
  }
  return foldName(group) === lobbyName ? lobbyId : (view.groupByName(group)?.id ?? '');
}

function missing(given: string): CodedError {
  return new CodedError(
    given.startsWith('g:') || given.startsWith(groupMark) ? 'UNKNOWN_GROUP' : 'UNKNOWN_USER',
  );
}
