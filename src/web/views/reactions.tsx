/** Who reacted to a message, and how; one's own is given and taken back by a press. */
import type { JSX } from 'preact';
import type { MessageEntry } from '../../protocol/requests.ts';
import { hasReacted } from '../model/amendments.ts';
import type { Catalogue } from '../texts/texts.ts';
import type { MessageAction } from './message-action.ts';

interface Props {
  readonly message: MessageEntry;
  readonly me: string;
  readonly texts: Catalogue;
  readonly onAction: (action: MessageAction, message: MessageEntry) => void;
}

export function Reactions({ message, me, texts, onAction }: Props): JSX.Element | null {
  const { reactions = [] } = message;
  if (reactions.length === 0) return null;
  return (
    <div class="reactions">
      {reactions.map((entry) => {
        const { reaction, users } = entry;
        const isMine = hasReacted(entry, me);
        const label = texts.message.reacted(reaction, users.join(', '));
        return (
          <button
            type="button"
            class="reaction"
            key={reaction}
            aria-pressed={isMine}
            title={label}
            onClick={() => onAction({ kind: 'react', reaction, remove: isMine }, message)}
          >
            <span aria-hidden="true">
              {reaction} {users.length}
            </span>
            <span class="sr-only">{label}</span>
          </button>
        );
      })}
    </div>
  );
}
