/**
 * The native protocol (docs/protocol.md): JSON in WebSocket text frames at `/ws`. One frame holds one object or an array of
 * objects, so that whatever is ready leaves in one frame. At most 64 KiB a frame.
 */
import type { ErrorCode } from '../base/errors.ts';
import type { AmendedEntry } from './amendments.ts';
import type { GroupNotice } from './group-requests.ts';
import type { ChangeRequest, MessageEntry, ReadRequest, Success, UserEntry } from './requests.ts';

export const nativeVersion = 1;

/** First frame of a connection. The client made session and secret itself (32 and 64 hex digits of a CSPRNG). */
export interface Hello {
  readonly op: 'hello';
  readonly v: number;
  readonly session: string;
  readonly secret: string;
  /** Log index of the last event seen: delivery goes on after it. Without it: after the account's delivered cursors. */
  readonly after?: number;
  /** Free text for logs: program and version. */
  readonly client?: string;
}

/** A change. `n` is 1 for the first request of a session; `low` the lowest number still waited for. */
export type NumberedRequest = Exclude<ChangeRequest, { readonly op: 'announce-group' }> & {
  readonly n: number;
  readonly low: number;
};

/** A read. `q` only correlates the reply on this connection. */
export type QueryRequest = ReadRequest & { readonly q: number };

/** Every event up to this log index has reached the person (or program): moves the delivered cursors. */
export interface Acknowledge {
  readonly op: 'ack';
  readonly index: number;
}

/** This user has read the conversation up to that sequence. */
export interface MarkRead {
  readonly op: 'read';
  readonly conversation: string;
  readonly sequence: number;
}

export interface Ping {
  readonly op: 'ping';
}

export type NativeRequest = Hello | NumberedRequest | QueryRequest | Acknowledge | MarkRead | Ping;

export interface NodeAddress {
  readonly id: number;
  readonly host: string;
  readonly chatPort: number;
  readonly httpPort: number;
}

/** Answer to `hello`. `user` is set when the session exists and is logged in: it was resumed. */
export interface Welcome {
  readonly ev: 'welcome';
  readonly v: number;
  readonly node: number;
  readonly leader: number | null;
  readonly nodes: readonly NodeAddress[];
  readonly user: string | null;
  /** Highest request number that the session has used; 0 for a new one. */
  readonly highest: number;
}

type Outcome =
  | {
      readonly ok: true;
      readonly value: Success;
      /** Label of a read that asked for a stale answer. */
      readonly stale?: true;
    }
  | { readonly ok: false; readonly code: ErrorCode; readonly text: string; readonly retryAfterMs?: number }
  /** Unknown outcome: send the same number again. */
  | { readonly unknown: true; readonly text: string };

/** Which request an answer is for: a numbered change, or a query. */
export type Correlation = { readonly n: number } | { readonly q: number };

export type NativeReply = Correlation &
  Outcome & {
    /** The list of the value goes on in the next reply with this `q`: long lists are parted to fit frames. */
    readonly more?: true;
  };

export type NativeEvent =
  /** To every live session of everyone in the conversation, the sender's own included. */
  | ({ readonly ev: 'message' } & MessageEntry)
  /** The same for what has become of a message. Not told behind a login, whose history is of that moment. */
  | ({ readonly ev: 'amended' } & AmendedEntry)
  /** All events up to `index` that concern this user have been sent: a moving floor for the client's cursor. */
  | { readonly ev: 'caught-up'; readonly index: number }
  | { readonly ev: 'leader'; readonly leader: number | null }
  /** The members of the cluster, or where they are, have changed: all of them. */
  | { readonly ev: 'nodes'; readonly nodes: readonly NodeAddress[] }
  /** The other side of a direct conversation has got, or read, its messages up to `sequence`. */
  | {
      readonly ev: 'delivered' | 'read';
      readonly conversation: string;
      readonly sequence: number;
      readonly by: string;
    }
  | ({ readonly ev: 'group' } & GroupNotice)
  /** To who watches. `complete`: all who are online, or the first part of them. */
  | { readonly ev: 'presence'; readonly users: readonly UserEntry[]; readonly complete?: boolean }
  /** To who watches; good for five seconds. */
  | { readonly ev: 'typing'; readonly conversation: string; readonly user: string }
  | { readonly ev: 'pong' }
  /** The node closes this connection next. */
  | {
      readonly ev: 'closing';
      readonly code: ErrorCode | 'GOING_AWAY' | 'SESSION_ENDED';
      readonly text: string;
    };

export type NativeFrame = Welcome | NativeReply | NativeEvent;
