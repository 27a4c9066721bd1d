/** A form whose fields the page reads itself: the browser sends nothing. */
import type { ComponentChildren, JSX } from 'preact';

interface Props {
  readonly submit: (form: HTMLFormElement) => Promise<void>;
  /** Its fields stand in one line. */
  readonly isLine?: boolean;
  readonly children: ComponentChildren;
}

export function Form({ submit, isLine = false, children }: Props): JSX.Element {
  return (
    <form
      class={isLine ? 'form form-line' : 'form'}
      onSubmit={(event) => {
        event.preventDefault();
        void submit(event.currentTarget);
      }}
    >
      {children}
    </form>
  );
}
