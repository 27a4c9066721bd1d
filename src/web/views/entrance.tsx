/** Logging in, and making an account. */
import type { JSX, RefObject, TargetedSubmitEvent } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useApp, useSelect, useTexts } from './context.ts';
import { Field } from './field.tsx';
import { Emblem } from './icons.tsx';
import { useReply } from './use-reply.ts';

type Mode = 'log-in' | 'register';

/** `invitation`: the code that came with the address of the page, or empty. */
export function Entrance({ invitation }: { readonly invitation: string }): JSX.Element {
  const texts = useTexts();
  const [mode, setMode] = useState<Mode>(invitation === '' ? 'log-in' : 'register');
  const reason = useSelect((state) => state.entranceReason);
  return (
    <main class="entrance">
      <div class="entrance-card">
        <Emblem />
        <h1>{texts.entrance.title}</h1>
        <p class="lead">{texts.entrance.lead}</p>
        {reason === 'session-lost' && <p class="notice">{texts.entrance.sessionLost}</p>}
        {invitation !== '' && <p class="notice">{texts.entrance.invited}</p>}
        <EntranceForm key={mode} mode={mode} invitation={invitation} />
        <button
          type="button"
          class="link-button"
          onClick={() => setMode(mode === 'log-in' ? 'register' : 'log-in')}
        >
          {mode === 'log-in' ? texts.entrance.register : texts.entrance.logIn}
        </button>
      </div>
    </main>
  );
}

function EntranceForm({ mode, invitation }: { readonly mode: Mode; readonly invitation: string }) {
  const app = useApp();
  const texts = useTexts();
  const { isBusy, fault, ask } = useReply();
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);

  const submit = async (event: TargetedSubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const text = (name: string): string => String(fields.get(name) ?? '').trim();
    const password = String(fields.get('password') ?? '');
    const isIn = await ask(() =>
      mode === 'log-in'
        ? app.login(text('user'), password)
        : app.register(text('user'), password, text('invitation')),
    );
    if (!isIn) first.current?.focus();
  };

  return (
    <form class="form" onSubmit={(event) => void submit(event)} aria-busy={isBusy}>
      <EntranceFields mode={mode} invitation={invitation} first={first} />
      <p class="fault" role="alert">
        {fault}
      </p>
      <button type="submit" class="primary" disabled={isBusy}>
        {isBusy ? texts.entrance.working : mode === 'log-in' ? texts.entrance.logIn : texts.entrance.register}
      </button>
    </form>
  );
}

function EntranceFields(props: {
  readonly mode: Mode;
  readonly invitation: string;
  readonly first: RefObject<HTMLInputElement | null>;
}): JSX.Element {
  const { mode, invitation, first } = props;
  const texts = useTexts();
  return (
    <>
      <Field
        name="user"
        label={mode === 'log-in' ? texts.entrance.userOrEmail : texts.entrance.user}
        hint={mode === 'register' ? texts.entrance.nameHint : undefined}
        autocomplete="username"
        required
        inputRef={first}
      />
      <Field
        name="password"
        isSecret
        label={texts.entrance.password}
        autocomplete={mode === 'log-in' ? 'current-password' : 'new-password'}
        required
      />
      {mode === 'register' && (
        <Field
          name="invitation"
          label={texts.entrance.invitation}
          hint={texts.entrance.invitationHint}
          value={invitation}
          autocomplete="off"
        />
      )}
    </>
  );
}
