/** A dialog over the page: the platform's own, which holds the focus and gives it back. */
import type { ComponentChildren, JSX } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { useClose, useTexts } from './context.ts';
import { IconButton } from './icons.tsx';

interface Props {
  readonly title: string;
  readonly size?: 'small' | 'large';
  readonly children: ComponentChildren;
}

export function DialogFrame({ title, size = 'small', children }: Props): JSX.Element {
  const texts = useTexts();
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const close = useClose();
  // Before the next key: what is typed at once is meant for the dialog.
  useLayoutEffect(() => {
    const { current } = dialog;
    current?.showModal();
    return () => current?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      class={`dialog dialog-${size}`}
      aria-labelledby={id}
      onClose={close}
      onMouseDown={(event) => {
        if (event.target === dialog.current) close();
      }}
    >
      <div class="dialog-body">
        <header class="dialog-head">
          <h2 id={id}>{title}</h2>
          <IconButton icon="close" label={texts.dialog.close} onClick={close} />
        </header>
        {children}
      </div>
    </dialog>
  );
}
