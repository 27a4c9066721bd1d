/** A button for what cannot be taken back: it asks first, in its own place. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useTexts } from './context.ts';

interface Props {
  readonly label: string;
  readonly question: string;
  readonly onConfirm: () => void;
}

export function ConfirmButton({ label, question, onConfirm }: Props): JSX.Element {
  const texts = useTexts();
  const [isAsking, setAsking] = useState(false);
  if (!isAsking) {
    return (
      <button type="button" class="danger" onClick={() => setAsking(true)}>
        {label}
      </button>
    );
  }
  return (
    <fieldset class="confirm">
      <legend>{question}</legend>
      <button type="button" autofocus onClick={() => setAsking(false)}>
        {texts.dialog.no}
      </button>
      <button type="button" class="danger" onClick={onConfirm}>
        {texts.dialog.yes}
      </button>
    </fieldset>
  );
}
