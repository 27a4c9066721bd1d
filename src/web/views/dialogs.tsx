/** Whichever dialog is open. */
import type { JSX } from 'preact';
import type { Dialog } from '../model/app-state.ts';
import { AccountDialog } from './account-dialog.tsx';
import { DialogContext, useApp, useClose, useSelect, useTexts } from './context.ts';
import { DialogFrame } from './dialog-frame.tsx';
import { GroupDialog } from './group-dialog.tsx';
import { JoinGroupDialog, NewGroupDialog } from './group-forms.tsx';
import { JumpDialog } from './jump-dialog.tsx';
import { SearchDialog } from './search-dialog.tsx';
import { SettingsDialog } from './settings-dialog.tsx';
import { useReply } from './use-reply.ts';

export function Dialogs(): JSX.Element | null {
  const dialog = useSelect((state) => state.dialog);
  if (dialog === null) return null;
  return (
    // The key: one that is opened again begins anew.
    <DialogContext.Provider key={dialog} value={dialog}>
      <Opened dialog={dialog} />
    </DialogContext.Provider>
  );
}

function Opened({ dialog }: { readonly dialog: Dialog }): JSX.Element {
  switch (dialog.kind) {
    case 'jump':
      return <JumpDialog />;
    case 'new-group':
      return <NewGroupDialog />;
    case 'join-group':
      return <JoinGroupDialog group={dialog.group} isClosed={dialog.closed} />;
    case 'group':
      return <GroupDialog group={dialog.group} />;
    case 'account':
      return <AccountDialog />;
    case 'settings':
      return <SettingsDialog />;
    case 'search':
      return <SearchDialog />;
    case 'delete-message':
      return <DeleteDialog conversation={dialog.conversation} sequence={dialog.sequence} />;
    case 'help':
      return <HelpDialog />;
    case 'image':
      return (
        <DialogFrame title={dialog.name} size="large">
          <img class="image-large" src={dialog.address} alt={dialog.name} />
        </DialogFrame>
      );
  }
}

function DeleteDialog(props: { readonly conversation: string; readonly sequence: number }): JSX.Element {
  const app = useApp();
  const texts = useTexts();
  const close = useClose();
  const { isBusy, fault, ask } = useReply();
  const remove = async (): Promise<void> => {
    if (await ask(() => app.amend({ op: 'delete-message', ...props }))) close();
  };
  return (
    <DialogFrame title={texts.message.remove}>
      <p>{texts.message.removeAsk}</p>
      <p class="fault" role="alert">
        {fault}
      </p>
      <div class="dialog-actions">
        <button type="button" onClick={close}>
          {texts.dialog.no}
        </button>
        <button type="button" class="danger" disabled={isBusy} onClick={() => void remove()}>
          {texts.dialog.yes}
        </button>
      </div>
    </DialogFrame>
  );
}

function HelpDialog(): JSX.Element {
  const texts = useTexts();
  return (
    <DialogFrame title={texts.help.title}>
      <dl class="keys">
        {texts.help.keys.map(([keys, meaning]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </DialogFrame>
  );
}
