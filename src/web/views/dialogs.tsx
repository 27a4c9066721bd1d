/** Whichever dialog is open. */
import type { JSX } from 'preact';
import { AccountDialog } from './account-dialog.tsx';
import { useSelect, useTexts } from './context.ts';
import { DialogFrame } from './dialog-frame.tsx';
import { GroupDialog } from './group-dialog.tsx';
import { JoinGroupDialog, NewGroupDialog } from './group-forms.tsx';
import { JumpDialog } from './jump-dialog.tsx';
import { SearchDialog } from './search-dialog.tsx';
import { SettingsDialog } from './settings-dialog.tsx';

export function Dialogs(): JSX.Element | null {
  const dialog = useSelect((state) => state.dialog);
  if (dialog === null) return null;
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
