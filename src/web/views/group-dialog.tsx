/** Who is in a group, and what its owner can do with it. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { GroupRequest } from '../../protocol/group-requests.ts';
import type { MemberEntry } from '../../protocol/requests.ts';
import { addressFor } from '../model/route.ts';
import { Avatar } from './avatar.tsx';
import { ConfirmButton } from './confirm-button.tsx';
import { useApp, useClose, useSelect, useTexts } from './context.ts';
import { DialogFrame } from './dialog-frame.tsx';
import { Field } from './field.tsx';
import { Form } from './form.tsx';
import { IconButton } from './icons.tsx';
import { textIn, useReply } from './use-reply.ts';

export function GroupDialog({ group }: { readonly group: string }): JSX.Element {
  const app = useApp();
  const texts = useTexts();
  const close = useClose();
  const me = useSelect((state) => state.me);
  const [members, setMembers] = useState<readonly MemberEntry[]>([]);
  const { fault, ask } = useReply();
  const load = (): void => void app.groups.members(group).then(setMembers);
  useEffect(load, [group]);
  const isOwner = members.some(({ name, owner }) => owner && name === me);
  const change = async (request: GroupRequest): Promise<boolean> => {
    const isDone = await ask(() => app.groups.change(request));
    if (isDone) load();
    return isDone;
  };
  const goAway = async (request: GroupRequest): Promise<void> => {
    if ((await change(request)) && close()) location.hash = '#/';
  };
  return (
    <DialogFrame title={texts.group.title(group)}>
      <h3>{texts.chat.members(members.length)}</h3>
      <ul class="members">
        {members.map(({ name, online, owner }) => (
          <li key={name}>
            <Avatar name={name} isOnline={online} />
            <a href={addressFor(name)} onClick={close}>
              <bdi>{name}</bdi>
            </a>
            {owner && <span class="tag">{texts.group.owner}</span>}
            {isOwner && !owner && (
              <>
                <IconButton
                  icon="up"
                  label={texts.group.give(name)}
                  onClick={() => void change({ op: 'transfer-group', group, user: name })}
                />
                <IconButton
                  icon="close"
                  label={texts.group.remove(name)}
                  onClick={() => void change({ op: 'remove-member', group, user: name })}
                />
              </>
            )}
          </li>
        ))}
      </ul>
      <p class="fault" role="alert">
        {fault}
      </p>
      {isOwner && <OwnerTools group={group} onChange={change} onDelete={goAway} />}
      <ConfirmButton
        label={texts.group.leave}
        question={texts.group.leaveAsk}
        onConfirm={() => void goAway({ op: 'leave-group', group })}
      />
    </DialogFrame>
  );
}

function OwnerTools(props: {
  readonly group: string;
  readonly onChange: (request: GroupRequest) => Promise<boolean>;
  readonly onDelete: (request: GroupRequest) => Promise<void>;
}): JSX.Element {
  const { group, onChange, onDelete } = props;
  const [keepDays, setKeepDays] = useState<number | undefined>(undefined);
  const app = useApp();
  const texts = useTexts();
  const close = useClose();
  useEffect(() => {
    void app.groups.list().then((groups) => {
      setKeepDays(groups.find(({ name }) => name === group)?.keepDays);
    });
  }, [group]);
  const rename = async (form: HTMLFormElement): Promise<void> => {
    const name = textIn(form, 'name').replace(/^#/, '');
    if (!(await onChange({ op: 'rename-group', group, name }))) return;
    if (close()) app.store.set({ dialog: { kind: 'group', group: name } });
  };
  const setPassword = async (form: HTMLFormElement): Promise<void> => {
    const password = textIn(form, 'password');
    const secret = password === '' ? {} : { password };
    if (await onChange({ op: 'set-group-password', group, ...secret })) form.reset();
  };
  const setRetention = async (form: HTMLFormElement): Promise<void> => {
    const text = textIn(form, 'days');
    const days = text === '' ? {} : { days: Number(text) };
    await onChange({ op: 'set-group-retention', group, ...days });
  };
  return (
    <section>
      <h3>{texts.group.ownerTools}</h3>
      <Form isLine submit={rename}>
        <Field name="name" label={texts.group.name} value={group} autocomplete="off" required />
        <button type="submit">{texts.group.rename}</button>
      </Form>
      <Form isLine submit={setPassword}>
        <Field name="password" isSecret label={texts.group.password} autocomplete="new-password" />
        <button type="submit">{texts.group.setPassword}</button>
      </Form>
      <Form isLine submit={setRetention}>
        <Field
          name="days"
          label={texts.group.keepDays}
          value={keepDays === undefined ? '' : `${keepDays}`}
          pattern="[0-9]{0,5}"
          autocomplete="off"
        />
        <button type="submit">{texts.group.setKeepDays}</button>
      </Form>
      <ConfirmButton
        label={texts.group.deleteGroup}
        question={texts.group.deleteAsk}
        onConfirm={() => void onDelete({ op: 'delete-group', group })}
      />
    </section>
  );
}
