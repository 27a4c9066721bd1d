/** One field that leads everywhere: to a conversation, a person, a group. */
import type { JSX } from 'preact';
import { useEffect, useId, useMemo, useRef, useState } from 'preact/hooks';
import type { GroupEntry, UserEntry } from '../../protocol/requests.ts';
import { type JumpTarget, targetsFor } from '../model/jump-targets.ts';
import { addressFor } from '../model/route.ts';
import type { Catalogue } from '../texts/texts.ts';
import { Avatar } from './avatar.tsx';
import { useApp, useClose, useSelect, useTexts } from './context.ts';
import { DialogFrame } from './dialog-frame.tsx';

/** Known at once from what the page has, then completed by what the cluster says. */
function useTargets(text: string): readonly JumpTarget[] {
  const app = useApp();
  const texts = useTexts();
  const conversations = useSelect((state) => state.conversations);
  const me = useSelect((state) => state.me);
  const [people, setPeople] = useState<readonly UserEntry[]>([]);
  const [groups, setGroups] = useState<readonly GroupEntry[]>([]);
  const asked = useRef('');
  useEffect(() => {
    void app.groups.list().then(setGroups);
  }, []);
  useEffect(() => {
    asked.current = text;
    void app.people.find(text.replace(/^[@#]/, '')).then((found) => {
      if (asked.current === text) setPeople(found);
    });
  }, [text]);
  return useMemo(
    () => targetsFor({ text, me, conversations, people, groups, lobby: texts.list.lobby }),
    [text, me, conversations, people, groups, texts],
  );
}

function useGoTo(): (target: JumpTarget) => void {
  const app = useApp();
  const close = useClose();
  return (target) => {
    switch (target.kind) {
      case 'join':
        app.store.set({ dialog: { kind: 'join-group', group: target.name, closed: target.closed } });
        return;
      case 'create':
        app.store.set({ dialog: { kind: 'new-group' } });
        return;
      case 'open':
        close();
        location.hash = addressFor(target.address);
    }
  };
}

export function JumpDialog(): JSX.Element {
  const goTo = useGoTo();
  const texts = useTexts();
  const id = useId();
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState(0);
  const targets = useTargets(text);
  const at = Math.min(chosen, targets.length - 1);
  const target = targets[at];
  const key = (event: KeyboardEvent): void => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step !== undefined && targets.length > 0) {
      event.preventDefault();
      const next = (at + step + targets.length) % targets.length;
      setChosen(next);
      document.getElementById(`${id}-${next}`)?.scrollIntoView({ block: 'nearest' });
    } else if (event.key === 'Enter' && target !== undefined) {
      event.preventDefault();
      goTo(target);
    }
  };
  return (
    <DialogFrame title={texts.jump.title}>
      <input
        class="jump-field"
        type="text"
        role="combobox"
        aria-expanded={true}
        aria-controls={`${id}-list`}
        aria-activedescendant={target === undefined ? undefined : `${id}-${at}`}
        aria-autocomplete="list"
        aria-label={texts.jump.hint}
        placeholder={texts.jump.hint}
        autocomplete="off"
        spellcheck={false}
        autofocus
        onInput={(event) => {
          setText(event.currentTarget.value.trim());
          setChosen(0);
        }}
        onKeyDown={key}
      />
      <TargetList id={id} targets={targets} at={at} />
    </DialogFrame>
  );
}

function TargetList(props: {
  readonly id: string;
  readonly targets: readonly JumpTarget[];
  readonly at: number;
}): JSX.Element {
  const { id, targets, at } = props;
  const texts = useTexts();
  const goTo = useGoTo();
  return (
    <>
      <div class="targets" role="listbox" id={`${id}-list`} aria-label={texts.jump.title}>
        {targets.map((target, place) => (
          <div
            key={keyOf(target)}
            id={`${id}-${place}`}
            role="option"
            tabIndex={-1}
            aria-selected={place === at}
            onPointerUp={() => goTo(target)}
          >
            <TargetLine target={target} texts={texts} />
          </div>
        ))}
      </div>
      {targets.length === 0 && (
        <p class="hint" role="status">
          {texts.jump.nothing}
        </p>
      )}
    </>
  );
}

function TargetLine({ target, texts }: { readonly target: JumpTarget; readonly texts: Catalogue }) {
  const online = useSelect((state) => state.online);
  switch (target.kind) {
    case 'open':
      return (
        <>
          <Avatar name={target.address} isOnline={online.has(target.address)} />
          <bdi>{target.title}</bdi>
          {target.unread > 0 && <span class="badge">{target.unread}</span>}
        </>
      );
    case 'join':
      return (
        <>
          <Avatar name={`#${target.name}`} />
          <bdi>#{target.name}</bdi>
          <span class="hint">
            {target.closed ? `${texts.jump.closed}, ` : ''}
            {texts.jump.join}
          </span>
        </>
      );
    case 'create':
      return (
        <>
          <Avatar name="#" />
          <span>{texts.jump.create(target.name)}</span>
        </>
      );
  }
}

function keyOf(target: JumpTarget): string {
  return target.kind === 'open' ? target.address : `${target.kind} ${target.name}`;
}
