/** The own account: what others see of it, its password, and its end. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Profile } from '../../protocol/requests.ts';
import { ConfirmButton } from './confirm-button.tsx';
import { useApp, useSelect, useTexts } from './context.ts';
import { DialogFrame } from './dialog-frame.tsx';
import { Field } from './field.tsx';
import { Form } from './form.tsx';
import { textIn, useReply } from './use-reply.ts';

export function AccountDialog(): JSX.Element {
  const app = useApp();
  const texts = useTexts();
  const me = useSelect((state) => state.me);
  const { fault, ask } = useReply();
  return (
    <DialogFrame title={`${texts.account.title}: ${me}`}>
      <ProfileForm />
      <PasswordForm />
      <p class="fault" role="alert">
        {fault}
      </p>
      <div class="dialog-actions">
        {app.isSettled ? (
          <button type="button" class="primary" onClick={() => void app.logout()}>
            {texts.account.logOut}
          </button>
        ) : (
          <ConfirmButton
            label={texts.account.logOut}
            question={texts.account.logOutAsk}
            onConfirm={() => void app.logout()}
          />
        )}
        <ConfirmButton
          label={texts.account.deleteAccount}
          question={texts.account.deleteAsk}
          onConfirm={() => void ask(() => app.deleteAccount())}
        />
      </div>
    </DialogFrame>
  );
}

function ProfileForm(): JSX.Element | null {
  const app = useApp();
  const texts = useTexts();
  const [profile, setProfile] = useState<Profile | null>(null);
  const [isSaved, setSaved] = useState(false);
  const { isBusy, fault, ask } = useReply();
  useEffect(() => {
    void app.client.profile().then((outcome) => {
      if (outcome.kind === 'receipt') setProfile(outcome.value);
    });
  }, []);
  if (profile === null) return null;
  const submit = async (form: HTMLFormElement): Promise<void> => {
    setSaved(false);
    const displayName = textIn(form, 'displayName') || null;
    const email = textIn(form, 'email') || null;
    setSaved(await ask(() => app.client.setProfile({ displayName, email })));
  };
  return (
    <Form submit={submit}>
      <Field
        name="displayName"
        label={texts.account.displayName}
        value={profile.displayName ?? ''}
        autocomplete="off"
      />
      <Field name="email" label={texts.account.email} value={profile.email ?? ''} autocomplete="email" />
      <FormEnd fault={fault} done={isSaved ? texts.account.saved : ''} />
      <button type="submit" disabled={isBusy}>
        {texts.account.save}
      </button>
    </Form>
  );
}

function PasswordForm(): JSX.Element {
  const app = useApp();
  const texts = useTexts();
  const me = useSelect((state) => state.me);
  const [isChanged, setChanged] = useState(false);
  const { isBusy, fault, ask } = useReply();
  const submit = async (form: HTMLFormElement): Promise<void> => {
    setChanged(false);
    const fields = new FormData(form);
    const [current, next] = [String(fields.get('current') ?? ''), String(fields.get('next') ?? '')];
    const isDone = await ask(() => app.client.changePassword(current, next));
    if (isDone) form.reset();
    setChanged(isDone);
  };
  return (
    <Form submit={submit}>
      <h3>{texts.account.password}</h3>
      {/* For the browser's own keeper of passwords. */}
      <input type="text" name="user" autocomplete="username" value={me} hidden readOnly />
      <Field name="current" isSecret label={texts.account.current} autocomplete="current-password" required />
      <Field name="next" isSecret label={texts.account.next} autocomplete="new-password" required />
      <FormEnd fault={fault} done={isChanged ? texts.account.changed : ''} />
      <button type="submit" disabled={isBusy}>
        {texts.account.change}
      </button>
    </Form>
  );
}

function FormEnd({ fault, done }: { readonly fault: string | null; readonly done: string }): JSX.Element {
  return (
    <>
      <p class="fault" role="alert">
        {fault}
      </p>
      <p class="done" role="status">
        {done}
      </p>
    </>
  );
}
