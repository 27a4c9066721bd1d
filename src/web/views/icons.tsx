/** Pictures on buttons. Their meaning is told by the button's own label, so they are hidden from screen readers. */
import type { ButtonHTMLAttributes, JSX } from 'preact';

const paths = {
  search: 'M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM20 20l-4.9-4.9',
  jump: 'M5 12h13M13 6l6 6-6 6',
  plus: 'M12 5v14M5 12h14',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20c.8-3.6 3.8-5.5 7.5-5.5s6.700 1.900 7.500 5.500',
  people:
    'M9 11.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7ZM2.500 19.500c.700-3.200 3.300-5 6.500-5s5.800 1.800 6.500 5M16 4.800a3.500 3.500 0 0 1 0 6.400M18 14.900c1.800.700 3.100 2.300 3.500 4.600',
  send: 'M4 12 20 4.500 15.500 20l-3.500-6.500L4 12Zm8 1.500 4-5',
  clip: 'M8 12.500 14.500 6a3.200 3.200 0 0 1 4.500 4.500l-8.300 8.300a5 5 0 0 1-7.100-7.100L11.500 4',
  close: 'M6 6l12 12M18 6 6 18',
  back: 'M15 5l-7 7 7 7',
  down: 'M12 5v14M6 13l6 6 6-6',
  up: 'M12 19V5M6 11l6-6 6 6',
  reply: 'M10 6 4 12l6 6M4 12h9a7 7 0 0 1 7 7',
  smile:
    'M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17ZM8.500 14.500c1.800 2.300 5.200 2.300 7 0M9 9.500v.500M15 9.500v.500',
  edit: 'M4 20l1-4.500L16 4.500a2.100 2.100 0 0 1 3.500 3.500L8.500 19 4 20Z',
  trash: 'M5 7h14M10 7V4.500h4V7M7 7l1 12.500h8L17 7',
  copy: 'M9 9h10v11H9zM5 15V4h10',
  save: 'M12 4v11M7 11l5 5 5-5M5 20h14',
  file: 'M7 3.500h7l4 4V20.500H7zM14 3.500V8h4',
  gear: 'M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM12 3v3M12 18v3M3 12h3M18 12h3M5.600 5.600l2.100 2.100M16.300 16.300l2.100 2.100M18.400 5.600l-2.100 2.100M7.700 16.300l-2.100 2.100',
  again: 'M5 12a7 7 0 1 1 2.200 5.100M5 19v-4.500h4.500',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { readonly name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}

export function IconButton(
  props: ButtonHTMLAttributes<HTMLButtonElement> & { readonly icon: IconName; readonly label: string },
): JSX.Element {
  const { icon, label, ...rest } = props;
  return (
    <button type="button" class="icon-button" title={label} aria-label={label} {...rest}>
      <Icon name={icon} />
    </button>
  );
}

/** Three nodes of which two or three hold what was said. */
export function Emblem(): JSX.Element {
  return (
    <svg class="emblem" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path class="emblem-links" d="M12 6 5.500 17.500h13Z" />
      <circle cx="12" cy="6" r="3.200" />
      <circle cx="5.500" cy="17.500" r="3.200" />
      <circle cx="18.500" cy="17.500" r="3.200" />
    </svg>
  );
}
