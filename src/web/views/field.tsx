/** A field of a form with its label and hint. */
import type { JSX, RefObject } from 'preact';
import { useId } from 'preact/hooks';

interface Props {
  readonly name: string;
  readonly label: string;
  readonly hint?: string | undefined;
  readonly isSecret?: boolean;
  readonly value?: string;
  /** What a password manager may put here. */
  readonly autocomplete: 'username' | 'current-password' | 'new-password' | 'email' | 'off';
  readonly required?: boolean;
  /** A regular expression, as the browser checks it. */
  readonly pattern?: string;
  readonly inputRef?: RefObject<HTMLInputElement | null>;
}

export function Field({ name, label, hint, isSecret = false, inputRef, ...rest }: Props): JSX.Element {
  const id = useId();
  const described = hint === undefined ? {} : { 'aria-describedby': `${id}-hint` };
  const input = { id, name, ref: inputRef ?? null, ...rest, ...described };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {isSecret ? (
        <input type="password" {...input} />
      ) : (
        <input type="text" autocapitalize="none" spellcheck={false} {...input} />
      )}
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}
