/** What the native session says, as data: outcomes, events, reasons for closing. */
import { errorTable } from '../../base/errors.ts';
import type { CursorAdvance } from '../../chat/vocabulary/types.ts';
import type { ChatView } from '../../chat/vocabulary/view.ts';
import type { Hints } from '../../delivery/outbox.ts';
import type { AmendmentPush, Push } from '../../delivery/ports.ts';
import type { Correlation, NativeEvent, NativeReply } from '../../protocol/native.ts';
import { deletedAccountName, type Reply } from '../../protocol/requests.ts';
import { entryOf, noticeOf } from '../reads/entries.ts';

export type ClosingCode = Extract<NativeEvent, { ev: 'closing' }>['code'];

export function causeOf(error: unknown): string | null {
  return error instanceof Error ? error.message : null;
}

/** The label of an answer that may be stale. */
export function labelOf({ stale }: { readonly stale?: boolean }): { readonly stale?: true } {
  return stale === true ? { stale } : {};
}

/** The answer to request `n` or `q`. A receipt is written out, since nothing is sent as often. */
export function replyFor(asked: Correlation, reply: Reply): NativeReply {
  switch (reply.kind) {
    case 'receipt': {
      const { value } = reply;
      if (reply.stale === true) return { ...asked, ok: true, value, stale: true };
      return 'n' in asked ? { n: asked.n, ok: true, value } : { q: asked.q, ok: true, value };
    }
    case 'rejection': {
      const { kind: _kind, ...why } = reply;
      return { ...asked, ok: false, ...why };
    }
    case 'unknown':
      return { ...asked, unknown: true, text: reply.text };
  }
}

/** How far another member of a direct conversation got. */
function advancedEvents(
  view: Pick<ChatView, 'accountById'>,
  { account, conversation, delivered, read }: CursorAdvance,
): readonly NativeEvent[] {
  const by = view.accountById(account)?.name ?? deletedAccountName;
  const events: NativeEvent[] = [];
  if (delivered > 0) events.push({ ev: 'delivered', conversation, sequence: delivered, by });
  if (read > 0) events.push({ ev: 'read', conversation, sequence: read, by });
  return events;
}

/** What a reader of these events hears beside messages. */
export function hintsOf(view: Pick<ChatView, 'accountById'>, tell: (event: NativeEvent) => void): Hints {
  return {
    advanced: (advance) => {
      for (const event of advancedEvents(view, advance)) tell(event);
    },
    group: (event) => tell({ ev: 'group', ...noticeOf(event) }),
  };
}

export function encodeMessage({ message, fromName, toName, state }: Push): string {
  const entry = entryOf(message, fromName, toName, state);
  // Joined as text: what most frames are is not copied into another object first.
  return `{"ev":"message",${JSON.stringify(entry).slice(1)}`;
}

export function encodeAmendment({ entry }: AmendmentPush): string {
  return JSON.stringify({ ev: 'amended', ...entry } satisfies NativeEvent);
}

export function textOf(code: ClosingCode): string {
  if (code === 'GOING_AWAY') return 'The node is stopping.';
  return code === 'SESSION_ENDED' ? 'The session has ended.' : errorTable[code].text;
}

/** WebSocket close codes (RFC 6455, 7.4.1): going away, try again later, policy; normal where the session itself is over. */
export function closeCodeOf(code: ClosingCode): number {
  if (code === 'GOING_AWAY') return 1001;
  if (code === 'SESSION_ENDED') return 1000;
  return errorTable[code].retry ? 1013 : 1008;
}
