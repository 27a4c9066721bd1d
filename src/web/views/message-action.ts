/** What a person may do with a message that is on the screen. */
import type { MessageEntry } from '../../protocol/requests.ts';
import { mayDelete, mayEdit } from '../model/amendments.ts';

export type MessageAction =
  | { readonly kind: 'reply' | 'copy' | 'edit' | 'delete' | 'choose-reaction' }
  | { readonly kind: 'react'; readonly reaction: string; readonly remove: boolean };

/** What a key does to the message that has the focus. */
export function actionOf(
  key: string,
  message: MessageEntry,
  { me, isOwner }: { readonly me: string; readonly isOwner: boolean },
): MessageAction | null {
  if (message.deleted === true) return null;
  switch (key) {
    case 'r':
    case 'R':
      return { kind: 'reply' };
    case 'e':
    case 'E':
      return mayEdit(message, me) ? { kind: 'edit' } : null;
    case 'Delete':
      return mayDelete(message, me, isOwner) ? { kind: 'delete' } : null;
    case '+':
      return { kind: 'choose-reaction' };
    default:
      return null;
  }
}
