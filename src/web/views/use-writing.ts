/** What becomes of what is written: a draft, a message, or another text for one that was sent. */
import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { limits } from '../../base/limits.ts';
import { lastEditable } from '../model/amendments.ts';
import type { Intent } from '../model/app-state.ts';
import type { Conversation } from '../model/conversations.ts';
import { messageAt } from '../model/message-window.ts';
import { errorText } from '../texts/texts.ts';
import { useApp, useSelect, useTexts } from './context.ts';

const encoder = new TextEncoder();

export interface Writing {
  readonly isEditing: boolean;
  readonly isTooLong: boolean;
  /** The field holds something else. */
  written(): void;
  send(): void;
  /** Back to the last own message; whether there is one. */
  editLast(): boolean;
  /** Whether there was something to give up. */
  giveUp(): boolean;
}

export function useWriting(
  field: RefObject<HTMLTextAreaElement | null>,
  conversation: Conversation,
): Writing {
  const { name, window } = conversation;
  const app = useApp();
  const texts = useTexts();
  const intent = useSelect((state) => state.intent);
  const me = useSelect((state) => state.me);
  const [isTooLong, setTooLong] = useState(false);
  const edited = intent.kind === 'edit' ? intent.sequence : null;

  useField(field, conversation, intent);

  const written = (): void => {
    const text = field.current?.value ?? '';
    fitHeight(field.current);
    setTooLong(isOver(text));
    if (edited !== null) return;
    app.settings.keepDraft(name, text);
    if (text !== '') app.people.writes(name);
  };
  const say = (text: string): void => {
    if (text === '' || isOver(text)) return;
    if (!app.say(name, text)) {
      app.tellFault(texts.chat.sendFailed);
      return;
    }
    put(field.current, '');
    written();
  };
  /** The draft comes back at once; a change that is refused is told. */
  const change = (sequence: number, text: string): void => {
    if (isOver(text)) return;
    const before = messageAt(window, sequence)?.text;
    app.intend({ kind: 'say' });
    if (text === '' || text === before) return;
    void app.amend({ op: 'edit', conversation: conversation.id, sequence, text }).then((reply) => {
      if (reply.kind === 'rejection') app.tellFault(errorText(texts, reply.code, reply.text));
    });
  };
  const send = (): void => {
    const text = field.current?.value.trim() ?? '';
    if (edited === null) say(text);
    else change(edited, text);
  };
  const editLast = (): boolean => {
    const last = field.current?.value === '' && intent.kind === 'say' ? lastEditable(conversation, me) : null;
    if (last !== null) app.intend({ kind: 'edit', sequence: last.sequence });
    return last !== null;
  };
  const giveUp = (): boolean => {
    if (intent.kind === 'say') return false;
    app.intend({ kind: 'say' });
    return true;
  };
  return { isEditing: edited !== null, isTooLong, written, send, editLast, giveUp };
}

/** The field holds the draft, or the text that is to be changed, and gets the focus for it. */
function useField(
  field: RefObject<HTMLTextAreaElement | null>,
  { id, name, window }: Conversation,
  intent: Intent,
): void {
  const app = useApp();
  const edited = intent.kind === 'edit' ? intent.sequence : null;
  const held = useRef<{ readonly id: string; readonly edited: number | null } | null>(null);
  useLayoutEffect(() => {
    // A group that goes by another name is still the same: what is being written goes on.
    const isSame = held.current?.id === id && held.current.edited === edited;
    held.current = { id, edited };
    if (isSame) return;
    const message = edited === null ? null : messageAt(window, edited);
    put(field.current, message?.text ?? app.settings.draft(name));
    field.current?.focus();
  }, [name, edited]);
  useEffect(() => {
    if (intent.kind !== 'say') field.current?.focus();
  }, [intent]);
}

function isOver(text: string): boolean {
  return encoder.encode(text).length > limits.messageBytes;
}

function put(field: HTMLTextAreaElement | null, text: string): void {
  if (field !== null) field.value = text;
  fitHeight(field);
}

/** As high as what is written in it, within the bounds of the style. */
function fitHeight(field: HTMLTextAreaElement | null): void {
  if (field === null) return;
  field.style.height = 'auto';
  field.style.height = `${field.scrollHeight + 2}px`;
}
