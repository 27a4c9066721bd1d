/** Names that fit what is being written behind an `@`, to choose from. */
import type { JSX } from 'preact';
import { useId, useRef, useState } from 'preact/hooks';
import type { UserEntry } from '../../protocol/requests.ts';
import { type MentionAtCaret, mentionAt, withMention } from '../model/mentions.ts';
import { useApp, useTexts } from './context.ts';

const suggested = 6;

export interface MentionList {
  readonly list: JSX.Element | null;
  /** Of the field, for screen readers. */
  readonly attributes: JSX.IntrinsicElements['textarea'];
  look(): Promise<void>;
  close(): void;
  /** Whether the key was for the list. */
  key(event: KeyboardEvent): boolean;
}

export function useMention(field: { readonly current: HTMLTextAreaElement | null }): MentionList {
  const app = useApp();
  const id = useId();
  const [people, setPeople] = useState<readonly UserEntry[]>([]);
  const [chosen, setChosen] = useState(0);
  const wanted = useRef<MentionAtCaret | null>(null);
  const close = (): void => {
    wanted.current = null;
    setPeople([]);
  };
  const look = async (): Promise<void> => {
    const { current } = field;
    const mention = current === null ? null : mentionAt(current.value, current.selectionStart);
    wanted.current = mention;
    if (mention === null) {
      setPeople([]);
      return;
    }
    const found = await app.people.find(mention.beginning);
    if (wanted.current !== mention) return;
    setPeople(found.slice(0, suggested));
    setChosen(0);
  };
  const take = (name: string): void => {
    const { current } = field;
    if (current === null || wanted.current === null) return;
    const next = withMention(current.value, wanted.current, name);
    current.value = next.text;
    current.setSelectionRange(next.caret, next.caret);
    close();
    current.focus();
  };
  const key = (event: KeyboardEvent): boolean => {
    const person = people[chosen];
    if (person === undefined) return false;
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step !== undefined) setChosen((chosen + step + people.length) % people.length);
    else if (event.key === 'Enter' || event.key === 'Tab') take(person.name);
    else if (event.key === 'Escape') close();
    else return false;
    event.preventDefault();
    return true;
  };
  const isOpen = people.length > 0;
  const described = isOpen
    ? { 'aria-controls': `${id}-list`, 'aria-activedescendant': `${id}-${chosen}` }
    : {};
  const attributes = { 'aria-autocomplete': 'list', 'aria-haspopup': 'listbox', ...described } as const;
  const list = isOpen ? <Names id={id} people={people} chosen={chosen} onTake={take} /> : null;
  return { list, attributes, look, close, key };
}

function Names(props: {
  readonly id: string;
  readonly people: readonly UserEntry[];
  readonly chosen: number;
  readonly onTake: (name: string) => void;
}): JSX.Element {
  const { id, people, chosen, onTake } = props;
  const texts = useTexts();
  return (
    <div class="mentions" role="listbox" id={`${id}-list`} aria-label={texts.composer.people}>
      {people.map(({ name, online }, at) => (
        <div
          key={name}
          id={`${id}-${at}`}
          role="option"
          tabIndex={-1}
          aria-selected={at === chosen}
          onPointerDown={(event) => {
            event.preventDefault();
            onTake(name);
          }}
        >
          {name}
          {online && <span class="hint">{texts.list.online}</span>}
        </div>
      ))}
    </div>
  );
}
