/** How far an own message has come, as a picture with its words. */
import type { JSX } from 'preact';
import type { Mark } from '../model/marks.ts';
import { useTexts } from './context.ts';

function shape(mark: Mark): JSX.Element {
  switch (mark) {
    case 'waiting':
      return <path d="M8 2.500a5.500 5.500 0 1 0 0 11 5.500 5.500 0 0 0 0-11ZM8 5v3.200l2 1.300" />;
    case 'sent':
      return <path d="M3 8.500 6.500 12 13 4.500" />;
    case 'held':
      return (
        <g class="mark-dots">
          <circle cx="8" cy="4.200" r="2" />
          <circle cx="3.900" cy="11.300" r="2" />
          <circle cx="12.100" cy="11.300" r="2" />
        </g>
      );
    case 'delivered':
    case 'read':
      return <path d="M1.500 8.500 4.500 12l6-7M7.500 11l1 1 6-7" />;
    case 'refused':
      return <path d="M8 3v6M8 12v.600" />;
    case 'unknown':
      return <path d="M5.500 6A2.500 2.500 0 1 1 8.600 8.400C8.100 8.700 8 9 8 9.600M8 12.300v.600" />;
  }
}

export function MarkPicture({ mark }: { readonly mark: Mark }): JSX.Element {
  const texts = useTexts();
  return (
    <span class={`mark mark-${mark}`} role="img" aria-label={texts.mark[mark]} title={texts.mark[mark]}>
      <svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">
        {shape(mark)}
      </svg>
    </span>
  );
}
