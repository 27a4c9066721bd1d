import { unreachable } from '../../src/base/assert.ts';

/**
 * What clients saw, in the order in which one observer saw it. Position in the list is the only clock that the checkers use: an
 * acknowledgement that stands before an invocation was known before that request was begun. `atMs` is for people and for outages.
 */
export type HistoryEvent = Invoke | Acknowledge | Unknown | Rejected | Read | Begin | Complete;

/** A client begins a send. (client, n) names it for ever; a retry with the same n is not a new invocation. */
export interface Invoke {
  readonly kind: 'invoke';
  readonly client: string;
  readonly n: number;
  readonly to: string;
  readonly text: string;
  readonly atMs: number;
}

export interface Acknowledge {
  readonly kind: 'ack';
  readonly client: string;
  readonly n: number;
  readonly conversation: string;
  readonly sequence: number;
  readonly atMs: number;
}

/** The client gave up without knowing. An acknowledgement may still follow. */
export interface Unknown {
  readonly kind: 'unknown';
  readonly client: string;
  readonly n: number;
  readonly atMs: number;
}

export interface Rejected {
  readonly kind: 'rejected';
  readonly client: string;
  readonly n: number;
  readonly code: string;
  readonly atMs: number;
}

/** A reader's handler was given a message. */
export interface Read {
  readonly kind: 'read';
  readonly reader: string;
  readonly conversation: string;
  readonly sequence: number;
  readonly payload: string;
  /** Log index of the message: orders messages of different conversations. */
  readonly index: number;
  readonly atMs: number;
}

/** A scan starts: a read on request, such as a history. All that was acknowledged before this event must be in it. */
export interface Begin {
  readonly kind: 'begin';
  readonly reader: string;
  readonly conversation: string;
  readonly atMs: number;
}

/** The reader says that it has all of the conversation: of a scan, since its `begin`; of a subscriber, up to now. */
export interface Complete {
  readonly kind: 'complete';
  readonly reader: string;
  readonly conversation: string;
  readonly atMs: number;
}

export type ViolationKind =
  /** Acknowledged, and missing where it must be. */
  | 'lost'
  /** One message at two sequences, or given twice to one handler. */
  | 'duplicated'
  /** Out of order at a reader, or against real time. */
  | 'reordered'
  /** Two readers disagree, or two requests were told the same place. */
  | 'diverged'
  /** Read, but never sent. */
  | 'phantom'
  /** Refused, and there all the same. */
  | 'rejected-applied'
  /** Refused or given up, and nothing called for it. */
  | 'refused'
  /** A session that ended before its time. */
  | 'session-lost'
  /** A read that misses what was acknowledged before it began, although others have it. */
  | 'stale'
  /** No order of the requests explains the answers; or the search for one was given up, which counts as much. */
  | 'not-linearizable'
  | 'undecided'
  /** Of consensus: two leaders of a term, a term that fell, a vote that changed, logs or states that differ. */
  | 'two-leaders'
  | 'term-fell'
  | 'vote-changed'
  | 'log-differs'
  | 'committed-changed'
  | 'unsafe-commit'
  | 'two-changes'
  | 'not-durable'
  | 'state-differs'
  /** Times of entries that run backwards, or ahead. */
  | 'time-wrong'
  /** A node says that it has all that was committed, and has not. */
  | 'barrier-behind'
  /** An election that nothing called for. */
  | 'needless-election'
  /** With all faults gone the cluster does not come back. */
  | 'not-live'
  /** A node stopped itself because it contradicts itself, or refused an undamaged disk. */
  | 'contradiction';

export interface Violation {
  readonly kind: ViolationKind;
  readonly text: string;
}

export type History = readonly HistoryEvent[];

/** Key of one request, and of one place in a conversation; the parts never hold a newline. */
export const requestKey = (client: string, n: number): string => `${client}\n${n}`;
export const placeKey = (conversation: string, sequence: number): string => `${conversation}\n${sequence}`;

/** The sends of a history by request, and what each was told last. */
export interface Send {
  readonly client: string;
  readonly n: number;
  readonly to: string;
  readonly text: string;
  outcome: 'open' | 'acknowledged' | 'unknown' | 'rejected';
}

export function sendsOf(history: History): ReadonlyMap<string, Send> {
  const sends = new Map<string, Send>();
  for (const event of history) {
    switch (event.kind) {
      case 'invoke': {
        const { client, n, to, text } = event;
        const key = requestKey(client, n);
        if (!sends.has(key)) sends.set(key, { client, n, to, text, outcome: 'open' });
        break;
      }
      case 'ack':
        settle(sends, event, 'acknowledged');
        break;
      case 'unknown':
        settle(sends, event, 'unknown');
        break;
      case 'rejected':
        settle(sends, event, 'rejected');
        break;
      case 'read':
      case 'begin':
      case 'complete':
        break;
      default:
        unreachable(event);
    }
  }
  return sends;
}

function settle(
  sends: ReadonlyMap<string, Send>,
  event: { readonly client: string; readonly n: number },
  outcome: Send['outcome'],
): void {
  const send = sends.get(requestKey(event.client, event.n));
  // An acknowledgement is final: an `unknown` of an earlier try does not take it back.
  if (send !== undefined && send.outcome !== 'acknowledged') send.outcome = outcome;
}
