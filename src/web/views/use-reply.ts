/** A form that asks the cluster for something: whether it waits, and what went wrong. */
import { useRef, useState } from 'preact/hooks';
import type { Reply } from '../../protocol/requests.ts';
import { errorText } from '../texts/texts.ts';
import { useTexts } from './context.ts';

export interface Asking {
  readonly isBusy: boolean;
  readonly fault: string | null;
  /** Resolves whether it was done. */
  ask(question: () => Promise<Reply>): Promise<boolean>;
}

export function useReply(): Asking {
  const texts = useTexts();
  const [isBusy, setBusy] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  // At once, and not with the next drawing: a second click may come before that.
  const isAsked = useRef(false);
  const ask = async (question: () => Promise<Reply>): Promise<boolean> => {
    if (isAsked.current) return false;
    isAsked.current = true;
    setBusy(true);
    setFault(null);
    const reply = await question();
    isAsked.current = false;
    setBusy(false);
    if (reply.kind === 'rejection') setFault(errorText(texts, reply.code, reply.text));
    if (reply.kind === 'unknown') setFault(texts.entrance.unknown);
    return reply.kind === 'receipt';
  };
  return { isBusy, fault, ask };
}

/** A field of a submitted form, without what surrounds it. */
export function textIn(form: HTMLFormElement, name: string): string {
  return String(new FormData(form).get(name) ?? '').trim();
}
