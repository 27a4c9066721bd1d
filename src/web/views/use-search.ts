/** Asking the cluster for messages while somebody types: only the answer to the newest question counts. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { errorTable } from '../../base/errors.ts';
import type { MessageEntry } from '../../protocol/requests.ts';
import { useApp, useTexts } from './context.ts';

const pageResults = 30;
/** An index that is still being built, or a node that is busy, is asked again after so long. */
const againMs = 1_500;

export interface Found {
  readonly messages: readonly MessageEntry[];
  /** Null: there is no further page. */
  readonly next: number | null;
  readonly complete: boolean;
}

export interface SearchQuestion {
  readonly text: string;
  /** Only in this conversation; null: everywhere. */
  readonly conversation: string | null;
}

export interface Search {
  readonly found: Found | null;
  readonly fault: string | null;
  readonly isAsking: boolean;
  ask(question: SearchQuestion): void;
  /** The next page of what was asked last. */
  more(): void;
}

export function useSearch(): Search {
  const app = useApp();
  const texts = useTexts();
  const [found, setFound] = useState<Found | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const [isAsking, setAsking] = useState(false);
  const asked = useRef<SearchQuestion | null>(null);
  useEffect(
    () => () => {
      asked.current = null;
    },
    [],
  );

  const put = async (question: SearchQuestion, earlier: Found | null): Promise<void> => {
    asked.current = question;
    const place = question.conversation === null ? {} : { with: question.conversation };
    const before = earlier?.next ?? null;
    const page = before === null ? {} : { before };
    setAsking(true);
    const outcome = await app.client.find(question.text, { limit: pageResults, ...place, ...page });
    if (asked.current !== question) return;
    // A node that cannot say yet is asked once more, as long as nobody asks for something else.
    const isOpen = outcome.kind === 'rejection' && errorTable[outcome.code].retry;
    if (earlier === null && (isOpen || (outcome.kind === 'receipt' && !outcome.value.complete))) {
      setTimeout(() => {
        if (asked.current === question) void put(question, null);
      }, againMs);
      if (isOpen) return;
    }
    setAsking(false);
    setFault(outcome.kind === 'receipt' ? null : texts.search.failed);
    if (outcome.kind !== 'receipt') return;
    const { messages, next, complete } = outcome.value;
    setFound({ messages: [...(earlier?.messages ?? []), ...messages], next, complete });
  };
  const ask = (question: SearchQuestion): void => {
    if (question.text !== '') {
      void put(question, null);
      return;
    }
    asked.current = null;
    setAsking(false);
    setFound(null);
  };
  const more = (): void => {
    if (asked.current !== null) void put({ ...asked.current }, found);
  };
  return { found, fault, isAsking, ask, more };
}
