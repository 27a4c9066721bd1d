/** Making a group, and coming into one. */
import type { JSX } from 'preact';
import { goTo, useApp, useClose, useTexts } from './context.ts';
import { DialogFrame } from './dialog-frame.tsx';
import { Field } from './field.tsx';
import { Form } from './form.tsx';
import { textIn, useReply } from './use-reply.ts';

export function NewGroupDialog(): JSX.Element {
  const app = useApp();
  const texts = useTexts();
  const close = useClose();
  const { isBusy, fault, ask } = useReply();
  const submit = async (form: HTMLFormElement): Promise<void> => {
    const group = textIn(form, 'group').replace(/^#/, '');
    const password = textIn(form, 'password');
    const secret = password === '' ? {} : { password };
    if (!(await ask(() => app.groups.change({ op: 'create-group', group, ...secret })))) return;
    if (close()) goTo(app, `#${group}`);
  };
  return (
    <DialogFrame title={texts.group.newTitle}>
      <Form submit={submit}>
        <Field
          name="group"
          label={texts.group.name}
          hint={texts.group.nameHint}
          autocomplete="off"
          required
        />
        <Field name="password" isSecret label={texts.group.password} autocomplete="new-password" />
        <p class="fault" role="alert">
          {fault}
        </p>
        <button type="submit" class="primary" disabled={isBusy}>
          {texts.group.create}
        </button>
      </Form>
    </DialogFrame>
  );
}

export function JoinGroupDialog(props: { readonly group: string; readonly isClosed: boolean }): JSX.Element {
  const { group, isClosed } = props;
  const app = useApp();
  const texts = useTexts();
  const close = useClose();
  const { isBusy, fault, ask } = useReply();
  const submit = async (form: HTMLFormElement): Promise<void> => {
    const secret = isClosed ? { password: textIn(form, 'password') } : {};
    if (!(await ask(() => app.groups.change({ op: 'join-group', group, ...secret })))) return;
    if (close()) goTo(app, `#${group}`);
  };
  return (
    <DialogFrame title={texts.group.joinTitle(group)}>
      <Form submit={submit}>
        {isClosed && (
          <Field name="password" isSecret label={texts.group.joinPassword} autocomplete="off" required />
        )}
        <p class="fault" role="alert">
          {fault}
        </p>
        <button type="submit" class="primary" disabled={isBusy} autofocus={!isClosed}>
          {texts.group.join}
        </button>
      </Form>
    </DialogFrame>
  );
}
