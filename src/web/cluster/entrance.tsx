/** Who asks, where the nodes want to know. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Field } from './order-dialog.tsx';
import type { Catalogue } from './texts/texts.ts';

interface Props {
  readonly texts: Catalogue;
  readonly isDenied: boolean;
  /** What is wrong, or null. */
  readonly logIn: (user: string, password: string) => Promise<string | null>;
}

export function Entrance({ texts: { entrance }, isDenied, logIn }: Props): JSX.Element {
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [fault, setFault] = useState<string | null>(null);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setFault(await logIn(user, password));
  };
  return (
    <form class="gate panel form" onSubmit={(event) => void submit(event)}>
      <h2>{entrance.lead}</h2>
      <Field label={entrance.user}>
        {(id) => (
          <input
            id={id}
            required
            autoComplete="username"
            value={user}
            onInput={({ currentTarget: { value } }) => setUser(value)}
          />
        )}
      </Field>
      <Field label={entrance.password}>
        {(id) => (
          <input
            id={id}
            required
            type="password"
            autoComplete="current-password"
            value={password}
            onInput={({ currentTarget: { value } }) => setPassword(value)}
          />
        )}
      </Field>
      <p class="outcome" role="alert">
        {fault ?? (isDenied ? entrance.denied : '')}
      </p>
      <button type="submit" class="primary">
        {entrance.logIn}
      </button>
    </form>
  );
}
