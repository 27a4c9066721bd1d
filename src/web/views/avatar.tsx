/** A person or group as a coloured disc: the same name has the same colour everywhere. */
import type { JSX } from 'preact';

const tones = 8;

export function Avatar({
  name,
  isOnline,
}: {
  readonly name: string;
  readonly isOnline?: boolean;
}): JSX.Element {
  const isGroup = name.startsWith('#');
  return (
    <span class={`avatar tone-${toneOf(name)}${isGroup ? ' avatar-group' : ''}`} aria-hidden="true">
      {isGroup ? '#' : [...name].slice(0, 1).join('').toUpperCase()}
      {isOnline === true && <span class="presence" />}
    </span>
  );
}

export function toneOf(name: string): number {
  let sum = 7;
  for (const character of name.toLowerCase()) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
  return sum % tones;
}
