/** What is done with a message of the open conversation. */
import type { MessageEntry, Reply } from '../../protocol/requests.ts';
import { errorText } from '../texts/texts.ts';
import { useApp, useTexts } from './context.ts';
import type { MessageAction } from './message-action.ts';

export function useMessageActions(): (action: MessageAction, message: MessageEntry) => void {
  const app = useApp();
  const texts = useTexts();
  const told = (reply: Reply): void => {
    if (reply.kind === 'rejection') app.tellFault(errorText(texts, reply.code, reply.text));
  };
  return (action, message) => {
    const { conversation, sequence } = message;
    switch (action.kind) {
      case 'reply':
      case 'edit':
        app.intend({ kind: action.kind, sequence });
        return;
      case 'delete':
        app.store.set({ dialog: { kind: 'delete-message', conversation, sequence } });
        return;
      case 'react': {
        const { reaction, remove } = action;
        const taken = remove ? { remove } : {};
        void app.amend({ op: 'react', conversation, sequence, reaction, ...taken }).then(told);
        return;
      }
      case 'choose-reaction':
        return;
      case 'copy':
        void copied(message.text).then((isCopied) => {
          if (isCopied) app.store.set({ announced: texts.message.copied });
          else app.tellFault(texts.message.notCopied);
        });
    }
  };
}

/** A browser has no clipboard for a page that came without TLS from another machine, and may refuse it to any. */
async function copied(text: string): Promise<boolean> {
  if (!isSecureContext) return false;
  return navigator.clipboard.writeText(text).then(
    () => true,
    () => false,
  );
}
