/** Logging in, and making an account. */
import type { JSX, RefObject, TargetedSubmitEvent } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Reply } from '../../protocol/requests.ts';
import { errorText } from '../texts/texts.ts';
import { useApp, useSelect, useTexts } from './context.ts';
import { Field } from './field.tsx';
import { Emblem } from './icons.tsx';

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
  const [fault, setFault] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);

  const submit = async (event: TargetedSubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    if (isBusy) return;
    const fields = new FormData(event.currentTarget);
    const text = (name: string): string => String(fields.get(name) ?? '').trim();
    const password = String(fields.get('password') ?? '');
    setBusy(true);
    setFault(null);
    const reply: Reply =
      mode === 'log-in'
        ? await app.login(text('user'), password)
        : await app.register(text('user'), password, text('invitation'));
    setBusy(false);
    if (reply.kind === 'rejection') setFault(errorText(texts, reply.code, reply.text));
    else if (reply.kind === 'unknown') setFault(texts.entrance.unknown);
    if (reply.kind !== 'receipt') first.current?.focus();
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
